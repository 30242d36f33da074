"""Go's maps: bucket maps up to go1.23, Swiss maps from go1.24 on, and sync.Map of both kinds."""
