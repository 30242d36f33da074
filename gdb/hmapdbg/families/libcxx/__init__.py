"""libc++'s unordered containers."""
