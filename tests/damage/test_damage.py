"""Damaged memory: no command fails inside, takes long or much, or passes a damage over.

The short form of tests/damage/fuzz.py; each case is its seed's, so a failure is that of every run.
"""

from __future__ import annotations

import pytest

from fuzz import FAMILIES, fuzz

CASES = 1000  # of each family


@pytest.mark.parametrize("family", FAMILIES)
def test_commands_withstand_damaged_memory(family: str) -> None:
    result = fuzz(family, CASES)
    told = [f"seed {one['seed']}: {one}" for one in result.findings]
    assert not told, "\n".join(told[:20])
    assert result.numbers["cases"] > 0.9 * CASES
