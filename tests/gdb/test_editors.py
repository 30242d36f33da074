"""hmap in a gdb that an editor runs: machine interface (MI) and debug adapter protocol (DAP)."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from built import fixture_program
from harness import GDB_SETTINGS, ROOT, clean_environment, gdb_session

SECONDS = 120
PAGE = 10

# What a line of MI may begin with.
RECORD = re.compile(r"\(gdb\) ?$|[0-9]*[\^*+=~@&]")


def command(interpreter: str) -> list[str]:
    settings = [word for setting in GDB_SETTINGS for word in ("-iex", setting)]
    return ["gdb", "-nx", "-q", f"-i={interpreter}", *settings]


def in_mi(exe: Path, args: list[str], lines: list[str]) -> list[str]:
    done = subprocess.run(
        [*command("mi"), "--args", str(exe), *args],
        input="".join(f"{line}\n" for line in [f"source {ROOT}/gdb/hmap.py", *lines, "-gdb-exit"]),
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.stdout.splitlines()


def test_standard_output_is_part_of_the_stream_of_an_editor(folder: Path) -> None:
    program, truth = fixture_program("dev", "states"), folder / "truth"
    lines = in_mi(
        program,
        ["doubling_half", str(truth)],
        ["set mi-async off", "break fixture_stop", "run", "hmap-dump fixture_map --entries -"],
    )
    assert not [line for line in lines if not RECORD.match(line)]
    console = "".join(ast.literal_eval(line[1:]) for line in lines if line.startswith("~"))
    count = next(
        line.split(",")[1]
        for line in (truth / "header.csv").read_text().splitlines()
        if line.startswith("count,")
    )
    rows = console[console.index("array,bucket,") :].splitlines()
    assert sum(row.startswith(("buckets,", "oldbuckets,")) for row in rows) == int(count)


class Adapter:
    """A client of gdb as a debug adapter."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*command("dap"), "-iex", f"source {ROOT}/gdb/hmap.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )
        self._number = 0

    def __enter__(self) -> Adapter:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:  # closes its pipes and waits
            pass

    def send(self, request: str, **arguments: Any) -> int:
        self._number += 1
        message = {"type": "request", "seq": self._number, "command": request}
        body = json.dumps(message | {"arguments": arguments}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()
        return self._number

    def ask(self, request: str, **arguments: Any) -> Any:
        number = self.send(request, **arguments)
        answer = next(one for one in self._messages() if one.get("request_seq") == number)
        assert answer["success"], answer
        return answer.get("body")

    def await_event(self, name: str) -> None:
        next(one for one in self._messages() if one.get("event") == name)

    def _messages(self) -> Iterator[Any]:
        stream = self._process.stdout
        assert stream is not None
        while True:
            header = stream.readline()
            assert header, "the adapter has ended"
            if header.lower().startswith(b"content-length:"):
                stream.readline()
                yield json.loads(stream.read(int(header.split(b":")[1])))


def is_adapter() -> bool:
    """Whether gdb is a debug adapter that asks printers for single children: from 14 on."""
    version = subprocess.run(["gdb", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r" (\d+)\.", version.stdout.splitlines()[0])
    return found is not None and int(found[1]) >= 14


def page_of_adapter(folder: Path) -> list[str]:
    with Adapter() as adapter:
        adapter.ask("initialize", adapterID="test", supportsVariablePaging=True)
        adapter.send(
            "launch",
            program=str(fixture_program("dev", "states")),
            args=["owned_string_keys", str(folder / "truth")],
        )
        adapter.ask("setFunctionBreakpoints", breakpoints=[{"name": "fixture_stop"}])
        adapter.ask("configurationDone")
        adapter.await_event("stopped")
        found = adapter.ask("evaluate", expression="*fixture_map", context="watch")
        assert found["result"].startswith("libhmap")
        reference = found["variablesReference"]
        page = adapter.ask("variables", variablesReference=reference, start=0, count=PAGE)
        return [one["name"] for one in page["variables"]]


def page_of_printer(folder: Path) -> list[str]:
    """What an adapter would ask the printer for."""
    asked = f"[printer.child(n)[0] for n in range(min(printer.num_children(), {PAGE}))]"
    session = gdb_session(
        fixture_program("dev", "states"),
        ["owned_string_keys", str(folder / "truth")],
        commands=[
            "break fixture_stop",
            "run",
            "python import json; from hmapdbg.printers import MapPrinter",
            "python printer = MapPrinter(gdb.parse_and_eval('*fixture_map'))",
            f"python print(json.dumps({asked}))",
        ],
    )
    names: list[str] = json.loads(session[-1].output)
    return names


def test_a_debug_adapter_gets_entries_by_the_page(folder: Path) -> None:
    names = (page_of_adapter if is_adapter() else page_of_printer)(folder)
    assert len(names) == PAGE
    # No control character of a key, nor one that changes the direction of text.
    assert all(re.fullmatch(r"\[.+\]", one) for one in names)
    assert not any(re.search(r"[\x00-\x1f\u202e]", one) for one in names)
