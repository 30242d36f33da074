"""A build and its installation in a folder, once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from installing import ROOT, sh


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build that README describes."""
    folder = tmp_path_factory.mktemp("build")
    options = ["-DHMAP_BUILD_TESTS=OFF", "-DHMAP_BUILD_FIXTURES=OFF"]
    sh(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *options])
    sh(["cmake", "--build", folder, "-j", "2"])
    return folder


@pytest.fixture(scope="session")
def prefix(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix where that build is installed."""
    folder = tmp_path_factory.mktemp("prefix")
    sh(["cmake", "--install", build, "--prefix", folder])
    return folder


@pytest.fixture(scope="session")
def consumers(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs that CMake has built with the installation."""
    folder = tmp_path_factory.mktemp("consumers")
    source = ROOT / "tests" / "install" / "consumer"
    sh(["cmake", "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}"])
    sh(["cmake", "--build", folder, "-j", "2"])
    return folder
