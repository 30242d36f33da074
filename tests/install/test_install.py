"""The files of `cmake --install`, and programs built with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from installing import ROOT, files_below, sh

CONSUMER = ROOT / "tests" / "install" / "consumer" / "consumer.c"
EXPECTED = "100 entries, 0 problems\n"


def library_folder(prefix: Path, name: str = "libhmap.so") -> Path:
    (library,) = prefix.rglob(name)
    return library.parent


def needed(program: Path) -> list[str]:
    """The shared libraries that a program needs."""
    dynamic = sh(["readelf", "-dW", program])
    return re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)


def pkg_config(prefix: Path, *options: str) -> list[str]:
    folder = library_folder(prefix) / "pkgconfig"
    return sh(["pkg-config", *options, "hmap"], PKG_CONFIG_PATH=str(folder)).split()


def test_find_package_with_the_shared_library(consumers: Path) -> None:
    program = consumers / "consumer_shared"
    assert sh([program]) == EXPECTED
    assert "libhmap.so.1" in needed(program)


def test_find_package_with_the_static_library(consumers: Path) -> None:
    program = consumers / "consumer_static"
    assert sh([program]) == EXPECTED
    assert not [name for name in needed(program) if "hmap" in name]


def test_pkg_config_with_the_shared_library(prefix: Path, tmp_path: Path) -> None:
    program = tmp_path / "consumer"
    sh(
        [
            "gcc",
            "-Wall",
            "-Werror",
            "-o",
            program,
            CONSUMER,
            *pkg_config(prefix, "--cflags", "--libs"),
        ]
    )
    assert sh([program], LD_LIBRARY_PATH=str(library_folder(prefix))) == EXPECTED
    assert "libhmap.so.1" in needed(program)


def test_pkg_config_with_the_static_library(prefix: Path, tmp_path: Path) -> None:
    program = tmp_path / "consumer"
    flags = pkg_config(prefix, "--cflags", "--libs", "--static")
    sh(["gcc", "-Wall", "-Werror", "-static", "-o", program, CONSUMER, *flags])
    assert sh([program]) == EXPECTED
    assert needed(program) == []


def test_pkg_config_tells_the_version(prefix: Path) -> None:
    from hmapdbg import __version__

    assert pkg_config(prefix, "--modversion") == [__version__]


def test_library_keeps_its_debug_information(prefix: Path) -> None:
    for name in ("libhmap.so.1.0.0", "libhmap.a"):
        assert ".debug_info" in sh(["readelf", "-SW", library_folder(prefix) / name])


def test_components_hold_what_they_are_for(build: Path, prefix: Path, tmp_path: Path) -> None:
    parts = {}
    for part in ("runtime", "development", "gdb", "layout"):
        folder = tmp_path / part
        sh(["cmake", "--install", build, "--prefix", folder, "--component", f"hmap_{part}"])
        parts[part] = files_below(folder)
    stub = re.compile(r"share/gdb/auto-load/.*/libhmap\.so\.1\.0\.0-gdb\.py")
    names = {part: {Path(file).name for file in files} for part, files in parts.items()}
    stubs = [file for file in parts["runtime"] if stub.fullmatch(file)]
    assert names["runtime"] == {"libhmap.so.1", "libhmap.so.1.0.0", "libhmap.so.1.0.0-gdb.py"}
    assert len(stubs) == 1
    assert {"hmap.h", "libhmap.so", "libhmap.a", "hmap.pc", "hmap.3", "hmap-config.cmake"} <= names[
        "development"
    ]
    assert {
        "share/hmap/gdb/hmap.py",
        "share/hmap/gdb/hmapdbg/__init__.py",
        "share/hmap/own-maps/hlist.toml",
        "share/hmap/own-maps/ngx_hash.py",
        "share/man/man7/hmap-gdb.7",
        "bin/hmap-plot",
    } <= parts["gdb"]
    assert parts["layout"] == {"bin/hmap-layout", "share/man/man1/hmap-layout.1"}
    whole = {Path(file).name for file in files_below(prefix)}
    assert whole == set().union(*names.values())


def test_all_of_the_extension_is_installed_and_nothing_else(prefix: Path) -> None:
    source = {
        str(path.relative_to(ROOT / "gdb"))
        for kind in ("*.py", "*.html", "*.json")
        for path in (ROOT / "gdb").rglob(kind)
    }
    assert files_below(prefix / "share" / "hmap" / "gdb") == source


def test_destdir_is_no_part_of_what_is_written(build: Path, tmp_path: Path) -> None:
    sh(["cmake", "--install", build, "--prefix", "/opt/hmap"], DESTDIR=str(tmp_path))
    files = files_below(tmp_path)
    assert all(file.startswith("opt/hmap/") for file in files)
    (stub,) = (file for file in files if file.endswith("-gdb.py"))
    assert re.fullmatch(r"opt/hmap/share/gdb/auto-load/opt/hmap/lib.*/libhmap.*", stub)
    for file in files:
        data = (tmp_path / file).read_bytes()
        if not data.startswith((b"\x7fELF", b"!<arch>")):  # debug information names the source
            assert str(tmp_path).encode() not in data and str(ROOT).encode() not in data, file


def test_stub_lies_where_gdb_looks_under_a_linked_prefix(build: Path, tmp_path: Path) -> None:
    """gdb uses the library's real path."""
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to("real")
    install = ["cmake", "--install", build, "--prefix", tmp_path / "link"]
    sh([*install, "--component", "hmap_runtime"])
    folder = library_folder(real, "libhmap.so.1")
    assert (real / f"share/gdb/auto-load{folder}/libhmap.so.1.0.0-gdb.py").is_file()


@pytest.mark.parametrize("name", ["hmap-plot", "hmap-cores"])
def test_scripts_run_from_where_they_are_installed(name: str, prefix: Path, tmp_path: Path) -> None:
    if not (ROOT / "scripts" / name).exists():
        pytest.skip(f"no scripts/{name} yet")
    link = prefix / "bin" / name
    assert link.is_symlink() and not Path(link.readlink()).is_absolute()
    assert name in sh([link, "--help"], cwd=tmp_path)
    modules = "; import hmapdbg; print(hmapdbg.__file__)"
    found = sh(
        ["/usr/bin/python3", "-c", f"import runpy; runpy.run_path({str(link)!r}){modules}"],
        cwd=tmp_path,
    )
    assert found.strip() == str(prefix / "share" / "hmap" / "gdb" / "hmapdbg" / "__init__.py")
