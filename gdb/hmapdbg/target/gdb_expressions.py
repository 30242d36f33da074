"""Expressions that the user types, by gdb's parser and by layout files."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Sequence

import gdb

from . import gdb_objects, layout_expression
from .gdb_errors import explained, is_without_debug_info, lowered, missing_name, unreadable
from .gdb_session import function_name, language, no_calls, program_language
from .gdb_types import type_named
from .gdb_values import GdbValues, referred
from .layout_files import LayoutNames, Placed
from .memory import Memory
from .protocol import GO_WITH_DEBUG_INFO, WITHOUT_DEBUG_INFO, TargetError, Value
from .spelling import cast_names, go_spellings, go_spellings_of_name, is_balanced, writes

# A variable or constant of Go's by its full name: no local is meant.
_FULL_NAME = re.compile(r"'[^'()]+\.[^'()]+'")


class GdbExpressions:
    """Expressions of one target."""

    def __init__(
        self,
        memory: Memory,
        values: GdbValues,
        names: LayoutNames,
        layouts: Sequence[Placed],
        is_indexed: bool,
        has_tables_only: bool = False,
    ) -> None:
        self._memory = memory
        self._values = values
        self._names = names
        self._layouts = layouts
        self._is_indexed = is_indexed
        self._has_tables_only = has_tables_only
        self._is_stripped = any(one.is_stripped for one in layouts)

    @functools.cached_property
    def is_go(self) -> bool:
        """Whether the program contains Go's runtime."""
        with language("c"):
            try:
                gdb.parse_and_eval("&'runtime.firstmoduledata'")
                return True
            except gdb.error:
                pass
        return any(one.file.variable("runtime.firstmoduledata") for one in self._layouts)

    @functools.cached_property
    def is_built_by_go(self) -> bool:
        """See Target."""
        return self.is_go or gdb_objects.has_go()

    @functools.cached_property
    def _own_language(self) -> str:
        return program_language()

    def evaluate(self, expression: str) -> Value:
        """The value of an expression. TargetError."""
        if not is_balanced(expression):
            raise TargetError(
                f"expression '{expression}' has an open bracket or quote: close it, or put the "
                "options before it"
            )
        if writes(expression):
            raise TargetError(
                f"expression '{expression}' would change the program: "
                "give one without an assignment"
            )
        # A library's variable of the same name is not meant.
        unknown: TargetError | None = None
        if self._is_indexed and _FULL_NAME.fullmatch(expression):
            with contextlib.suppress(layout_expression.Unknown):
                return self._by_layout_files(expression)
        if self._is_stripped and layout_expression.has_name(expression):
            try:
                return self._by_layout_files(expression)
            except layout_expression.Unknown as error:
                unknown = error
        try:
            with no_calls():
                if self.is_go:
                    return self._in_go(expression)
                return self._in_any_language(expression)
        except gdb.MemoryError as error:
            raise unreadable(expression, lowered(error)) from None
        except gdb.error as error:
            if self._has_tables_only and (unknown is not None or is_without_debug_info(error)):
                raise TargetError(
                    f"cannot evaluate '{expression}': {WITHOUT_DEBUG_INFO}: give a path of "
                    f"'hmap-list', or build it {GO_WITH_DEBUG_INFO}"
                ) from None
            if unknown is not None:
                raise unknown from None
            if self._layouts:
                return self._by_layout_files(expression)
            if self._is_indexed:  # gdb changes some names of packages
                with contextlib.suppress(layout_expression.Unknown):
                    return self._by_layout_files(expression)
            if self.is_built_by_go and is_without_debug_info(error):
                raise TargetError(
                    f"cannot evaluate '{expression}': {WITHOUT_DEBUG_INFO}: build it "
                    f"{GO_WITH_DEBUG_INFO}, or 'hmap-layout load FILE' if it was stripped later"
                ) from None
            raise explained(expression, error) from None

    def _in_any_language(self, expression: str) -> Value:
        """An expression in the program's language, else in the other of C and C++, else in the one
        that gdb has: the selected frame's, or the user's. TargetError, gdb.error."""
        own = self._own_language
        failure: gdb.error | None = None
        for name in (own, "c" if own == "c++" else "c++", gdb.parameter("language")):
            try:
                with language(str(name)):
                    return self._by_gdb(expression, expression)
            except gdb.MemoryError:
                raise
            except gdb.error as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def _by_layout_files(self, expression: str) -> Value:
        return layout_expression.evaluate(expression, self._names, self._memory)

    def _by_gdb(self, expression: str, spelled: str) -> Value:
        """The value of an expression, `spelled` for gdb. TargetError, gdb.error."""
        value = referred(gdb.parse_and_eval(spelled))
        if value.is_optimized_out:
            raise TargetError(
                f"value of '{expression}' is optimised out in this frame: "
                "try an outer frame ('up'), or a global that holds the map"
            )
        return self._values.evaluated(expression, value)

    def _in_go(self, expression: str) -> Value:
        """An expression in Go's syntax, whatever language gdb assumes for the frame (assembly, in
        the innermost frame of a core). gdb's Go parser is not used: gdb 13.1 crashes on a missing
        name after a quoted one. In the language C, which allows '.' after a pointer too, a
        package's variable needs quotes. TargetError, gdb.error."""
        with language("c"):
            for name in cast_names(expression):
                type_named(name)  # makes gdb read its symbols
            spellings = go_spellings(expression)
            failure: gdb.error | None = None
            while spellings:
                spelled = spellings.pop(0)
                try:
                    return self._by_gdb(expression, spelled)
                except gdb.MemoryError:
                    raise
                except gdb.error as error:
                    missing = missing_name(error)
                    if failure is None:
                        failure = error
                        if missing and spelled == expression:
                            spellings += go_spellings_of_name(expression, missing, function_name())
                    elif "syntax error" in str(failure) or (
                        "." in missing and missing in expression
                    ):
                        failure = error  # closer to what the user typed than that of "main"
            assert failure is not None
            raise failure
