"""GLib's GHashTable, also where it is a set of keys.

    family      recognises its struct, and opens it
    fields      its numbers, by debug info or by the layout of its version
    table       sizes, and when it grows or shrinks
    keys        types of keys and elems, by the functions of a map
    placement   hash functions, and where keys belong
"""
