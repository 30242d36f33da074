"""Compares a list of maps with Delve: each path that Delve can evaluate, in one run of it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.servers.load import HOST
from benchmarks.tools import CannotRun

MODULE, VERSION = "github.com/go-delve/delve", "v1.27.2"
PACKAGE = f"{MODULE}/cmd/dlv"

MAX_ROWS = 20_000  # of a list that are compared; of more, as many in even steps
STACK_DEPTH = 200
KIND_MAP = 21  # reflect.Map
NOT_LOADED = {  # of a map only its place and length
    "FollowPointers": False,
    "MaxVariableRecurse": 0,
    "MaxStringLen": 64,
    "MaxArrayValues": 0,
    "MaxStructFields": 0,
}


@dataclass
class Agreement:
    """What Delve says of the rows of one list."""

    equal: int = 0
    different: list[str] = field(default_factory=list)  # a line for each
    refused: Counter[str] = field(default_factory=Counter)  # reasons why Delve has no answer
    frames: int = 0  # of the equal ones: locals of goroutines, the others are globals
    rows: int = 0

    def add(self, other: Agreement) -> None:
        self.equal += other.equal
        self.different += other.different
        self.refused += other.refused
        self.frames += other.frames
        self.rows += other.rows


class Client:
    """JSON-RPC with a Delve that has a core open."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=600)
        self.answers = self.socket.makefile("rb")
        self.calls = 0

    def call(self, method: str, **arguments: Any) -> Any:
        """What Delve answers. ValueError: its error."""
        self.calls += 1
        request = {"method": f"RPCServer.{method}", "params": [arguments], "id": self.calls}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self.answers.readline() or '{"error": "Delve ended"}')
        if answer["error"]:
            raise ValueError(answer["error"])
        return answer["result"]

    def evaluate(self, expression: str, goroutine: int, frame: int) -> Any:
        scope = {"GoroutineID": goroutine, "Frame": frame}
        return self.call("Eval", Scope=scope, Expr=expression, Cfg=NOT_LOADED)["Variable"]

    def functions(self, goroutine: int) -> list[str]:
        """Of a goroutine's frames, the innermost first."""
        stack = self.call("Stacktrace", Id=goroutine, Depth=STACK_DEPTH)["Locations"]
        return [(frame["function"] or {}).get("name", "") for frame in stack]


@contextmanager
def delve(dlv: Path, exe: Path, core: Path) -> Iterator[Client]:
    """A Delve with the core open. CannotRun."""
    with subprocess.Popen(
        [dlv, "core", exe, core, "--headless", "--listen", f"{HOST}:0", "--log=false"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            port = re.search(r"listening at: \S*:(\d+)", said)
            if port is None:
                raise CannotRun(f"Delve cannot open '{core}': {said.strip()}")
            yield Client(int(port[1]))
        finally:
            process.kill()


# ---- from the paths of hmap-list to Delve's expressions ------------------------------------------

# A package's path, which Delve needs in quotes; hmap-list has the whole name of a variable in them
# where a dash is in it. A package's last part may have dots before a version: example.com/yaml.v3.
_NAME = re.compile(r"([*]*)(?:'([^']+)\.([^.']+)'|((?:[\w.~%@-]+/)+[\w~%@-]+(?:\.v\d+)?)\.(?=\w))")
_ASSERTED = re.compile(r"\.\([^()]*(?:\([^()]*\)[^()]*)*\)")
_LOCAL = re.compile(r"goroutine (\d+) (.+?)(?:#(\d+))?: (.+)", re.DOTALL)


def quoted(name: str) -> str:
    """A name with its package in quotes.

    >>> quoted("example.com/a/b.v.next"), quoted("main.v"), quoted("'example.com/go-b.v'.next")
    ('"example.com/a/b".v.next', 'main.v', '"example.com/go-b".v.next')
    """
    found = _NAME.match(name)
    if not found:
        return name
    stars, package, variable, plain = found.groups()
    begin = f'{stars}"{package or plain}".{variable or ""}'
    return begin + name[found.end() :]


def expression(path: str) -> str:
    """What Delve is asked for a path that begins at a variable. Its parser does not take packages
    in quotes in a type assertion, so it is asked for what the interface holds.

    >>> expression('example.com/a/b.v.(*example.com/c.T).m["k"]')
    '"example.com/a/b".v.(data).m["k"]'
    """
    return quoted(_ASSERTED.sub(".(data)", path))


def short_name(function: str) -> str:
    """A function's name as paths have it: without its package, and what a generic was made for.

    >>> short_name("example.com/a.b/server.(*client).readLoop"), short_name("main.f[go.shape.int]")
    ('(*client).readLoop', 'f[...]')
    """
    function = re.sub(r"\[.*\]", "[...]", function)
    return re.sub(r"^(?:[^\[(]*/)?[^\[(/.]*\.", "", function)


def compare(rows: Sequence[Mapping[str, Any]], client: Client) -> Agreement:
    """The lengths and addresses of maps by their paths."""
    vendored = {
        row["path"].removeprefix("vendor/"): int(row["address"], 16)
        for row in rows
        if row["path"].startswith("vendor/")
    }
    result = Agreement()
    stacks: dict[int, list[str]] = {}
    for row in rows:
        path = row["path"]
        result.rows += 1
        if path.startswith("--type") or row["source"] == "unreached":
            result.refused["no path: nothing leads to the map"] += 1
            continue
        local = _LOCAL.fullmatch(path)
        goroutine, frame, asked = -1, 0, expression(path)
        if local:
            goroutine, asked = int(local[1]), expression(local[4])
            if goroutine not in stacks:
                try:
                    names = client.functions(goroutine)
                except ValueError:
                    names = []
                stacks[goroutine] = [short_name(name) for name in names]
            same = [n for n, name in enumerate(stacks[goroutine]) if name == local[2]]
            number = int(local[3] or 1) - 1
            if number >= len(same):
                result.refused["a frame that Delve does not have"] += 1
                continue
            frame = same[number]
        try:
            found = client.evaluate(asked, goroutine, frame)
        except ValueError as error:
            result.refused[reason(str(error))] += 1
            continue
        if found["kind"] != KIND_MAP:
            result.refused[f"Delve has no length of a {row['family']}"] += 1
        elif (found["len"], found["base"]) == (row["entries"], int(row["address"], 16)):
            result.equal += 1
            result.frames += bool(local)
        elif found["unreadable"]:
            result.refused[f"unreadable: {reason(found['unreadable'])}"] += 1
        elif vendored.get(path) == found["base"]:
            result.refused["Delve takes the vendored package of the same name"] += 1
        else:
            here = f"{row['entries']} entries at {row['address']}"
            result.different.append(f"{path}: {here}, Delve {found['len']} at {found['base']:#x}")
    return result


def reason(error: str) -> str:
    """An error without what differs from path to path."""
    error = re.sub(r"^\d+:\d+: ", "", error.splitlines()[0])
    error = re.sub(r'\\"[^ ]*|"[^"]*"|0x[0-9a-f]+|\d+', "…", error)
    return re.sub(r"[^ ]*[./…][^ ]*", "…", error)[:70]


def sample(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return rows[:: -(-len(rows) // MAX_ROWS) or 1]
