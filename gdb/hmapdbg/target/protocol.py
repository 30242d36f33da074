"""What the layers above need from a target, apart from memory."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from ..compat import dataclass
from .memory import Memory
from .spelling import may_name_type
from .types import Kind, Type, pointer_to


class TargetError(Exception):
    """A request of the user failed; the text is one line for the user."""


class Unreadable(TargetError):
    """Memory that a request needs cannot be read; `address`: where it is."""

    def __init__(self, text: str, address: int) -> None:
        super().__init__(text)
        self.address = address


@dataclass(frozen=True, slots=True)
class Value:
    """A value that the user named: its type, its bytes, and its address if it is in memory."""

    expression: str  # as typed
    type: Type
    data: bytes
    address: int | None = None  # None: in a register, or computed


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the program: a global, a static, or a local of a frame."""

    path: str  # what the user would type for it: "server", "frame 3: m"
    type: Type
    address: int | None  # None: in a register
    data: bytes = b""  # if it is in a register
    others: tuple[str, ...] = ()  # more paths, the less ambiguous the later


@dataclass(frozen=True, slots=True)
class Call:
    """A call in progress, inlined or not, as debug info has it: its function, and the variables of
    that which lie in memory, by their names alone."""

    function: str
    variables: tuple[Variable, ...]


WITHOUT_DEBUG_INFO = "the program has no debug info"
GO_WITH_DEBUG_INFO = "without -ldflags=-w or -s"  # how Go builds one that has


class Target(Memory):
    """Memory, types, variables and identity of a process. Raises TargetError with a line for the
    user."""

    # ---- values and types

    @abc.abstractmethod
    def evaluate(self, expression: str) -> Value:
        """The value of an expression typed by the user, never one from the target's memory."""

    def lookup_type(self, name: str) -> Type | None:
        """The complete type of that name, e.g. "struct hmap"; None where debug info has none.
        The name may come from the target's memory, where anything may stand: what cannot be a
        type's name goes no further."""
        return self.find_type(name) if may_name_type(name) else None

    @abc.abstractmethod
    def find_type(self, name: str) -> Type | None:
        """lookup_type of a name that may be a type's."""

    def alignment(self, found: Type) -> int | None:
        """The alignment of a type of this target, also one that it asks for; None: unknown."""
        return None

    def lookup_leading(self, name: str) -> Type | None:
        """lookup_type for a search: a struct that leads to no map may lack its fields."""
        return self.lookup_type(name)

    @abc.abstractmethod
    def type_names(self, start: str) -> list[str]:
        """Names of types in debug info that begin with `start`."""

    @property
    @abc.abstractmethod
    def is_go(self) -> bool:
        """Whether the program contains Go's runtime."""

    def evaluate_at(self, type_name: str, address: str) -> Value:
        """A pointer to a value of a type at an address, both as the user typed them. Go's map types
        are pointers already, and Go has no such cast. TargetError."""
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
                f"no type '{type_name}' in the program: 'info types -q ^map' lists "
                "those of its maps"
            )
        if found is None:
            return self.evaluate(expression)
        number = self.evaluate(address)
        if found.kind is not Kind.POINTER:
            found = pointer_to(found, self.pointer_size)
        where = int.from_bytes(number.data[: self.pointer_size], self.byte_order)
        return Value(expression, found, where.to_bytes(self.pointer_size, self.byte_order))

    def type_spellings(self, name: str) -> Sequence[str]:
        """Where several types have that name: what evaluate_at takes for each of them, all else
        being refused. Empty where one type has it."""
        return ()

    # ---- variables

    @abc.abstractmethod
    def iter_globals(self) -> Iterator[Variable]:
        """Globals and statics that may hold a pointer."""

    @property
    def is_built_by_go(self) -> bool:
        """Whether it is a Go program, also if nothing is known of its runtime: stripped."""
        return self.is_go

    @property
    def has_tables_only(self) -> bool:
        """Whether there is no debug info, and all that is known of types and variables comes from
        what the program needs itself: Go's runtime tables."""
        return False

    def table_doubts(self) -> list[str]:
        """Why what those tables say is only probable, for people."""
        return []

    def why_no_types(self) -> str:
        """Why nothing is known of the program's types, where that is so, for people."""
        return WITHOUT_DEBUG_INFO

    def how_to_build(self) -> str:
        """How the program is built with debug info, for people."""
        return GO_WITH_DEBUG_INFO if self.is_built_by_go else "with -g"

    def left_out(self) -> list[str]:
        """Which variables iter_globals and iter_locals have left out, and why."""
        return []

    def cuts(self) -> list[str]:
        """Which of them a limit has left out, and how to name them."""
        return []

    def path_of(self, variable: Variable) -> str:
        """The first of a variable's paths that leads to it and to no other."""
        return variable.path

    def find_variable(self, path: str) -> Variable | None:
        """The global or static with that path, of which the target's expressions know nothing."""
        return None

    @abc.abstractmethod
    def has_debug_info(self) -> bool:
        """Whether the program, or a library of its own, has debug info; if not, that there are no
        variables says nothing."""

    @abc.abstractmethod
    def iter_locals(self) -> Iterator[Variable]:
        """Locals and arguments of all frames of all threads."""

    @abc.abstractmethod
    def frame_selected(
        self, thread: int | None, level: int, behind: bool = False
    ) -> AbstractContextManager[None]:
        """Selects a frame for expressions, of the selected thread (None) or of another. TargetError
        if there is no such frame. `behind`: with variables where they are when the call that the
        frame waits for returns (Go: they have been saved before it)."""

    # ---- stacks that no thread runs on

    def innermost_places(self) -> Sequence[tuple[int, int]]:
        """Where each thread is: the address of its next instruction, and its stack pointer."""
        return ()

    def calls_at(self, pc: int, sp: int) -> Sequence[Call]:
        """The calls of the frame that goes on at `pc`, right behind a call, with the stack pointer
        `sp`: those inlined there, the innermost first, and last the function. Empty where debug
        info, or what reads it, says nothing of that."""
        return ()

    def call_selected(self, pc: int, sp: int, number: int) -> AbstractContextManager[None]:
        """With one of those calls selected for expressions, as a thread's frame may be.
        TargetError where there is none of that number."""
        raise TargetError("locals of goroutines need a debugger")

    # ---- addresses

    @abc.abstractmethod
    def describe_address(self, addr: int) -> str | None:
        """What is at an address, for people: "main at main.c:12" or "buffer+16"; None: unknown."""

    @abc.abstractmethod
    def function_at(self, addr: int) -> str:
        """The name of the function that starts at an address; empty if there is none."""

    def class_of_vtable(self, addr: int) -> tuple[str, Type | None]:
        """The class of C++ whose objects point to an address: its name, empty where no vtable is
        there; and the class, None where debug info does not have it."""
        return "", None

    def type_of_trait_object(self, found: Type, table: int) -> Type | None:
        """The type of the value behind a pointer of that type, by the table of its functions
        (Rust's &dyn Trait); None where that is unknown."""
        return None

    def class_of_function(self, addr: int) -> Type | None:
        """The class of C++ of which the function at an address is a member; None: unknown."""
        return None

    def pointee_in_function(
        self, addr: int, names: tuple[str, ...], within: str = ""
    ) -> Type | None:
        """What a variable or parameter of one of those names points to, of the function at an
        address or of one that is inlined there, in whose name is `within`; None where there is
        none."""
        return None

    def pointee_of_parameter(self, addr: int) -> Type | None:
        """What the first parameter of the function that begins at an address points to; None where
        debug info does not have it, and where that is void."""
        return None

    def argument_of_function(self, addr: int, name: str) -> Type | None:
        """The type that a parameter of a template of C++ stands for in the function at an address,
        without a reference; None: unknown."""
        return None

    def symbol_at(self, addr: int) -> str:
        """The name of the symbol at an address, with the parameters of a function of C++; empty
        where none begins there."""
        return ""

    def address_of_function(self, name: str) -> int | None:
        """Where the function of that name begins, parameters included; None: no such one."""
        return None

    # ---- which process, and when

    @abc.abstractmethod
    def describe(self) -> str:
        """The kind of target, for people: "core file", "live process 4711"."""

    @abc.abstractmethod
    def program(self) -> str:
        """The executable's path; empty: unknown."""

    @property
    def is_core(self) -> bool:
        """Whether this is a core file, which may lack memory that the process had."""
        return False

    def mismatch(self) -> str:
        """Why nothing can be believed: the core is of another build than the program that was
        loaded. Empty if it is of the same, or that is not known."""
        return ""

    @abc.abstractmethod
    def process_identity(self) -> str:
        """Identifies this process, always the same, live and in cores: its number, and the random
        bytes that the kernel gave it, with their address."""

    @abc.abstractmethod
    def taken_at(self) -> float | None:
        """The time of the memory's state, in seconds since 1970; None: unknown."""
