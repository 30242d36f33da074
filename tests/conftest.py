"""Options of the tests, whichever folders are run."""

from __future__ import annotations

import pytest

from built import BUILDS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--builds",
        default=",".join(BUILDS),
        help="builds whose fixtures tests/gdb examines, separated by commas (default: %(default)s)",
    )
    parser.addoption("--update", action="store_true", help="rewrite the goldens in tests/golden")
