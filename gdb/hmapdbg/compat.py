"""What the oldest Python that gdb may embed (3.9) lacks."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING or sys.version_info >= (3, 10):
    from dataclasses import dataclass
else:

    def dataclass(*args: Any, slots: bool = False, **options: Any) -> Any:
        """dataclasses.dataclass, which takes `slots` from Python 3.10 on: left out here."""
        return dataclasses.dataclass(*args, **options)
