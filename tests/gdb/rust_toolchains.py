"""The Rust compilers on this machine. Only `--fetch`, which scripts/setup runs, downloads: the
crates that fixtures/rust/crates is made of.

    /usr/bin/python3 tests/gdb/rust_toolchains.py             lists them: version, path of its rustc
    /usr/bin/python3 tests/gdb/rust_toolchains.py --missing   tells whether crates are missing
    /usr/bin/python3 tests/gdb/rust_toolchains.py --fetch     downloads the crates

Debian's in /usr/bin, and the one on PATH, or rustup's default. Of each minor version one counts.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fetching import fetch_by

CRATES = Path(__file__).resolve().parents[2] / "fixtures" / "rust" / "crates"
LEAST = (1, 63)  # that the fixtures are written for
LEAST_FOR_CRATES = (1, 85)  # of those in Cargo.lock


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One release of Rust."""

    rustc: Path
    number: tuple[int, int, int]

    @property
    def version(self) -> str:
        return ".".join(map(str, self.number))

    @property
    def name(self) -> str:
        return f"rust{self.number[0]}.{self.number[1]}"

    @property
    def cargo(self) -> Path | None:
        """The cargo beside the compiler; None where there is none."""
        path = self.rustc.with_name("cargo")
        return path if os.access(path, os.X_OK) else None

    @property
    def environment(self) -> dict[str, str]:
        """For cargo, which would take the first compiler on PATH, that of another release."""
        return os.environ | {"RUSTC": str(self.rustc)}


@functools.cache
def find_toolchains() -> tuple[Toolchain, ...]:
    """One of each minor version, oldest first."""
    found: dict[tuple[int, int], Toolchain] = {}
    candidates = [Path("/usr/bin/rustc"), Path.home() / ".cargo" / "bin" / "rustc"]
    on_path = shutil.which("rustc")
    if on_path is not None:
        candidates.append(Path(on_path))
    for rustc in candidates:
        number = _version_of(rustc) if os.access(rustc, os.X_OK) else None
        if number is not None and number >= (*LEAST, 0):
            found.setdefault(number[:2], Toolchain(rustc, number))
    return tuple(found[minor] for minor in sorted(found))


@functools.cache
def _version_of(rustc: Path) -> tuple[int, int, int] | None:
    done = subprocess.run([str(rustc), "--version"], capture_output=True, text=True, check=False)
    # No nightly releases.
    number = re.match(r"rustc (\d+)\.(\d+)\.(\d+)\s", done.stdout)
    return (int(number[1]), int(number[2]), int(number[3])) if number else None


def newest_with_cargo() -> Toolchain | None:
    """The newest one that can build crates."""
    able = [one for one in find_toolchains() if one.cargo and one.number[:2] >= LEAST_FOR_CRATES]
    return able[-1] if able else None


def has_crates() -> bool:
    """Whether the crates of Cargo.lock are on this machine."""
    return _fetch("--offline") is None


def _fetch(*more: str) -> str | None:
    """Has cargo get the crates; returns the error, if any."""
    able = newest_with_cargo()
    if able is None:
        return f"no cargo of Rust {'.'.join(map(str, LEAST_FOR_CRATES))} or later"
    command = [str(able.cargo), "fetch", "--locked", "--quiet", *more]
    return fetch_by(command, able.environment, CRATES)


def main() -> None:
    if sys.argv[1:] == ["--fetch"]:
        failure = _fetch()
        if failure is not None:
            print(f"setup: cannot fetch Rust crates for tests: {failure}")
    elif sys.argv[1:] == ["--missing"]:
        if not has_crates():
            print("the crates of fixtures/rust/crates")
    elif sys.argv[1:]:
        sys.exit(f"rust_toolchains: unknown argument '{sys.argv[1]}'")
    else:
        for toolchain in find_toolchains():
            print(toolchain.version, toolchain.rustc)


if __name__ == "__main__":
    main()
