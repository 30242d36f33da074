"""The Go toolchains on this machine. Only `--fetch`, which scripts/setup runs, downloads.

    /usr/bin/python3 tests/gdb/go_toolchains.py             lists them: version, path of its go
    /usr/bin/python3 tests/gdb/go_toolchains.py --missing   lists those of WANTED that are missing
    /usr/bin/python3 tests/gdb/go_toolchains.py --fetch     downloads them

Debian's in /usr/lib/go-*, the one on PATH and /usr/local/go, and those that GOTOOLCHAIN has put in
the module cache. Of each minor version the newest counts.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fetching import fetch_by

# The last releases of the versions from the oldest that is read to the newest, but for Debian's.
WANTED = (
    *("1.18.10", "1.20.14", "1.21.13", "1.22.12", "1.23.12"),
    *("1.24.13", "1.25.8", "1.26.8", "1.27.3"),
)

# Required in CI; elsewhere a missing one is skipped.
DEBIAN = (1, 19)
NEWEST_IS_AT_LEAST = (1, 24)

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

OFFLINE = {
    "GOTOOLCHAIN": "local",
    "GOPROXY": "off",
    "GOFLAGS": "-mod=mod",
    "GOTELEMETRY": "off",
    "CGO_ENABLED": "0",
}


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One release of Go."""

    go: Path  # the go command
    number: tuple[int, ...]  # (1, 22, 12)

    @property
    def version(self) -> str:
        return ".".join(map(str, self.number))

    @property
    def minor(self) -> tuple[int, int]:
        return self.number[0], self.number[1]

    @property
    def name(self) -> str:
        return f"go{self.minor[0]}.{self.minor[1]}"

    def run(self, *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
        """Runs a go command and returns its standard output; AssertionError if it fails."""
        done = subprocess.run(
            [str(self.go), *map(str, arguments)],
            cwd=cwd,
            env=os.environ | OFFLINE | (env or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{self.name}: {' '.join(map(str, arguments))}\n{done.stderr}"
        return done.stdout

    def runtime_script(self) -> Path:
        """Go's own gdb script."""
        root = Path(self.run("env", "GOROOT", cwd=Path("/")).strip())
        return root / "src" / "runtime" / "runtime-gdb.py"


@functools.cache
def find_toolchains() -> tuple[Toolchain, ...]:
    """The newest of each minor version, oldest first."""
    found: dict[tuple[int, int], Toolchain] = {}
    for go in _go_commands():
        number = _version_of(go)
        if number is None:
            continue
        toolchain = Toolchain(go, number)
        known = found.get(toolchain.minor)
        if known is None or known.number < number:
            found[toolchain.minor] = toolchain
    return tuple(found[minor] for minor in sorted(found))


def missing_mandatory() -> list[str]:
    """The mandatory toolchains that this machine lacks."""
    minors = [toolchain.minor for toolchain in find_toolchains()]
    missing = []
    if DEBIAN not in minors:
        missing.append("go1.19 (Debian's golang-go)")
    if not minors or minors[-1] < NEWEST_IS_AT_LEAST:
        missing.append("a go of 1.24 or later (the newest, in /usr/local/go or on PATH)")
    return missing


def _go_commands() -> list[Path]:
    candidates = sorted(Path("/usr/lib").glob("go-*/bin/go"))
    candidates.append(Path("/usr/local/go/bin/go"))
    on_path = shutil.which("go")
    if on_path is not None:
        candidates.append(Path(on_path))
    pattern = f"golang.org/toolchain@v0.0.1-go*.linux-{ARCHITECTURE}/bin/go"
    candidates += sorted(_module_cache().glob(pattern))
    return [path for path in candidates if os.access(path, os.X_OK)]


def _module_cache() -> Path:
    named = os.environ.get("GOMODCACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("GOPATH") or Path.home() / "go") / "pkg" / "mod"


@functools.cache
def _version_of(go: Path) -> tuple[int, ...] | None:
    done = subprocess.run(
        [str(go), "version"],
        env=os.environ | OFFLINE,
        capture_output=True,
        text=True,
        check=False,
    )
    # No pre-releases such as "go1.27rc1".
    number = re.match(r"go version go(\d+(?:\.\d+)+) ", done.stdout)
    return tuple(map(int, number[1].split("."))) if number else None


def missing_wanted() -> list[str]:
    """The versions of WANTED that this machine lacks."""
    present = {toolchain.version for toolchain in find_toolchains()}
    return [version for version in WANTED if version not in present]


def fetch() -> None:
    """Downloads the missing ones from the module proxy; prints a line for each failure."""
    able = [one for one in find_toolchains() if one.minor >= (1, 21)]
    if not able:
        names = ", ".join(f"go{version}" for version in missing_wanted())
        print(f"setup: cannot fetch {names}: install go 1.21 or later")
        return
    for version in missing_wanted():
        print(f"setup: fetching go{version}", flush=True)
        failure = _fetch(able[-1], version)
        if failure is not None:
            print(f"setup: cannot fetch go{version}: {failure}", flush=True)


def _fetch(able: Toolchain, version: str) -> str | None:
    """Downloads a release with a newer toolchain; returns the error, if any."""
    environment = {k: v for k, v in os.environ.items() if k != "GOFLAGS"}
    environment |= {"GOTOOLCHAIN": f"go{version}", "GOTELEMETRY": "off"}
    return fetch_by([str(able.go), "version"], environment)


def main() -> None:
    if sys.argv[1:] == ["--fetch"]:
        fetch()
    elif sys.argv[1:] == ["--missing"]:
        print("".join(f"{version}\n" for version in missing_wanted()), end="")
    elif sys.argv[1:]:
        sys.exit(f"go_toolchains: unknown argument '{sys.argv[1]}'")
    else:
        for toolchain in find_toolchains():
            print(toolchain.version, toolchain.go)


if __name__ == "__main__":
    main()
