"""Paths: the harness of the gdb tests, and the package."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "gdb"), str(ROOT / "gdb")]
