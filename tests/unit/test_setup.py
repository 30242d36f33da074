"""scripts/setup names packages that every supported release has, and those of other systems."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[2] / "scripts" / "setup"

# The command that says whether a package is installed; in these tests only gdb is.
ASKS = {"dnf": "rpm", "pacman": "pacman", "apk": "apk"}
FOUND = '#!/bin/sh\nfor last; do :; done\n[ "$last" = gdb ]\n'


def machine(folder: Path, *commands: str) -> dict[str, str]:
    """An environment with the tools of the script, without dpkg, with COMMANDS that know gdb."""
    for tool in ("bash", "env", "sed", "awk", "grep", "id", "cat", "dirname", "sort", "comm"):
        found = shutil.which(tool, path="/usr/bin:/bin")
        assert found is not None
        (folder / tool).symlink_to(found)
    for command in commands:
        (folder / command).write_text(FOUND)
        (folder / command).chmod(0o755)
    return os.environ | {"PATH": str(folder)}


def run(*arguments: str, env: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        ["/bin/bash", SETUP, *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def packages() -> list[list[str]]:
    status, output = run("--list", env=os.environ | {"PATH": "/usr/bin:/bin"})
    assert status == 0
    return [line.split("#")[0].split() for line in output.splitlines()]


def test_no_package_is_bound_to_a_release() -> None:
    rows = packages()
    assert {row[0] for row in rows} == {"use", "build", "test"}
    assert {len(row) for row in rows} == {2}
    names = [row[1] for row in rows]
    assert {"llvm", "binutils-gold", "libclang-rt-dev"} <= set(names)
    # 'libclang-rt-14-dev' or 'clang-19' is gone in the next release.
    assert not [name for name in names if any(part.isdigit() for part in name.split("-"))]


@pytest.mark.parametrize(
    ("manager", "names"),
    [
        (
            "dnf",
            "dnf install python3-numpy python3-matplotlib python3-xxhash python3-jinja2 zstd lz4",
        ),
        (
            "pacman",
            "pacman -S --needed python-numpy python-matplotlib python-xxhash python-jinja zstd lz4",
        ),
        ("apk", "apk add py3-numpy py3-matplotlib py3-xxhash py3-jinja2 zstd lz4"),
    ],
)
def test_another_system_gets_its_own_names(manager: str, names: str, tmp_path: Path) -> None:
    environment = machine(tmp_path, manager, ASKS[manager])
    status, output = run("--use", "--yes", env=environment)
    assert status == 1 and output.endswith(names + "\n")
    status, output = run("--build", env=environment)
    assert status == 1 and names + " cmake " in output and "libc6-dev" not in output
    assert output.count(" gcc ") == 1
    assert "Debian and Ubuntu only" in run(env=environment)[1]


def test_a_system_without_any_manager_gets_the_names_of_debian(tmp_path: Path) -> None:
    status, output = run("--use", env=machine(tmp_path))
    assert status == 1
    assert output.startswith("setup: cannot find dpkg-query, dnf, pacman or apk: install these")
    assert "python3-numpy" in output


def test_a_system_that_has_everything_is_left_alone(tmp_path: Path) -> None:
    environment = machine(tmp_path, "apk")
    (tmp_path / "apk").write_text("#!/bin/sh\nexit 0\n")
    assert run("--build", env=environment) == (0, "")
