"""Shared by all gdb tests: one run per build and state, and folders that clean up."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from built import in_chunks, states_of
from harness import ROOT, kernel_core_obstacle

# What differs is shown where these assert, too.
pytest.register_assert_rewrite("cpp_programs", "go_programs", "listings")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    builds = metafunc.config.getoption("--builds").split(",")
    if "build" in metafunc.fixturenames:
        metafunc.parametrize("build", builds)
    if "state" in metafunc.fixturenames:
        metafunc.parametrize("state", in_chunks(states_of(builds[0]), "states"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.user_properties.append(("passed", report.passed))


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """tmp_path, removed if the test passes: cores are large."""
    yield tmp_path
    if ("passed", True) in request.node.user_properties:
        shutil.rmtree(tmp_path)


@pytest.fixture
def kernel_cores() -> None:
    """For tests of cores written by the kernel; skips where it writes none."""
    obstacle = kernel_core_obstacle()
    if obstacle is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(obstacle)


@pytest.fixture(scope="session")
def compile_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles a program with the static library of the build `dev`."""

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


@pytest.fixture
def out(folder: Path) -> Path:
    """An empty folder for output."""
    (folder / "out").mkdir()
    return folder / "out"
