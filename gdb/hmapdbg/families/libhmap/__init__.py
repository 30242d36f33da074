"""libhmap's own map, and its hash functions."""
