"""Runs in gdb: Ctrl-C at many moments of a command, and what is there after each.

The job (a path in HMAP_DAMAGE_JOB) is JSON: {"exe", "arguments", "stop", "commands": [[command,
[files]]], "moments": N, "seed": N, "folder": path, "report": path}. A moment is a number of calls
and returns of functions, so that it is the same in each run. The report gets a line of JSON for
each finding, and one at the end with the numbers of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import gdb

WRONG = ("failed inside", "Error occurred in Python", "Traceback", "Python Exception")


class Interrupts:
    """The run over all commands of a job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._folder = Path(job["folder"])
        self._report = open(job["report"], "a", encoding="utf-8", buffering=1)
        self.moments = self.interrupted = self.findings = 0

    def run(self) -> None:
        job = self._job
        for command in (
            f"file {job['exe']}",
            f"set args {job['arguments']}",
            f"break {job['stop']}",
            "run",
        ):
            gdb.execute(command, to_string=True)
        chance = random.Random(job["seed"])
        state = self._state()
        for command, files in job["commands"]:
            whole, text, calls = self._sound(command, files)
            for _ in range(job["moments"]):
                moment = chance.randrange(1, calls)
                self._one(command, files, moment, whole, text)
                if self._state() != state:
                    self._find(command, moment, "registers or memory of the target differ")
                    state = self._state()
        self._write(
            {"moments": self.moments, "interrupted": self.interrupted, "findings": self.findings}
        )

    def _sound(self, command: str, files: list[str]) -> tuple[dict[str, bytes], str, int]:
        """What a command that is left alone writes and prints, and how many events it has."""
        gdb.execute(command, to_string=True)  # imports and caches are there after it
        events = 0

        def count(*_: object) -> None:
            nonlocal events
            events += 1

        sys.setprofile(count)
        text = gdb.execute(command, to_string=True)
        sys.setprofile(None)
        return {one: (self._folder / one).read_bytes() for one in files}, text, events

    def _one(
        self, command: str, files: list[str], moment: int, whole: dict[str, bytes], text: str
    ) -> None:
        for one in self._folder.iterdir():
            one.unlink()
        for one in files:
            (self._folder / one).write_text("former")
        self.moments += 1
        left = moment

        def interrupt(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                sys.setprofile(None)
                os.kill(os.getpid(), signal.SIGINT)

        said = ""
        sys.setprofile(interrupt)
        try:
            said = gdb.execute(command, to_string=True)
        except (gdb.error, KeyboardInterrupt) as error:
            said = str(error)
            self.interrupted += 1
        finally:
            sys.setprofile(None)
        if any(word in said for word in WRONG):
            self._find(command, moment, said[:500])
        there = {one.name: one.read_bytes() for one in self._folder.iterdir()}
        if set(there) != set(files):
            self._find(command, moment, f"files {sorted(there)}, not {sorted(files)}")
        new = [name for name, data in there.items() if data != b"former"]
        if new and set(new) != set(files):
            self._find(command, moment, f"of {sorted(files)} only {sorted(new)} are new")
        if new and said == text and any(there[name] != whole[name] for name in files):
            self._find(command, moment, "a file differs from that of a command left alone")
        self._is_usable(command, moment, text)

    def _is_usable(self, command: str, moment: int, text: str) -> None:
        try:
            again = gdb.execute(command, to_string=True)
        except (gdb.error, KeyboardInterrupt) as error:
            again = f"{type(error).__name__}: {error}"
        if again != text:
            self._find(command, moment, f"the next one says {again[:300]!r}")

    def _state(self) -> str:
        """A digest of the registers and of all memory that the process may write."""
        digest = hashlib.sha256(gdb.execute("info registers", to_string=True).encode())
        inferior = gdb.selected_inferior()
        with open(f"/proc/{inferior.pid}/maps", encoding="utf-8") as maps:
            for line in maps:
                span, mode = line.split()[:2]
                if mode.startswith("rw"):
                    low, high = (int(one, 16) for one in span.split("-"))
                    digest.update(inferior.read_memory(low, high - low))
        return digest.hexdigest()

    def _find(self, command: str, moment: int, what: str) -> None:
        self.findings += 1
        self._write({"command": command, "moment": moment, "finding": what})

    def _write(self, line: dict[str, Any]) -> None:
        self._report.write(json.dumps(line) + "\n")


def main() -> None:
    with open(os.environ["HMAP_DAMAGE_JOB"], encoding="utf-8") as file:
        job = json.load(file)
    Interrupts(job).run()


main()
