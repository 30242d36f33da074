"""Where a target is opened: the one place that knows which implementations there are.

Another implementation of Target is a module beside this one, and its line here: all layers above
know the protocol alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout_files import LayoutFiles
from .protocol import Target

if TYPE_CHECKING:
    from .gdb_values import GdbValues


def open_target() -> Target:
    """What is looked at, for the length of one command: in gdb, its selected inferior. TargetError
    where there is none."""
    from .gdb import GdbTarget

    return GdbTarget()


def open_with_values() -> tuple[Target, GdbValues]:
    """gdb's selected inferior, and what makes gdb's values its own and back, for what gdb calls
    with a gdb.Value. TargetError where there is none."""
    from .gdb import GdbTarget

    target = GdbTarget()
    return target, target.values


def layout_files() -> LayoutFiles:
    """The layout files that are loaded."""
    from .gdb_layouts import LAYOUTS

    return LAYOUTS
