"""The thing under study: its memory and its types, told without any debugger's classes.

    protocol      what the layers above ask of a target
    opening       opens one: the only module that knows which implementations there are
    types         neutral type descriptions
    memory        bulk reads on top of one primitive, `read_exactly`
    gdb           the implementation inside gdb; what is called gdb_* belongs to it, and no other
                  module here imports gdb
    fake          an implementation on byte arrays, for tests
    core_file     what a core file holds, and what ELF files say of themselves
    elf_symbols   which variables and functions an ELF file has
    page_cache    memory of a slow target, kept for the length of a command
    layout_file   types and variables from a file that hmap-layout wrote
    layout_files  which of them are loaded, and of which program of the process each is
    layout_expression, spelling   expressions without gdb's parser, and as its parser must have them
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
