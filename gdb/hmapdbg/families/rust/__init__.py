"""Rust's maps: those of the standard library and of the crate hashbrown, which it is made of, and
of crates made of that (indexmap, dashmap)."""
