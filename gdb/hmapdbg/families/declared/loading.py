"""The definition files that are loaded: TOML files, and modules of Python."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence

from ...compat import dataclass
from ...target import TargetError

from ..family import Family
from .checking import FindType, check
from .document import read_definition
from .family import DeclaredFamily, bare_name
from .toml_file import DefinitionError

MODULE = "hmap_definition_"  # begins the names of modules


@dataclass(frozen=True)
class Loaded:
    """A file, and the families that are from it."""

    path: str
    families: tuple[Family, ...]


class Definitions:
    """What is loaded, by path. `families` is the list of all families, which it changes."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families
        self._own = {one.name for one in families}
        self._words = {word for one in families for word in one.words}
        self._loaded: dict[str, Loaded] = {}

    def all(self) -> Sequence[Loaded]:
        """What is loaded, in the order of loading."""
        return list(self._loaded.values())

    def load(self, path: str, find: FindType | None = None) -> Loaded:
        """Loads a file; one that was loaded before is replaced. `find`: finds types of the program,
        if there is one, whose structs the definition must fit. DefinitionError: then nothing has
        changed."""
        full = os.path.abspath(os.path.expanduser(path))
        if full.endswith(".py"):
            found = _of_module(full, path)
        else:
            found = (DeclaredFamily(read_definition(full)),)
        for one in found:
            self._check_name(full, one)
            if find is not None and isinstance(one, DeclaredFamily):
                check(one.definition, find)
        self.drop(full)
        # Before the package's own: a user means what they declare.
        self._families[:0] = found
        self._loaded[full] = Loaded(full, tuple(found))
        return self._loaded[full]

    def forget(self, path: str = "") -> int:
        """Unloads a file, or all; returns how many. TargetError if it is not loaded."""
        if not path:
            count = len(self._loaded)
            for one in list(self._loaded):
                self.drop(one)
            return count
        full = os.path.abspath(os.path.expanduser(path))
        if full not in self._loaded:
            raise TargetError(f"no definitions of '{path}' are loaded: see 'hmap-define'")
        self.drop(full)
        return 1

    def drop(self, path: str) -> None:
        """Unloads a file, by its absolute path, if it is loaded."""
        loaded = self._loaded.pop(path, None)
        if loaded is not None:
            gone = {id(one) for one in loaded.families}
            self._families[:] = [one for one in self._families if id(one) not in gone]

    def may_be_map(self, names: Sequence[str], fields: set[str]) -> bool:
        """Whether a struct with one of those names, and those fields, may be a map of one."""
        known = {bare_name(one) for one in names}
        for loaded in self.all():
            for family in loaded.families:
                has_all = any(set(header) <= fields for header in getattr(family, "headers", ()))
                struct = bare_name(str(getattr(family, "struct", "")))
                if has_all and (not struct or struct in known):
                    return True
        return False

    def _check_name(self, path: str, family: Family) -> None:
        taken = {one.name: each.path for each in self.all() for one in each.families}
        name = family.name
        where = path
        if isinstance(family, DeclaredFamily):
            declared = family.definition.where
            where = f"{declared.file}:{declared.line}"
        if name in self._own or set(family.words) & self._words:
            raise DefinitionError(
                f"{where}: the name '{name}' is that of a family of hmap: choose another"
            )
        if taken.get(name, path) != path:
            raise DefinitionError(
                f"{where}: the name '{name}' is that of a family in '{taken[name]}': choose another"
            )


def _of_module(full: str, path: str) -> tuple[Family, ...]:
    """The families that a module of Python has in its list FAMILIES. DefinitionError."""
    if not os.path.isfile(full):
        reason = "No such file or directory" if not os.path.exists(full) else "it is no file"
        raise DefinitionError(f"cannot read '{path}': {reason}")
    name = MODULE + os.path.basename(full)[:-3]
    spec = importlib.util.spec_from_file_location(name, full)
    assert spec is not None and spec.loader is not None  # the name ends with .py
    module = importlib.util.module_from_spec(spec)
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # pylint: disable=broad-except
        raise DefinitionError(
            f"{full}:{_line_in(error, full)}: {type(error).__name__}: {error}"
        ) from None
    finally:
        sys.dont_write_bytecode = before
    found = getattr(module, "FAMILIES", None)
    if not isinstance(found, (list, tuple)) or not found:
        raise DefinitionError(f"{full}: no list FAMILIES: name in it the families of the module")
    for one in found:
        for needed in ("name", "recognise", "open"):
            if not hasattr(one, needed):
                kind = type(one).__name__
                raise DefinitionError(
                    f"{full}: '{kind}' has no '{needed}': derive it from hmapdbg.own.OwnFamily"
                )
    return tuple(found)


def _line_in(error: Exception, path: str) -> int:
    """The last line of a module that an error has come through."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    return next((one.lineno or 0 for one in reversed(frames) if one.filename == path), 0)
