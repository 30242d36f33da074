"""LLVM's maps (llvm/ADT).

    dense_map   DenseMap, SmallDenseMap and their sets
    markers     which of their keys stand for slots without an entry
    string_map  StringMap and StringSet
"""
