"""Statics of Rust: their names, and those that cannot be looked up by what the linker calls them.

A static that a macro makes (lazy_static!, thread_local!) lies in a function, a closure or an impl
block, whose name differs between the symbol table and debug info: `{{closure}}` and `{closure#0}`,
`<a::X as Deref>` and `a::{impl#0}`. Such a one is found by its address among the symbols of its
compilation unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import gdb

from ..compat import dataclass
from .elf_symbols import ElfSymbol
from .gdb_session import output_of

MAX_FUNCTIONS = 20_000  # whose units are looked at

STATICS = (gdb.SYMBOL_LOC_STATIC, gdb.SYMBOL_LOC_COMPUTED)  # computed: of a thread
_LEGACY = re.compile(r"_ZN.*17h[0-9a-f]{16}E(?:\..*)?\Z")
_V0 = re.compile(r"_R[A-Z]")
_HASH = re.compile(r"::h[0-9a-f]{16}\Z")
_CRATE = re.compile(r"\b(\w+)\[[0-9a-f]+\]")


def is_rust(name: str) -> bool:
    """Whether a linker's name is one of Rust's."""
    return _LEGACY.match(name) is not None or _V0.match(name) is not None


def rust_name(name: str) -> str:
    """A linker's name of Rust as programs write it, as far as it has that."""
    try:
        text = output_of(f"demangle -l rust -- {name}").strip()
    except gdb.error:
        return name
    return _CRATE.sub(r"\1", _HASH.sub("", text)) or name


@dataclass(frozen=True)
class RustStatic:
    """A static that was found by its address, or of each thread by its name."""

    symbol: gdb.Symbol
    linker_name: str
    is_thread_local: bool


def iter_by_unit(
    wanted: list[ElfSymbol], functions: list[ElfSymbol], bias: int
) -> Iterator[RustStatic]:
    """The statics among `wanted`, each of which is in the unit of one of `functions`."""
    fixed = {one.address + bias: one for one in wanted if not one.is_thread_local}
    of_threads: dict[str, ElfSymbol] = {
        _unnumbered(rust_name(one.name)): one for one in wanted if one.is_thread_local
    }
    sources = {one.source for one in wanted}
    met: set[str] = set()
    near = [one for one in functions if one.source and one.source in sources]
    far = [one for one in functions if not one.source or one.source not in sources]
    for function in [*near, *far][:MAX_FUNCTIONS]:
        if not fixed and not of_threads:
            return
        if function.source and function.source in met:
            continue
        met.add(function.source)
        for symbol in _symbols_of_unit(function.address + bias):
            if symbol.addr_class == gdb.SYMBOL_LOC_COMPUTED:
                name = _unnumbered(symbol.name)
                if name in of_threads:
                    yield RustStatic(symbol, of_threads[name].name, True)
                continue
            address = _address_of(symbol)
            one = None if address is None else fixed.pop(address, None)
            if one is not None:
                yield RustStatic(symbol, one.name, False)


def _unnumbered(name: str) -> str:
    """A name whose parts without names of their own are all alike."""
    return re.sub(r"\{+[^{}]*\}+", "{}", name)


def _symbols_of_unit(pc: int) -> list[gdb.Symbol]:
    """The variables of the unit of the code at an address."""
    try:
        block = gdb.block_for_pc(pc)
    except (gdb.error, RuntimeError):
        return []
    if block is None:
        return []
    found: list[gdb.Symbol] = []
    for one in (block.static_block, block.global_block):
        found += [] if one is None else list(one)  # type: ignore[call-overload]
    return [one for one in found if one.is_variable and one.addr_class in STATICS]


def _address_of(symbol: gdb.Symbol) -> int | None:
    try:
        address = symbol.value().address
    except (gdb.error, RuntimeError):
        return None
    return None if address is None else int(address)
