"""The target as gdb shows it: a live process, a remote one, or a core file.

No gdb.Value and no gdb.Type leaves this module and its companions, gdb_types, gdb_variables and
gdb_layouts.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from typing import Literal

import gdb

from . import gdb_variables, layout_expression
from .core_file import NotACore, held_ranges
from .gdb_layouts import LayoutNames, placed_layouts
from .gdb_types import GdbTypes, type_named
from .memory import MemoryFault
from .page_cache import PageCache
from .protocol import Target, TargetError, Value, Variable
from .spelling import cast_names, go_spellings, go_spellings_of_name, is_balanced, writes
from .types import Kind, Type, pointer_to

NO_PROCESS = (
    "no process and no core file: start the program, or use 'attach PID' or 'core-file FILE' first"
)
_MISSING = re.compile(r'No symbol "(.*?)" in current context')
_NO_DEBUG_INFO = re.compile(r"No symbol table is loaded|has unknown type")


class GdbTarget(Target):
    """The selected inferior of gdb, for the length of one command."""

    def __init__(self) -> None:
        inferior = gdb.selected_inferior()
        if inferior.pid == 0:
            raise TargetError(NO_PROCESS)
        self._inferior = inferior
        self.pointer_size = gdb.lookup_type("char").pointer().sizeof
        self.byte_order = _byte_order()
        self._mappings: Sequence[tuple[int, int]] | None = None
        self._mappings_known = False
        self._named: dict[str, Type | None] = {}
        self._is_go: bool | None = None
        self._types = GdbTypes(self.pointer_size, lambda: self.is_go)
        self._layouts = placed_layouts()
        self._layout_names = LayoutNames(self.lookup_type, self._layouts)
        self._is_stripped = any(one.is_stripped for one in self._layouts)
        self._cache: PageCache | None = None
        if self._connection_type() not in ("native", "core"):
            self._cache = PageCache(self._read)

    # ---- memory

    def read_exactly(self, addr: int, size: int) -> bytes | memoryview:
        return (self._cache.read if self._cache else self._read)(addr, size)

    def _read(self, addr: int, size: int) -> memoryview:
        try:
            return self._inferior.read_memory(addr, size)
        except (gdb.MemoryError, gdb.error, OverflowError, MemoryError):
            raise MemoryFault(addr, size) from None

    def mappings(self) -> Sequence[tuple[int, int]] | None:
        if not self._mappings_known:
            self._mappings = self._find_mappings()
            self._mappings_known = True
        return self._mappings

    def _find_mappings(self) -> Sequence[tuple[int, int]] | None:
        if self.is_core:
            return self._core_mappings()
        if self._connection_type() == "native":
            try:
                with open(f"/proc/{self._inferior.pid}/maps", encoding="utf-8") as maps:
                    return _parse_maps(maps)
            except OSError:
                return None
        return None

    @property
    def is_core(self) -> bool:
        """Whether the memory comes from a core file."""
        return self._connection_type() == "core"

    def _connection_type(self) -> str:
        connection = getattr(self._inferior, "connection", None)
        return str(connection.type) if connection is not None else ""

    def _core_mappings(self) -> list[tuple[int, int]] | None:
        """What the core holds, and the executable's and libraries' own sections."""
        files = _output_of("info files")
        path = self._core_path()
        if path is None:
            return None
        try:
            held = held_ranges(path)
        except (OSError, NotACore):
            return None
        section = re.compile(r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is (\S+)", re.MULTILINE)
        for low, high, name in section.findall(files):
            # Constant sections can be had from the files; data and zero-filled ones cannot.
            if name.startswith((".text", ".rodata", ".eh_frame", ".data.rel.ro")):
                held.append((int(low, 16), int(high, 16)))
        merged: list[tuple[int, int]] = []
        for start, end in sorted(held):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    # ---- values and types

    def evaluate(self, expression: str) -> Value:
        if not is_balanced(expression):
            raise TargetError(
                f"expression '{expression}' is left open: close its bracket or quote, or put the "
                "options before it"
            )
        if writes(expression):
            raise TargetError(
                f"expression '{expression}' would change the program: "
                "give one without an assignment"
            )
        # What a library calls like one of the program's variables is not meant.
        unknown: TargetError | None = None
        if self._is_stripped and layout_expression.has_name(expression):
            try:
                return layout_expression.evaluate(expression, self._layout_names, self)
            except layout_expression.Unknown as error:
                unknown = error
        try:
            with _parameter("may-call-functions", False):
                if self.is_go:
                    return self._evaluate_go(expression)
                return self._evaluate(expression, expression)
        except gdb.MemoryError as error:
            raise TargetError(
                f"cannot read '{expression}': {_lowered(error)}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None
        except gdb.error as error:
            if unknown is not None:
                raise unknown from None
            if self._layouts:
                return layout_expression.evaluate(expression, self._layout_names, self)
            if self.is_go and _NO_DEBUG_INFO.search(str(error)):
                raise TargetError(
                    f"cannot evaluate '{expression}': the program has no debug info: build it "
                    "without -ldflags=-w or -s, or 'hmap-layout load FILE' if it was stripped later"
                ) from None
            raise TargetError(_explain(expression, error)) from None

    def _evaluate(self, expression: str, spelled: str) -> Value:
        """The value of an expression, `spelled` as gdb is to have it."""
        value = gdb.parse_and_eval(spelled)
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        if value.is_optimized_out:
            raise TargetError(
                f"value of '{expression}' is optimised out in this frame: "
                "try an outer frame ('up'), or a global that holds the map"
            )
        return self._neutral_value(expression, value)

    def _evaluate_go(self, expression: str) -> Value:
        """An expression as Go's users type it, whatever language gdb takes the frame for (assembly,
        in the innermost frame of a core). gdb's own parser of Go is not asked: gdb 13.1 dies of a
        name that is missing once a quoted one was there before it. In the language C, which knows
        '.' behind a pointer too, a package's variable needs quotes."""
        with _language("c"):
            for name in cast_names(expression):
                type_named(name)  # so that gdb knows it from now on
            spellings = go_spellings(expression)
            failure: gdb.error | None = None
            while spellings:
                spelled = spellings.pop(0)
                try:
                    return self._evaluate(expression, spelled)
                except gdb.MemoryError:
                    raise
                except gdb.error as error:
                    missing = _MISSING.search(str(error))
                    if failure is None:
                        failure = error
                        if missing and spelled == expression:
                            spellings += go_spellings_of_name(
                                expression, missing.group(1), _function_name()
                            )
                    elif "syntax error" in str(failure) or (
                        missing and "." in missing.group(1) and missing.group(1) in expression
                    ):
                        failure = error  # says more of what the user typed than that of "main"
            assert failure is not None
            raise failure

    @property
    def is_go(self) -> bool:
        """Whether the program has Go's runtime in it."""
        if self._is_go is None:
            with _language("c"):
                try:
                    gdb.parse_and_eval("&'runtime.firstmoduledata'")
                    self._is_go = True
                except gdb.error:
                    self._is_go = any(
                        one.file.variable("runtime.firstmoduledata") for one in self._layouts
                    )
        return self._is_go

    def evaluate_at(self, type_name: str, address: str) -> Value:
        """A pointer to a value of a type at an address, both as the user typed them. Go's map types
        are pointers already, and in Go no cast can be written."""
        expression = f"({type_name} *) ({address})"
        try:
            value = self.evaluate(expression)
        except TargetError:
            value = None
        found = value.type.target if value is not None else self.lookup_type(type_name)
        if value is not None and found is not None and found.kind is not Kind.POINTER:
            return value
        if found is None and type_name.startswith("map["):
            raise TargetError(
                f"no type '{type_name}' in the program: see those of its maps with "
                "'info types -q ^map'"
            )
        if found is None:
            return self.evaluate(expression)
        number = self.evaluate(address)
        if found.kind is not Kind.POINTER:
            found = pointer_to(found, self.pointer_size)
        where = int.from_bytes(number.data[: self.pointer_size], self.byte_order)
        return Value(expression, found, where.to_bytes(self.pointer_size, self.byte_order))

    def value_of(self, value: gdb.Value, text: str) -> Value:
        """A value that gdb hands to a function or printer; `text` names it in errors."""
        try:
            # Else gdb would have the program's malloc make room for a string literal.
            with _parameter("may-call-functions", False):
                return self._neutral_value(text, value)
        except gdb.error as error:
            raise TargetError(_explain(text, error)) from None

    def literal_text(self, value: gdb.Value) -> str | None:
        """The text of a string literal, which lies in gdb alone; None for any other value."""
        found = value.type.strip_typedefs()
        if found.code != gdb.TYPE_CODE_ARRAY or found.target().strip_typedefs().sizeof != 1:
            return None
        with _parameter("may-call-functions", False):
            return value.string() if value.address is None else None

    def gdb_value(self, address: int, neutral: Type) -> gdb.Value:
        """The value of a type that this target described, at an address; for gdb's own printing."""
        original = self._types.original(neutral)
        if original is None:  # bytes, of which gdb's debug info says nothing
            byte = self._inferior.architecture().integer_type(8, False)
            original = byte.array(max(neutral.size, 1) - 1)
        return gdb.Value(address).cast(original.pointer()).dereference()

    def _neutral_value(self, expression: str, value: gdb.Value) -> Value:
        neutral = self.neutral_type(value.type)
        address = None if value.address is None else int(value.address)
        if neutral.kind in (Kind.POINTER, Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN):
            number = int(value) & ((1 << (8 * neutral.size)) - 1)
            return Value(
                expression, neutral, number.to_bytes(neutral.size, self.byte_order), address
            )
        if address is None and neutral.kind is Kind.ARRAY and neutral.target.size == 1:
            # A string literal lives in gdb alone.
            letters = bytes(int(value[i]) & 0xFF for i in range(neutral.count))
            return Value(expression, neutral, letters)
        if address is None:
            raise TargetError(
                f"value of '{expression}' is not in memory: name the variable that holds it"
            )
        try:
            return Value(expression, neutral, self.read(address, neutral.size), address)
        except MemoryFault as fault:
            raise TargetError(
                f"cannot read '{expression}': {fault}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None

    def lookup_type(self, name: str) -> Type | None:
        if name not in self._named:
            self._named[name] = self._find_type(name)
        return self._named[name]

    def _find_type(self, name: str) -> Type | None:
        if self._is_stripped:
            return self._type_of_files(name) or self._types.lookup(name)
        found = self._types.lookup(name)
        # In another file of the program a struct may only be declared.
        if found is not None and (found.fields or found.kind not in (Kind.STRUCT, Kind.UNION)):
            return found
        return self._type_of_files(name) or found

    def _type_of_files(self, name: str) -> Type | None:
        found = (one.file.lookup_type(name) for one in self._layouts)
        return next((one for one in found if one is not None), None)

    def type_names(self, start: str) -> list[str]:
        # The machine interface has each name as a string of its own.
        pattern = re.escape(start).replace("\\", "\\\\")
        command = f'interpreter-exec mi "-symbol-info-types --name ^{pattern}"'
        try:
            found = re.findall(r'\bname="((?:[^"\\]|\\.)*)"', _output_of(command))
        except gdb.error:
            found = []
        names = [re.sub(r"\\(.)", r"\1", name) for name in found]
        for one in self._layouts:
            names += one.file.type_names(start)
        return list(dict.fromkeys(names))

    # ---- variables

    def iter_globals(self) -> Iterator[Variable]:
        yield from gdb_variables.iter_globals(self)
        for one in self._layouts:
            if one.is_stripped:
                yield from one.iter_variables()

    def iter_locals(self) -> Iterator[Variable]:
        return gdb_variables.iter_locals(self)

    @contextlib.contextmanager
    def frame_selected(self, thread: int | None, level: int) -> Iterator[None]:
        with gdb_variables.frame_selected(thread, level):
            yield

    def integer_bytes(self, number: int, size: int) -> bytes:
        """An integer as it lies in memory."""
        return number.to_bytes(size, self.byte_order)

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
            return f"{function.name} at {place.symtab.filename}:{place.line}"
        text = _output_of(f"info symbol 0x{addr:x}").strip()
        return None if text.startswith("No symbol") else text.split(" in section")[0]

    def describe(self) -> str:
        """What is looked at, for people: "core file", "live process 4711"."""
        kinds = {"core": "core file", "native": "live process"}
        kind = kinds.get(self._connection_type(), "remote process")
        return kind if self.is_core else f"{kind} {self._inferior.pid}"

    def process_identity(self) -> str:
        """What tells this process from others, the same for all looks at it, live and in cores: its
        number, and the random bytes that the kernel gave it, and where."""
        pid = self._inferior.pid
        try:
            found = re.search(r"AT_RANDOM\s.*?0x([0-9a-f]+)", _output_of("info auxv"))
            if found is not None:
                return f"pid {pid}, {self.read(int(found[1], 16), 16).hex()} at 0x{found[1]}"
        except (gdb.error, MemoryFault):
            pass
        return f"pid {pid}"

    def taken_at(self) -> float | None:
        """When the memory was as it is now, in seconds since 1970: of a core, when its file was
        last written."""
        if not self.is_core:
            return time.time()
        path = self._core_path()
        try:
            return None if path is None else os.stat(path).st_mtime
        except OSError:
            return None

    def program(self) -> str:
        """The executable's path; empty: unknown."""
        space = gdb.current_progspace()
        return (space.filename if space is not None else "") or ""

    def _core_path(self) -> str | None:
        found = re.search(r"Local core dump file:\n\s*`(.*)', file type", _output_of("info files"))
        return found.group(1) if found else None

    def function_at(self, addr: int) -> str:
        words = _output_of(f"info symbol 0x{addr:x}").split()
        # "name in section .text of FILE"; a pointer may lead to the function's stub. One to Thumb
        # code is odd: "name + 1 in section .text of FILE".
        if words[1:2] == ["in"] or addr % 2 == 1 and words[1:4] == ["+", "1", "in"]:
            return words[0].split("@")[0]
        names = (one.file.function_at(addr - one.bias) for one in self._layouts)
        return next((name for name in names if name), "")

    def neutral_type(self, found: gdb.Type) -> Type:
        """A gdb type as a neutral one, typedefs and qualifiers stripped; an incomplete struct is
        completed from another compilation unit where there is one."""
        return self._types.neutral(found)


def _byte_order() -> Literal["little", "big"]:
    return "big" if "big endian" in _output_of("show endian") else "little"


def _output_of(command: str) -> str:
    return gdb.execute(command, to_string=True) or ""


@contextlib.contextmanager
def _parameter(name: str, value: bool) -> Iterator[None]:
    """A gdb setting for a while (gdb.with_parameter is not in gdb 12)."""
    before = gdb.parameter(name)
    gdb.execute(f"set {name} {'on' if value else 'off'}", to_string=True)
    try:
        yield
    finally:
        gdb.execute(f"set {name} {'on' if before else 'off'}", to_string=True)


def _function_name() -> str:
    """The selected frame's function; empty where there is none."""
    try:
        return gdb.selected_frame().name() or ""
    except gdb.error:
        return ""


@contextlib.contextmanager
def _language(name: str) -> Iterator[None]:
    """gdb's language for a while."""
    before = gdb.parameter("language")
    gdb.execute(f"set language {name}", to_string=True)
    try:
        yield
    finally:
        gdb.execute(f"set language {before}", to_string=True)


def _parse_maps(lines: Iterator[str]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for line in lines:
        low, high = (int(part, 16) for part in line.split(" ", 1)[0].split("-"))
        if out and out[-1][1] == low:
            out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return out


def _lowered(error: Exception) -> str:
    """gdb's own text in the manner of ours: no capital, no full stop."""
    text = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "failed"
    return text[0].lower() + text[1:]


def _explain(expression: str, error: gdb.error) -> str:
    """One line about why gdb could not evaluate what the user typed, with the remedy."""
    text = str(error)
    missing = _MISSING.search(text)
    if missing:
        return (
            f"no symbol '{missing.group(1)}' in the current context: check the name, "
            "or select the frame that has it ('frame N', 'up')"
        )
    if "No symbol table is loaded" in text:
        return (
            f"cannot evaluate '{expression}': no symbol table is loaded: "
            "use 'file PROGRAM' with a program that was built with -g, or "
            "'hmap-layout load FILE' if it is stripped"
        )
    if "has unknown type" in text:
        return (
            f"type of '{expression}' is unknown: the program has no debug info for it: build with "
            "-g, or name the map by 'hmap-dump --type \"struct hmap\" ADDRESS'"
        )
    if "calling functions" in text or "Cannot call functions" in text:
        return f"expression '{expression}' would call a function in the program: name a variable"
    return f"cannot evaluate '{expression}': {_lowered(error)}: check the expression with 'print'"
