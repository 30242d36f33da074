"""Qt 6's QHash, QSet and QMultiHash.

    family   recognises them, and opens them
    types    where the fields are, by debug info
    spans    the table: spans of 128 slots, each with the entries of its own
    audit    invariants
    hash     Qt's hash of numbers, and where keys belong
"""
