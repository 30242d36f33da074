"""What all gdb tests share: the built fixtures, their states, folders that clean up."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from harness import ROOT, kernel_core_obstacle

# Names of CMake presets. What gdb reads depends on compiler and optimisation: all must agree.
BUILDS = ("dev", "release", "clang")
CHUNK = 12  # states, or planted faults, that one gdb examines, one after the other


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--builds",
        default=",".join(BUILDS),
        help="builds whose fixtures are examined, separated by commas (default: %(default)s)",
    )
    parser.addoption("--update", action="store_true", help="rewrite the goldens in tests/golden")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    builds = metafunc.config.getoption("--builds").split(",")
    if "build" in metafunc.fixturenames:
        metafunc.parametrize("build", builds)
    if "state" in metafunc.fixturenames:
        metafunc.parametrize("state", in_chunks(states_of(builds[0]), "states"))


def in_chunks(names: Sequence[str], what: str) -> list[object]:
    """Names as parameters; those that one gdb examines go to one worker."""
    return [
        pytest.param(name, marks=pytest.mark.xdist_group(f"{what} {number // CHUNK}"))
        for number, name in enumerate(names)
    ]


def fixture_program(build: str, name: str) -> Path:
    """A fixture that scripts/test has built."""
    path = ROOT / "build" / build / "fixtures" / "c" / name
    if not path.exists():
        raise pytest.UsageError(
            f"no '{path.relative_to(ROOT)}': "
            f"build it by cmake --preset {build} && cmake --build --preset {build}"
        )
    return path


@functools.cache
def states_of(build: str) -> list[str]:
    """The names that `states --list` prints."""
    command = [fixture_program(build, "states"), "--list"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split("\t")[0] for line in listing.splitlines()]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.user_properties.append(("passed", report.passed))


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """tmp_path, removed once the test has passed: cores are large."""
    yield tmp_path
    if ("passed", True) in request.node.user_properties:
        shutil.rmtree(tmp_path)


@pytest.fixture
def kernel_cores() -> None:
    """For tests of cores that the kernel writes, where it does."""
    obstacle = kernel_core_obstacle()
    if obstacle is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(obstacle)


@pytest.fixture(scope="session")
def compile_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles a program of the test's own against the static library of the build `dev`."""

    def compile_it(name: str, source: str, *flags: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        (folder / f"{name}.c").write_text(source)
        library = ROOT / "libhmap"
        command = ["gcc", "-g", *flags, "-o", folder / name, folder / f"{name}.c"]
        command += [f"-I{library}/include", f"-I{library}/src"]
        command += [ROOT / "build/dev/libhmap/libhmap.a", "-pthread"]
        subprocess.run(command, check=True)
        return folder / name

    return compile_it
