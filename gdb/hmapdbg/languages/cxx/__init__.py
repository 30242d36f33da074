"""What the standard libraries of C++ have in common: the shapes of their types in memory, of which
libstdcxx and libcxx know the fields.

    names       types as people write them
    containers  vectors, lists, trees
    smart       smart pointers
    choices     what may hold a value, or one of several
    erased      what holds a value of any type
    owners      std::shared_ptr<void>
    wrapped     structs that stand for one member
"""
