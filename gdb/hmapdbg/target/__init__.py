"""The process or core under study: its memory and types, without any debugger's classes.

    protocol      what the layers above need from a target
    opening       opens one: the only module that knows all implementations
    types         neutral type descriptions
    memory        bulk reads on top of one primitive, `read_exactly`
    gdb           the implementation inside gdb, with the modules gdb_*; no other module here
                  imports gdb
    fake          an implementation on byte arrays, for tests
    core_file     contents of core files, and facts about ELF files
    elf_symbols   variables and functions of an ELF file
    page_cache    memory of a slow target, cached for one command
    layout_file   types and variables from a file that hmap-layout wrote
    layout_files  the loaded ones, and the program of the process that each belongs to
    interrupt     Ctrl-C, in whichever form
    declared      types that debug info only declares, as their library has them
    layout_expression, spelling   expressions without gdb's parser, and spelled for it
"""

from .core_file import Gap
from .memory import Memory, MemoryFault
from .types import Field, Kind, Type, Variants, VirtualBase
from .protocol import WITHOUT_DEBUG_INFO, Target, TargetError, Unreadable, Value, Variable

__all__ = [
    "Field",
    "Gap",
    "Kind",
    "Memory",
    "MemoryFault",
    "Target",
    "TargetError",
    "Type",
    "Unreadable",
    "Value",
    "Variable",
    "Variants",
    "VirtualBase",
    "WITHOUT_DEBUG_INFO",
]
