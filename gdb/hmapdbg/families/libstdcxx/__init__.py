"""libstdc++'s unordered containers."""
