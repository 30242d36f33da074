"""Opens targets: the only module that knows all implementations.

A new implementation of Target is a module beside this one and a line here: all layers above know
only the protocol.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .layout_files import LayoutFiles
from .protocol import Target, TargetError
from .types import Type

if TYPE_CHECKING:
    from .gdb_twin import Taken
    from .gdb_values import GdbValues


def open_target() -> Target:
    """The target of one command: in gdb, its selected inferior. TargetError if there is none."""
    from .gdb import GdbTarget

    return GdbTarget()


def type_finder() -> Callable[[str], Type | None] | None:
    """What finds a type of the program by its name; None: there is no process or core."""
    with contextlib.suppress(TargetError):
        return open_target().lookup_type
    return None


@contextlib.contextmanager
def steady_language() -> Iterator[None]:
    """For the length of one command: what the debugger says of the target does not depend on the
    frame that is selected."""
    from . import gdb_session

    with gdb_session.steady_language():
        yield


def open_with_values() -> tuple[Target, GdbValues]:
    """gdb's selected inferior, and the converter of gdb's values to its own and back, for code that
    gdb calls with a gdb.Value. TargetError if there is none."""
    from .gdb import GdbTarget

    target = GdbTarget()
    return target, target.values


def layout_files() -> LayoutFiles:
    """The loaded layout files."""
    from .gdb_layouts import LAYOUTS

    return LAYOUTS


def take_twin(path: str) -> Taken:
    """Takes names and types of the program from its twin. TargetError if the file is none."""
    from . import gdb_twin

    return gdb_twin.take_twin(path)


def program_file() -> str:
    """The executable, whichever file names and types are from. TargetError: there is none."""
    from . import gdb_twin

    return gdb_twin.program_file()
