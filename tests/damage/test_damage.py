"""Damaged memory: no command fails inside, takes long or much, or passes a damage over. Ctrl-C: at
no moment does it leave a file half written, a traceback, gdb unusable, or the target changed.

The short form of tests/damage/fuzz.py. A case is that of its seed, but for Go, which places its
heap at random: the finding says what was damaged.
"""

from __future__ import annotations

import pytest

from fuzz import FAMILIES, LISTS, OTHERS, Result, fuzz, interrupt

CASES = 1000  # of each family
OF_OTHERS = 100  # of each further one
LISTINGS = 150  # of each program whose maps are listed
MOMENTS = 40  # of each command


@pytest.mark.parametrize("family", FAMILIES)
def test_commands_withstand_damaged_memory(family: str) -> None:
    check(fuzz(family, CASES), CASES)


@pytest.mark.parametrize("family", OTHERS)
def test_further_families_withstand_damaged_memory(family: str) -> None:
    check(fuzz(family, OF_OTHERS), OF_OTHERS)


@pytest.mark.parametrize("family", LISTS)
def test_a_list_withstands_damaged_memory(family: str) -> None:
    check(fuzz(family, LISTINGS), LISTINGS)


def check(result: Result, cases: int) -> None:
    told = [f"seed {one['seed']}: {one}" for one in result.findings]
    assert not told, "\n".join(told[:20])
    assert result.numbers["cases"] > 0.9 * cases


def test_ctrl_c_at_any_moment_leaves_nothing_half_done() -> None:
    result = interrupt(MOMENTS)
    assert not result.findings, "\n".join(map(str, result.findings[:20]))
    assert result.numbers["interrupted"] > 2 * MOMENTS
