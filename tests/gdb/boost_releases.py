"""The releases of Boost on this machine: the installed one, and headers of others, which Debian's
packages do not allow beside it. Only `--fetch`, which scripts/setup runs, downloads those.

    /usr/bin/python3 tests/gdb/boost_releases.py             lists them: version, folder of headers
    /usr/bin/python3 tests/gdb/boost_releases.py --missing   tells which could be fetched
    /usr/bin/python3 tests/gdb/boost_releases.py --fetch     downloads and unpacks these

Of Debian's releases each has one or two.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fetching import fetch_by

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hmap" / "boost"
SYSTEM = Path("/usr/include")
# Where maps changed: the last with one list, and with open addressing; the newest ones.
WANTED = ("1.74", "1.81", "1.83", "1.88")


@dataclass(frozen=True)
class Release:
    """A release of Boost; `number` as in BOOST_LIB_VERSION, "1.81" being (1, 81)."""

    number: tuple[int, int]
    include: Path

    @property
    def name(self) -> str:
        return f"boost{self.number[0]}.{self.number[1]}"

    @property
    def flags(self) -> tuple[str, ...]:
        """What compilers are given."""
        return () if self.include == SYSTEM else ("-isystem", str(self.include))


@functools.cache
def find_releases() -> tuple[Release, ...]:
    """One of each number, oldest first."""
    found: dict[tuple[int, int], Release] = {}
    for include in (SYSTEM, *sorted(CACHE.glob("*/usr/include"))):
        number = _number_in(include / "boost" / "version.hpp")
        if number is not None:
            found.setdefault(number, Release(number, include))
    return tuple(found[number] for number in sorted(found))


def _number_in(header: Path) -> tuple[int, int] | None:
    try:
        text = header.read_text(encoding="utf-8")
    except OSError:
        return None
    number = re.search(r'define BOOST_LIB_VERSION "(\d+)_(\d+)', text)
    return (int(number[1]), int(number[2])) if number else None


def _missing() -> list[str]:
    """The releases that apt has and this machine has not."""
    if shutil.which("apt-cache") is None or shutil.which("dpkg") is None:
        return []
    there = {f"{one.number[0]}.{one.number[1]}" for one in find_releases()}
    return [one for one in WANTED if one not in there and _is_known(_package(one))]


def _package(release: str) -> str:
    return f"libboost{release}-dev"


def _is_known(package: str) -> bool:
    command = ["apt-cache", "show", package]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _fetch(release: str) -> str | None:
    """Unpacks the headers of a release; returns the error, if any."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        failure = fetch_by(["apt-get", "download", _package(release)], os.environ, folder)
        if failure is not None:
            return failure
        (package,) = folder.glob("*.deb")
        failure = fetch_by(["dpkg", "-x", str(package), str(folder / "unpacked")], os.environ)
        if failure is None:
            (folder / "unpacked").replace(CACHE / release)
        return failure


def main() -> None:
    if sys.argv[1:] == ["--fetch"]:
        for release in _missing():
            failure = _fetch(release)
            if failure is not None:
                print(f"setup: cannot fetch Boost {release} for tests: {failure}")
    elif sys.argv[1:] == ["--missing"]:
        for release in _missing():
            print(f"Boost {release}")
    elif sys.argv[1:]:
        sys.exit(f"boost_releases: unknown argument '{sys.argv[1]}'")
    else:
        for one in find_releases():
            print(one.name, one.include)


if __name__ == "__main__":
    main()
