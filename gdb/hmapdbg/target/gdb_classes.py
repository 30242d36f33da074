"""The classes behind addresses of C++: of a vtable, and of a member function.

By debug info of the functions themselves, so that of two classes with one name the right one is
found; names are looked up in the file of such a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import gdb

from .gdb_session import language, no_calls, output_of
from .gdb_statics import symbols_in
from .gdb_types import GdbTypes
from .memory import Memory, MemoryFault
from .spelling import class_of_member
from .types import Type

MAX_SLOTS = 64  # of a vtable
MAX_CODE = 4096  # bytes of a function that are looked at for what is inlined

_VTABLE = re.compile(r"vtable for (?P<name>.*?)(?: \+ \d+)? in section ", re.DOTALL)
_OFFSET = re.compile(r" \+ \d+\Z")
# What one class may be spelled with, and without.
_SPELLING = re.compile(r"<.*>|\[abi:\w+\]|\(\)| ", re.DOTALL)


class GdbClasses:
    """The classes of one target."""

    def __init__(self, memory: Memory, types: GdbTypes) -> None:
        self._memory = memory
        self._types = types
        self._known: dict[int, tuple[str, Type | None]] = {}

    def of_vtable(self, addr: int) -> tuple[str, Type | None]:
        """The class whose objects point to an address: its name, empty where no vtable is there;
        and the class itself, None where debug info does not have it."""
        if addr not in self._known:
            found = _VTABLE.match(output_of(f"info symbol 0x{addr:x}"))
            name = "" if found is None else found["name"]
            self._known[addr] = name, self._of_vtable(addr, name) if name else None
        return self._known[addr]

    def of_function(self, addr: int) -> Type | None:
        """The class of which the function at an address is a member; None where that is unknown."""
        if addr not in self._known:
            function = _function_at(addr)
            name = "" if function is None else class_of_member(function.name)
            found = None if function is None or not name else _lookup(name, _file_of(addr))
            self._known[addr] = name, None if found is None else self._types.neutral(found)
        return self._known[addr][1]

    def pointee_of_parameter(self, addr: int) -> Type | None:
        """See Target."""
        function = _function_at(addr)
        if function is None or function.type is None:
            return None
        parameters = function.type.fields()
        if not parameters or parameters[0].type is None:
            return None
        pointer = parameters[0].type.strip_typedefs()
        if pointer.code != gdb.TYPE_CODE_PTR:
            return None
        found = pointer.target().unqualified()
        is_void = found.strip_typedefs().code == gdb.TYPE_CODE_VOID
        return None if is_void else self._types.neutral(found)

    def argument_of_function(self, addr: int, name: str) -> Type | None:
        """See Target."""
        block = _block_at(addr)
        if block is None:
            return None
        try:
            symbol = gdb.lookup_symbol(name, block)[0]
        except (gdb.error, RuntimeError):
            return None
        if symbol is None or symbol.addr_class != gdb.SYMBOL_LOC_TYPEDEF or symbol.type is None:
            return None
        found = symbol.type
        if found.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            found = found.target()
        return self._types.neutral(found.unqualified())

    def pointee_in_function(
        self, addr: int, names: tuple[str, ...], within: str = ""
    ) -> Type | None:
        """See Target; the first one."""
        function = _function_at(addr)
        met: set[tuple[int, int, str]] = set()
        for at in range(addr, addr + MAX_CODE):
            around = [block.function.name for block in _functions_around(at) if block.function]
            if function is None or function.name not in around:
                return None
            block = _innermost_at(at)
            while block is not None and not block.is_static and not block.is_global:
                name = "" if block.function is None else block.function.name
                if (block.start, block.end, name) not in met:
                    met.add((block.start, block.end, name))
                    fits = within in (_owner(block) if within else "")
                    symbols = symbols_in(block) if fits else []
                    pointees = (_pointee(one) for one in symbols if one.name in names)
                    found = next((one for one in pointees if one is not None), None)
                    if found is not None:
                        return self._types.neutral(found)
                block = block.superblock
        return None

    def _of_vtable(self, addr: int, name: str) -> Type | None:
        bare = _without_arguments(name)
        files = []
        for slot in self._iter_slots(addr):
            owner = _class_of(slot)
            if owner is None:
                continue
            files.append(slot)
            # The destructor is the class's own; other functions may be of a base.
            own = _without_arguments(str(owner))
            if own == bare or bare.endswith(f"::{own}"):  # debug info may leave out a function
                return self._types.neutral(owner)
        for slot in files:
            found = _lookup(name, _file_of(slot))
            if found is not None:
                return self._types.neutral(found)
        found = _lookup(name, None)
        return None if found is None else self._types.neutral(found)

    def _iter_slots(self, addr: int) -> Iterator[int]:
        """The functions of a vtable, each once."""
        width = self._memory.pointer_size
        met = set()
        for number in range(MAX_SLOTS):
            try:
                slot = self._memory.read_uint(addr + number * width)
            except MemoryFault:
                return
            if slot and slot not in met:
                met.add(slot)
                yield slot


def symbol_at(addr: int) -> str:
    """The name of the symbol at an address; empty where none begins there."""
    name, found, _ = output_of(f"info symbol 0x{addr:x}").partition(" in section ")
    return name if found and not _OFFSET.search(name) else ""


def address_of_function(name: str) -> int | None:
    """Where the function of that name begins, of the symbols that the linker knows too."""
    if "'" in name or "\\" in name or not name.isprintable():
        return None
    try:
        with language("c++"), no_calls():
            return int(gdb.parse_and_eval(f"&'{name}'"))
    except gdb.error:
        return None


def _innermost_at(addr: int) -> gdb.Block | None:
    try:
        return gdb.block_for_pc(addr)
    except (gdb.error, RuntimeError, OverflowError):
        return None


def _functions_around(addr: int) -> list[gdb.Block]:
    """The functions that an address is in, from the innermost one: inlined ones, the one that they
    are inlined in, and behind a member function of a local class the function of that class."""
    block = _innermost_at(addr)
    found = []
    while block is not None and not block.is_static and not block.is_global:
        if block.function is not None:
            found.append(block)
        block = block.superblock
    return found


def _block_at(addr: int) -> gdb.Block | None:
    """The block of the function that begins at an address; others may be inlined there too."""
    begun = [one for one in _functions_around(addr) if _entry(one) == addr]
    return begun[-1] if begun else None


def _owner(block: gdb.Block) -> str:
    """The name of the function that a block is in, an inlined one or not."""
    around: gdb.Block | None = block
    while around is not None and around.function is None:
        around = around.superblock
    return "" if around is None or around.function is None else around.function.name


def _entry(block: gdb.Block) -> int:
    function = block.function
    try:
        address = None if function is None else function.value().address
        return block.start if address is None else int(address)
    except (gdb.error, RuntimeError, TypeError):
        return block.start


def _function_at(addr: int) -> gdb.Symbol | None:
    block = _block_at(addr)
    return None if block is None else block.function


def _file_of(addr: int) -> gdb.Block | None:
    block = _block_at(addr)
    return None if block is None else block.static_block


def _class_of(addr: int) -> gdb.Type | None:
    """What `this` of a member function points to."""
    found = (_pointee(one) for one in symbols_in(_block_at(addr)) if one.name == "this")
    return next(found, None)


def _pointee(symbol: gdb.Symbol) -> gdb.Type | None:
    if symbol.type is None:
        return None
    pointer = symbol.type.strip_typedefs()
    return pointer.target().unqualified() if pointer.code == gdb.TYPE_CODE_PTR else None


def _lookup(name: str, block: gdb.Block | None) -> gdb.Type | None:
    """A type by its name, as the file of a block has it."""
    try:
        return gdb.lookup_type(name) if block is None else gdb.lookup_type(name, block)
    except (gdb.error, RuntimeError):
        return None


def _without_arguments(name: str) -> str:
    return _SPELLING.sub("", name)
