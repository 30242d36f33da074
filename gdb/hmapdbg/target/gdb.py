"""The target as gdb shows it: a live process, a remote one, or a core file.

No gdb.Value and no gdb.Type leaves this module and the modules gdb_*.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

import gdb

from . import gdb_frames, gdb_globals, gdb_made_frames, gdb_objects
from .core_file import Gap
from .gdb_classes import GdbClasses, address_of_function, symbol_at
from .gdb_definitions import definitions
from .gdb_expressions import GdbExpressions
from .gdb_layouts import INDEXES, LAYOUTS, STRIPPED_GO, register_value
from .gdb_left_out import LeftOut
from .gdb_process import GdbProcess
from .gdb_session import linker_names, output_of, types_by_pattern
from .gdb_text import file_name
from .gdb_trait_objects import TraitObjects
from .gdb_types import GdbTypes
from .gdb_values import GdbValues
from .layout_files import LayoutNames
from .page_cache import PageCache
from .protocol import Call, Target, TargetError, Value, Variable
from .spelling import WITH_LINE, split_scope
from .types import Kind, Type, pointer_to


class GdbTarget(Target):
    """gdb's selected inferior, for one command. TargetError if it has no process."""

    def __init__(self) -> None:
        self._process = GdbProcess()
        self.pointer_size = gdb.lookup_type("char").pointer().sizeof
        self.byte_order = "big" if "big endian" in output_of("show endian") else "little"
        self._cache = PageCache(self._process.read) if self._process.is_remote else None
        self._definitions = definitions()
        self._named: dict[str, Type | None] = {}
        self._indexes = INDEXES.placed() if gdb_objects.uses_indexes() else []
        self._types = GdbTypes(self.pointer_size, self._indexed_type if self._indexes else None)
        self._classes = GdbClasses(self, self._types)
        self._trait_objects = TraitObjects(self._types)
        self._layouts = LAYOUTS.placed()
        known = {one.program for one in self._layouts}
        tables = [one for one in STRIPPED_GO.placed() if one.program not in known]
        self._has_tables_only = bool(tables) and not self._layouts and not self._indexes
        self._layouts += tables
        self._is_stripped = any(one.is_stripped for one in self._layouts)
        self.values = GdbValues(self, self._types)
        self._by_path: dict[str, Variable] | None = None  # once all variables were asked for
        self._left_out = LeftOut()
        names = LayoutNames(self.lookup_type, [*self._layouts, *self._indexes], register_value)
        self._expressions = GdbExpressions(
            self, self.values, names, self._layouts, bool(self._indexes), self._has_tables_only
        )

    # ---- memory

    def read_exactly(self, addr: int, size: int) -> bytes | memoryview:
        return (self._cache or self._process).read(addr, size)

    def mappings(self) -> Sequence[tuple[int, int]] | None:
        return self._process.mappings()

    def gap_at(self, addr: int) -> Gap | None:
        return self._process.gap_at(addr)

    @property
    def is_core(self) -> bool:
        return self._process.is_core

    def mismatch(self) -> str:
        return self._process.mismatch()

    # ---- values and types

    def evaluate(self, expression: str) -> Value:
        return self._expressions.evaluate(expression)

    @property
    def is_go(self) -> bool:
        return self._expressions.is_go

    def evaluate_at(self, type_name: str, address: str) -> Value:
        found = None if self.is_go or self._is_stripped else self._definitions.find(type_name)
        if found is None:
            return super().evaluate_at(type_name, address)
        number = self.evaluate(address)
        data = number.data[: self.pointer_size].ljust(self.pointer_size, b"\0")
        pointer = pointer_to(self._types.neutral(found), self.pointer_size)
        return Value(f"({type_name} *) ({address})", pointer, data)

    def type_spellings(self, name: str) -> Sequence[str]:
        return () if self.is_go or self._is_stripped else self._definitions.spellings(name)

    def find_type(self, name: str) -> Type | None:
        if name not in self._named:
            self._named[name] = self._look_up(name)
        return self._named[name]

    def alignment(self, found: Type) -> int | None:
        return self._types.alignment(found)

    def _look_up(self, name: str) -> Type | None:
        if self._is_stripped:
            return self._type_of_files(name) or self._types.lookup(name)
        found = self._indexed_type(name) or self._types.lookup(name)
        # gdb may have only a declaration of a struct.
        if found is not None and (found.fields or found.kind not in (Kind.STRUCT, Kind.UNION)):
            return found
        return self._type_of_files(name) or found

    def lookup_leading(self, name: str) -> Type | None:
        found = (one.file.lookup_type(name) for one in self._indexes)
        return next((one for one in found if one is not None), None) or self.lookup_type(name)

    def _type_of_files(self, name: str) -> Type | None:
        found = (one.file.lookup_type(name) for one in (*self._layouts, *self._indexes))
        return next((one for one in found if one is not None), None)

    def _indexed_type(self, name: str) -> Type | None:
        found = (one.complete_type(name) for one in self._indexes)
        return next((one for one in found if one is not None), None)

    def type_names(self, start: str) -> list[str]:
        if self._indexes:
            found = [name for one in self._indexes for name in one.file.type_names(start)]
            return list(dict.fromkeys(found))
        names = [] if self._is_stripped and self.is_go else types_by_pattern(f"^{re.escape(start)}")
        for one in self._layouts:
            names += one.file.type_names(start)
        return list(dict.fromkeys(names))

    # ---- variables

    def iter_globals(self) -> Iterator[Variable]:
        by_path: dict[str, Variable] = {}
        indexed = {one.program: frozenset(one.file.global_names) for one in self._indexes}
        for index in self._indexes:
            yield from index.iter_variables()
        for found in gdb_globals.iter_globals(
            self.values, left_out=self._left_out, indexed=indexed
        ):
            for path in (found.path, *found.others):
                by_path.setdefault(path, found)
            yield found
        self._by_path = by_path
        for one in self._layouts:
            if one.is_stripped:
                yield from one.iter_variables()

    def has_debug_info(self) -> bool:
        return bool(self._layouts) or gdb_objects.has_debug_info()

    @property
    def is_built_by_go(self) -> bool:
        return self._expressions.is_built_by_go

    @property
    def has_tables_only(self) -> bool:
        return self._has_tables_only

    def table_doubts(self) -> list[str]:
        return STRIPPED_GO.doubts if self._has_tables_only else []

    def why_no_types(self) -> str:
        return next(iter(STRIPPED_GO.refusals), "") or super().why_no_types()

    def left_out(self) -> list[str]:
        refusals = INDEXES.refusals() if gdb_objects.uses_indexes() else []
        return [*self._left_out.told(), *refusals]

    def cuts(self) -> list[str]:
        return self._left_out.told_of_limits(gdb_frames.MAX_FRAMES)

    def path_of(self, variable: Variable) -> str:
        paths = (variable.path, *variable.others)
        if not variable.others or self.is_go:
            return variable.path
        return next((one for one in paths if self._address_of(one) == variable.address), paths[-1])

    def _address_of(self, path: str) -> int | None:
        """The address of a variable by its path; None: it has none."""
        scope, name = split_scope(path)
        if not scope.object and WITH_LINE.fullmatch(name) is None:
            try:
                if scope.thread is None:
                    return self.evaluate(name).address
                with self.frame_selected(scope.thread, scope.level or 0):
                    return self.evaluate(name).address
            except TargetError:
                pass
        found = self.find_variable(path)
        return None if found is None else found.address

    def find_variable(self, path: str) -> Variable | None:
        if self._by_path is not None:
            return self._by_path.get(path)
        scope, name = split_scope(path)
        last = re.search(r"(\w+)(?:@\d+)?['\"]?\Z", name)
        if last is None or scope.level is not None:
            return None
        wanted = gdb_globals.Wanted(last.group(1), scope.object, scope.thread)
        found = gdb_globals.iter_globals(self.values, wanted)
        return next((one for one in found if path in (one.path, *one.others)), None)

    def iter_locals(self) -> Iterator[Variable]:
        return gdb_frames.iter_locals(self.values, self.is_go, self._left_out)

    @contextlib.contextmanager
    def frame_selected(
        self, thread: int | None, level: int, behind: bool = False
    ) -> Iterator[None]:
        with gdb_frames.frame_selected(thread, level):
            place = gdb_made_frames.selected_place() if level and self.is_go else None
            if place is None:
                yield
                return
            pc, sp, number = place
            with gdb_made_frames.call_selected(pc + behind, sp, number):
                yield

    def innermost_places(self) -> Sequence[tuple[int, int]]:
        return gdb_frames.innermost_places()

    def calls_at(self, pc: int, sp: int) -> Sequence[Call]:
        return gdb_made_frames.calls_at(self.values, pc, sp)

    def call_selected(
        self, pc: int, sp: int, number: int
    ) -> contextlib.AbstractContextManager[None]:
        return gdb_made_frames.call_selected(pc, sp, number)

    # ---- addresses

    def describe_address(self, addr: int) -> str | None:
        try:
            place = gdb.find_pc_line(addr)
            block = gdb.block_for_pc(addr)
        except (gdb.error, OverflowError, RuntimeError):
            return None
        while block is not None and block.function is None:
            block = block.superblock
        function = None if block is None else block.function
        if function is not None and place.symtab is not None:
            return f"{function.name} at {file_name(place.symtab)}:{place.line}"
        with linker_names() if self.is_go else contextlib.nullcontext():
            text = output_of(f"info symbol 0x{addr:x}").strip()
        return None if text.startswith("No symbol") else text.split(" in section")[0]

    def function_at(self, addr: int) -> str:
        words = output_of(f"info symbol 0x{addr:x}").split()
        # "name in section .text of FILE"; a pointer may be to the function's stub. Thumb addresses
        # are odd: "name + 1 in section .text of FILE".
        if words[1:2] == ["in"] or addr % 2 == 1 and words[1:4] == ["+", "1", "in"]:
            return words[0].split("@")[0]
        names = (one.file.function_at(addr - one.bias) for one in self._layouts)
        return next((name for name in names if name), "")

    def class_of_vtable(self, addr: int) -> tuple[str, Type | None]:
        return self._classes.of_vtable(addr)

    def type_of_trait_object(self, found: Type, table: int) -> Type | None:
        return self._trait_objects.type_of(found, table)

    def class_of_function(self, addr: int) -> Type | None:
        return self._classes.of_function(addr)

    def pointee_in_function(
        self, addr: int, names: tuple[str, ...], within: str = ""
    ) -> Type | None:
        return self._classes.pointee_in_function(addr, names, within)

    def pointee_of_parameter(self, addr: int) -> Type | None:
        return self._classes.pointee_of_parameter(addr)

    def argument_of_function(self, addr: int, name: str) -> Type | None:
        return self._classes.argument_of_function(addr, name)

    def symbol_at(self, addr: int) -> str:
        return symbol_at(addr)

    def address_of_function(self, name: str) -> int | None:
        return address_of_function(name)

    # ---- which process, and when

    def describe(self) -> str:
        return self._process.describe()

    def program(self) -> str:
        return self._process.program()

    def process_identity(self) -> str:
        return self._process.identity(self)

    def taken_at(self) -> float | None:
        return self._process.taken_at()
