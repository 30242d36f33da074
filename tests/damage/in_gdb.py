"""Runs in gdb: damages what is read of a program, and runs the commands on that.

The program itself stays as it is: other bytes are put into what is read. The job (a path in
HMAP_DAMAGE_JOB) is JSON: {"images": [{"exe", "arguments", "stop", "expressions", "shares": of the
cases, by expression}], "cases": N, "lists": whether only hmap-list is run, "seed": N,
"only": [seeds], "report": path, "folder": path}. The report gets a line of JSON for each finding,
and one at the end with the numbers of the run.
"""

from __future__ import annotations

import csv
import json
import os
import re
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from damages import Damager, Read  # noqa: E402

SECONDS = 2.0  # of processor time, for one command
READ_IN_A_SECOND = 64 << 20  # bytes; garbage may say that a map fills the heap
MOST_MEMORY = 256 << 20  # added by one command, bytes
ADDRESS_SPACE = 3 << 30  # beyond what gdb has at the beginning
CASES_TO_A_LIST = 200
RUNS_OF_READS = 4  # a long read is divided, so that a header weighs as much as an array

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
csv.field_size_limit(1 << 30)
INSIDE = ("failed inside", "Error occurred in Python", "Traceback")


def damaged_target(
    patches: Sequence[Read], reads: dict[int, bytes] | None, sizes: list[int]
) -> Any:
    """gdb's target with other bytes in some places; what is read goes to `reads`, and how much to
    `sizes`."""
    from hmapdbg.target.gdb import GdbTarget
    from hmapdbg.target.protocol import Value

    class Damaged(GdbTarget):
        """The selected inferior, as if it had been damaged."""

        def read_exactly(self, addr: int, size: int) -> bytes | memoryview:
            found = super().read_exactly(addr, size)
            sizes.append(size)
            if reads is not None:
                reads[addr] = max(reads.get(addr, b""), bytes(found), key=len)
            return _patched(addr, found)

        def evaluate(self, expression: str) -> Value:
            found = super().evaluate(expression)
            if found.address is None:
                return found
            return Value(
                found.expression,
                found.type,
                bytes(_patched(found.address, found.data)),
                found.address,
            )

    def _patched(addr: int, found: bytes | memoryview) -> bytes | memoryview:
        changed: bytearray | None = None
        for at, data in patches:
            low, high = max(at, addr), min(at + len(data), addr + len(found))
            if low < high:
                changed = changed or bytearray(found)
                changed[low - addr : high - addr] = data[low - at : high - at]
        return found if changed is None else bytes(changed)

    return Damaged()


class Run:
    """One run over all images of a job."""

    def __init__(self, job: dict[str, Any]) -> None:
        from hmapdbg.target.gdb_session import program_language

        self._ask_language = program_language
        self._job = job
        self._folder = job["folder"]
        self._report = open(job["report"], "a", encoding="utf-8", buffering=1)
        self.cases = self.commands = self.findings = 0
        self.errors: dict[str, int] = {}
        self.slowest = 0.0
        self.traces: list[str] = []  # of errors inside
        self._patches: Sequence[Read] = ()
        self._reads: dict[int, bytes] | None = None
        self._sizes: list[int] = []
        self._sound: dict[str, Any] = {}

    def open_target(self) -> Any:
        """In place of target.opening.open_target."""
        return damaged_target(self._patches, self._reads, self._sizes)

    def run(self) -> None:
        images = self._job["images"]
        shares = [share for one in images for share in one["shares"]]
        number, given = self._job["seed"], 0
        for image in images:
            self._start(image)
            for expression, share in zip(image["expressions"], image["shares"], strict=True):
                given += share  # of all shares, so that no case is lost by rounding
                end = self._job["seed"] + self._job["cases"] * given // sum(shares)
                end = max(end, number + 1)
                self._prepare(expression)
                for seed in range(number, end):
                    if not self._job["only"] or seed in self._job["only"]:
                        self._case(image, expression, seed)
                number = end
            gdb.execute("kill", to_string=True)
        self._write(
            {
                "cases": self.cases,
                "commands": self.commands,
                "findings": self.findings,
                "slowest": round(self.slowest, 2),
                "errors": dict(sorted(self.errors.items(), key=lambda one: -one[1])[:40]),
            }
        )

    def _start(self, image: dict[str, Any]) -> None:
        """Runs a program up to where its maps are there."""
        for command in (
            "delete",
            f"file {image['exe']}",
            f"set args {image['arguments']}",
            f"break {image['stop']}",
            "run",
        ):
            gdb.execute(command, to_string=True)
        self._keep_language()

    def _keep_language(self) -> None:
        """Keeps the program's language: each time it is asked, gdb looks in all files for a name
        that is in none, which would take a third of a case."""
        from hmapdbg.target import gdb_expressions, gdb_session

        found = self._ask_language()
        for module in (gdb_session, gdb_expressions):
            module.program_language = lambda: found  # type: ignore[attr-defined]
        gdb_expressions.GdbExpressions.is_go = found == "go"  # type: ignore[assignment]

    def _prepare(self, expression: str) -> None:
        """Reads the sound image: what can be damaged, and what is seen of it."""
        self._patches, self._reads = (), {}
        if self._job["lists"]:
            self._execute(f"hmap-list --save {self._folder}/list.json")
        else:
            self._execute(self._dump(expression))
            self._execute(f"hmap-check {expression}")
        pieces: list[Read] = []
        for addr, data in self._reads.items():
            step = max(len(data) // RUNS_OF_READS, 64)
            pieces += [(addr + at, data[at : at + step]) for at in range(0, len(data), step)]
        self._reads = None
        width = gdb.lookup_type("char").pointer().sizeof
        order = "big" if "big endian" in gdb.execute("show endian", to_string=True) else "little"
        self._damager = Damager(pieces, width, order)
        if self._job["lists"]:
            return
        value = damaged_target((), None, []).evaluate(expression)
        self._variable = (value.address or 0, len(value.data))
        self._sound = self._seen()

    def _dump(self, expression: str) -> str:
        names = (("--csv", "o.csv"), ("--entries", "e.csv"), ("--json", "d.json"))
        files = " ".join(f"{option} {self._folder}/{name}" for option, name in names)
        return f"hmap-dump {expression} {files}"

    def _case(self, image: dict[str, Any], expression: str, seed: int) -> None:
        damage = self._damager.make(seed)
        self._patches = damage.patches
        self.cases += 1
        case = {"exe": image["exe"], "expression": expression, "seed": seed, "damage": damage.name}
        if self._job["lists"]:
            self._tried(case, f"hmap-list --save {self._folder}/list.json")
            return
        for name in ("o.csv", "e.csv", "d.json"):
            try:
                os.unlink(f"{self._folder}/{name}")
            except FileNotFoundError:
                pass
        dumped = self._tried(case, self._dump(expression))
        if dumped is not None:
            self._agree(case)
        checked = self._tried(case, f"hmap-check {expression}")
        if dumped is not None and checked is not None:
            # Of a table that does not count its entries, none is known to be missing.
            is_counted = expression not in image.get("uncounted", ())
            if checked.startswith("consistent") and is_counted and self._is_other():
                self._find(case, "hmap-check", f"names nothing: {checked.splitlines()[0]}")
        more = (
            f"hmap-dump {expression} --buckets 0-3",
            f"hmap-find {expression} -- 1",
            f'hmap-find {expression} -- "a"',
            f"hmap-layout {expression}",
            f"print {expression}",
            f"print $hmap_len({expression})",
        )
        self._tried(case, more[seed % len(more)])
        if seed % CASES_TO_A_LIST == 0:
            self._tried(case, f"hmap-list --save {self._folder}/list.json")

    def _is_other(self) -> bool:
        """Whether the map that a dump shows is not the sound one, and an invariant should tell: not
        where the variable leads to another map, nor of what has no count of its own, nor of a
        header of zeros, which is that of a map never written to."""
        at, size = self._variable
        if any(addr < at + size and at < addr + len(data) for addr, data in self._patches):
            return False
        seen = self._seen()
        return seen["family"] != "Go sync.Map" and seen["count"] != 0 and seen != self._sound

    def _seen(self) -> dict[str, Any]:
        """What a dump tells of a map's structure, without keys and values."""
        with open(f"{self._folder}/d.json", encoding="utf-8") as file:
            document = json.load(file)
        statistics = document["statistics"]
        seen = {name: statistics.get(name) for name in ("live", "slots")}
        seen |= {name: document["header"][name] for name in ("count", "family")}
        return seen

    def _agree(self, case: dict[str, Any]) -> None:
        """The numbers of the JSON are those of the rows."""
        with open(f"{self._folder}/d.json", encoding="utf-8") as file:
            document = json.load(file, parse_constant=_no_constant)
        live = document["statistics"]["live"]
        with open(f"{self._folder}/o.csv", encoding="utf-8", newline="") as file:
            told = sum(int(row["live"] or 0) for row in csv.DictReader(file))
        with open(f"{self._folder}/e.csv", encoding="utf-8", newline="") as file:
            rows = sum(1 for _ in csv.DictReader(file))
        has_places = document["header"]["geometry"] != "unplaced"
        if live != rows or has_places and live != told:
            self._find(case, "numbers", f"live {live}, occupancy {told}, entries {rows}")
        chi = document["statistics"].get("chi_square")
        if isinstance(chi, (int, float)) and chi < 0:
            self._find(case, "numbers", f"chi_square {chi}")

    def _tried(self, case: dict[str, Any], command: str) -> str | None:
        """What a command prints; None if it ended with an error of its own."""
        self._sizes.clear()
        before, memory = time.process_time(), _peak()
        text, error = self._attempt(command)
        spent, added = time.process_time() - before, _peak() - memory
        self.slowest = max(self.slowest, spent)
        if any(word in (error or text) for word in INSIDE):
            self._find(case, command, f"{(error or text)[:500]}\n{''.join(self.traces)[-1500:]}")
            self.traces.clear()
        if _CONTROL.search((error or "") + text):
            self._find(case, command, f"control bytes in {(error or text)[:300]!r}")
        if error is not None:
            if "\n" in error.strip():
                self._find(case, command, f"more than one line: {error[:500]}")
            kind = re.sub(r"'.*'|0x[0-9a-f]+|[0-9,]{1,}", "_", error)[:100]
            self.errors[kind] = self.errors.get(kind, 0) + 1
        read = sum(self._sizes)
        if spent > SECONDS + read / READ_IN_A_SECOND:
            self._find(case, command, f"took {spent:.1f} s, read {read:,} bytes")
        if added > MOST_MEMORY:
            self._find(case, command, f"took {added >> 20} MiB")
        return None if error is not None else text

    def _attempt(self, command: str) -> tuple[str, str | None]:
        self.commands += 1
        try:
            return self._execute(command), None
        except gdb.error as error:
            return "", str(error)

    def _execute(self, command: str) -> str:
        text: str = gdb.execute(command, to_string=True)
        return text

    def _find(self, case: dict[str, Any], command: str, what: str) -> None:
        self.findings += 1
        self._write({**case, "command": command, "finding": what})

    def _write(self, line: dict[str, Any]) -> None:
        self._report.write(json.dumps(line) + "\n")


def _no_constant(text: str) -> float:
    raise ValueError(f"'{text}' is no JSON")


def _peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main() -> None:
    with open(os.environ["HMAP_DAMAGE_JOB"], encoding="utf-8") as file:
        job = json.load(file)
    from hmapdbg.target import opening

    from hmapdbg.commands import command

    run = Run(job)
    command.write_trace = run.traces.append
    opening.open_target = run.open_target
    with open("/proc/self/statm", encoding="utf-8") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESS_SPACE, resource.RLIM_INFINITY))
    run.run()


main()
