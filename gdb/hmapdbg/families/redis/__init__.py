"""The hash tables of Redis and Valkey.

    tables     the two tables of a dict, by the struct of its version
    entries    how its entries are stored, and what its functions tell of them
    dict       Redis's dict, up to Valkey 8.0
    hashtable  Valkey's hashtable, from 8.1 on
"""
