"""What Python 3.9, the oldest that gdb may embed, lacks."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING or sys.version_info >= (3, 10):
    from dataclasses import dataclass
else:

    def dataclass(*args: Any, slots: bool = False, **options: Any) -> Any:
        """dataclasses.dataclass without `slots`, which is new in Python 3.10."""
        return dataclasses.dataclass(*args, **options)
