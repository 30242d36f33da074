"""The thing under study: its memory and its types, told without any debugger's classes.

    types    neutral type descriptions
    memory   bulk reads on top of one primitive, `read_exactly`
    elf_symbols  which variables and functions an ELF file has
    gdb      the implementation inside gdb (the only module here that imports it)
    fake     an implementation on byte arrays, for tests
"""

from .memory import Memory, MemoryFault
from .types import Field, Kind, Type
from .protocol import Target, TargetError, Value, Variable

__all__ = [
    "Field",
    "Kind",
    "Memory",
    "MemoryFault",
    "Target",
    "TargetError",
    "Type",
    "Value",
    "Variable",
]
