"""What bad input must give: one clear line, a gdb that still works, no partly written file."""

from __future__ import annotations

import re
from pathlib import Path


from built import fixture_program
from harness import Fails, Outcome, Session, Tries, gdb_session


STATE = "half_deleted"

STILL_THERE = "print 1+1"


def assert_clear(outcome: Outcome, *subjects: str) -> None:
    """Checks that an error is one line: the failure, its subjects in quotes, the remedy."""
    error = outcome.error
    assert error is not None, f"'{outcome.command}' succeeded: {outcome.output}"
    assert outcome.output == outcome.messages == "", outcome
    assert "\n" not in error, error
    assert re.match(r"[a-z0-9'\"$-]", error), f"starts with a capital: {error}"
    assert not error.endswith("."), f"ends with a full stop: {error}"
    assert re.search(r".[:;] .", error), f"has no remedy: {error}"
    for subject in subjects:
        assert f"'{subject}'" in error or f'"{subject}"' in error, f"names no '{subject}': {error}"


def assert_usable(outcome: Outcome) -> None:
    assert re.fullmatch(r"\$\d+ = 2\n", outcome.output), outcome


def at_stop(folder: Path, *commands: str | Fails | Tries) -> Session:
    """The outcomes of commands in the fixture `states` at its stop."""
    outcomes = gdb_session(
        fixture_program("dev", "states"),
        [STATE, str(folder / "truth")],
        commands=["break fixture_stop", "run", *commands, STILL_THERE],
    )
    assert_usable(outcomes[-1])
    return Session(outcomes[2:-1])
