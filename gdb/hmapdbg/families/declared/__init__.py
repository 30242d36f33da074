"""Families that users declare in a file of their own, over the existing geometries.

    expression   expressions on fields: parsed, never evaluated in the target
    evaluation   ... and computed, of one struct, or of many numbers at once
    toml_file    a TOML file: its tables, and on which line a key is
    definition   what a file says
    document     ... read, and checked
    checking     ... against the structs of a program
    reading      one map that is being opened: its struct, read as the definition says
    members      where the keys and elems of nodes and slots are
    opened       what maps of all geometries have in common
    chains       arrays of chains, opened
    slots        flat slots with a state, opened
    control      control bytes and slots, opened
    family       the Family of a definition
    loading      the files that are loaded
"""
