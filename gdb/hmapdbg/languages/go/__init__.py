"""Go, beyond its maps. Families and reach import what they use from here.

    names        how types and variables are spelled
    symbols      the runtime's variables and constants
    structs      layouts of the runtime's structs
    strings, slices, channels, interfaces   types that lead to other values, for values and reach
    abi          kinds, flags and structs of type descriptors
    descriptors  what the runtime stores for each type, read once
    type_names   names of types from their descriptors
    described    types from descriptors alone, for showing values
    declared     types by descriptor, of debug info or made, also those of maps
    stack_maps   maps in the frames of functions, by the functions' code
    slots        what the slots of maps hold
    plausible    whether bytes can be values of a type
    roots        variables without names, and their types by the code
    goroutines   goroutines and their stacks
    modules      the executable and plugins, as the runtime knows them
    functions    functions, and how large their frames are
    frames       the frames of goroutines
    liveness     which of their words are still used
    receivers    what methods are called on
    locals       variables in them, by name
    iterators    iterators of range loops, on those stacks
    heap         the heap's spans and blocks
    heap_types   what they say of the types of what is in them
    extents      whether an array can lie where a slice says
"""

from __future__ import annotations

from ...target import Target, Type
from ..elements import Elements
from ..holders import Holder
from ..language import Language
from ..strings import StringType
from .channels import find_channel
from .declared import DeclaredTypes, MapTypes, find_type
from .goroutines import goroutines_of, stacks_of
from .frames import FramePlaces, short_name
from .functions import Functions
from .map_structs import MapStruct, MapStructs
from .heap import HEADED, PAGE, Heap, HeapBlock, read_heap
from .heap_types import HeapTypes
from .interfaces import find_interface, is_interface
from .iterators import find_iterators, iterator_notes
from .liveness import LiveWords
from .locals import GoroutineCall, calls_of, find_call, iter_goroutine_variables
from .modules import VARIABLES, ranges_of
from .names import (
    SHAPE,
    SYNC_ENTRY,
    go_name,
    is_bucket,
    map_name_of,
    root_length,
    split_map_name,
    with_shapes,
    without_paths,
)
from .plausible import Shape, fits, shape_of
from .receivers import Receivers
from .roots import ROOT, Roots, root_address, root_name
from .slices import find_slice
from .stack_maps import StackMap, StackMaps
from .slots import bytes_tell_keys_apart, slot_value
from .strings import find_string
from .structs import go_layout, required_field
from .symbols import Constants, find_value, has_runtime

__all__ = [
    "Constants",
    "DeclaredTypes",
    "FramePlaces",
    "Functions",
    "GO",
    "GoroutineCall",
    "HEADED",
    "Heap",
    "HeapBlock",
    "HeapTypes",
    "LiveWords",
    "MapStruct",
    "MapStructs",
    "MapTypes",
    "PAGE",
    "ROOT",
    "Receivers",
    "Roots",
    "SHAPE",
    "SYNC_ENTRY",
    "StackMap",
    "StackMaps",
    "VARIABLES",
    "bytes_tell_keys_apart",
    "calls_of",
    "find_call",
    "find_iterators",
    "find_type",
    "find_value",
    "go_layout",
    "go_name",
    "goroutines_of",
    "has_runtime",
    "is_bucket",
    "is_interface",
    "iter_goroutine_variables",
    "iterator_notes",
    "map_name_of",
    "Shape",
    "fits",
    "shape_of",
    "ranges_of",
    "read_heap",
    "required_field",
    "root_address",
    "root_length",
    "root_name",
    "short_name",
    "slot_value",
    "split_map_name",
    "stacks_of",
    "with_shapes",
    "without_paths",
]

# Headers without key and elem types, which the runtime uses for all maps, and their parts.
UNTYPED = ("runtime.hmap", "internal/runtime/maps.Map", "runtime.bmap", "runtime.maptype")


class Go(Language):
    """Go's types, recognised by the names of their fields."""

    name = "Go"
    arrow = "."

    def runs(self, target: Target) -> bool:
        return has_runtime(target)

    def find_string(self, found: Type) -> StringType | None:
        return find_string(found)

    def find_elements(self, found: Type) -> Elements | None:
        return find_slice(found) or find_channel(found)

    def find_holder(self, found: Type) -> Holder | None:
        return find_interface(found)

    def is_internal(self, found: Type) -> bool:
        return found.name in UNTYPED


GO = Go()
