"""The contents and dependencies of the Debian packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from installing import ROOT, files_below, sh
from harness import gdb_session

PACKAGES = ("libhmap1", "libhmap-dev", "libhmap-gdb", "hmap-layout")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The packages by name, as built by the preset."""
    folder = tmp_path_factory.mktemp("package")
    sh(["cmake", "--preset", "package", "-B", folder])
    sh(["cmake", "--build", folder, "-j", "2"])
    sh(["cpack", "-B", folder / "debs"], cwd=folder)
    found = {path.name.split("_")[0]: path for path in (folder / "debs").glob("*.deb")}
    assert set(found) == set(PACKAGES)
    return found


@pytest.fixture(scope="session")
def unpacked(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with all packages unpacked."""
    root = tmp_path_factory.mktemp("root")
    for package in packages.values():
        sh(["dpkg-deb", "-x", package, root])
    return root


def field(package: Path, name: str) -> str:
    return sh(["dpkg-deb", "-f", package, name]).strip()


def listed(package: Path) -> dict[str, str]:
    """The files of a package, with mode and owner as tar shows them."""
    rows = (line.split(maxsplit=5) for line in sh(["dpkg-deb", "-c", package]).splitlines())
    return {
        row[5].removeprefix("./").split(" -> ")[0]: f"{row[0]} {row[1]}"
        for row in rows
        if not row[0].startswith("d")
    }


def test_names_versions_and_dependencies(packages: dict[str, Path]) -> None:
    from hmapdbg import __version__

    version = f"{__version__}-1"
    architecture = sh(["dpkg", "--print-architecture"]).strip()
    assert {path.name for path in packages.values()} == {
        f"libhmap1_{version}_{architecture}.deb",
        f"libhmap-dev_{version}_{architecture}.deb",
        f"libhmap-gdb_{version}_all.deb",
        f"hmap-layout_{version}_{architecture}.deb",
    }
    assert re.fullmatch(r"libc6 \(>= [0-9.]+\)", field(packages["libhmap1"], "Depends"))
    assert f"libhmap1 (= {version})" in field(packages["libhmap-dev"], "Depends")
    gdb = field(packages["libhmap-gdb"], "Depends")
    assert {word.split()[0] for word in gdb.split(", ")} == {"gdb", "python3", "python3-numpy"}
    layout = field(packages["hmap-layout"], "Depends")
    assert {word.split()[0] for word in layout.split(", ")} >= {"libc6", "libdwarf1", "libjansson4"}
    recommended = field(packages["libhmap-gdb"], "Recommends")
    assert set(recommended.split(", ")) == {
        "python3-jinja2",
        "python3-matplotlib",
        "python3-xxhash",
        "zstd",
        "lz4",
    }


def test_synopses_tell_the_packages_apart(packages: dict[str, Path]) -> None:
    texts = {name: field(path, "Description") for name, path in packages.items()}
    assert len({text.splitlines()[0] for text in texts.values()}) == len(PACKAGES)
    assert all(len(text.splitlines()) > 3 for text in texts.values())
    for name in ("libhmap1", "libhmap-dev"):
        assert "not stripped" in " ".join(texts[name].split())


def test_contents(packages: dict[str, Path]) -> None:
    files = {name: listed(path) for name, path in packages.items()}
    (lib,) = (str(Path(file).parent) for file in files["libhmap1"] if file.endswith("so.1"))
    assert {file for file in files["libhmap1"] if "/doc/" not in file} == {
        f"{lib}/libhmap.so.1",
        f"{lib}/libhmap.so.1.0.0",
        f"usr/share/gdb/auto-load/{lib}/libhmap.so.1.0.0-gdb.py",
        "usr/share/lintian/overrides/libhmap1",
    }
    assert {
        "usr/include/hmap/hmap.h",
        f"{lib}/libhmap.so",
        f"{lib}/libhmap.a",
        f"{lib}/pkgconfig/hmap.pc",
        f"{lib}/cmake/hmap/hmap-config.cmake",
        "usr/share/man/man3/hmap.3.gz",
    } <= set(files["libhmap-dev"])
    assert {
        "usr/bin/hmap-plot",
        "usr/share/hmap/gdb/hmap.py",
        "usr/share/man/man1/hmap-plot.1.gz",
        "usr/share/man/man7/hmap-gdb.7.gz",
    } <= set(files["libhmap-gdb"])
    assert {file for file in files["hmap-layout"] if "/doc/" not in file} == {
        "usr/bin/hmap-layout",
        "usr/share/lintian/overrides/hmap-layout",
        "usr/share/man/man1/hmap-layout.1.gz",
    }
    for name, modes in files.items():
        for document in ("copyright", "changelog.gz", "changelog.Debian.gz"):
            assert f"usr/share/doc/{name}/{document}" in modes
        assert set(modes.values()) <= {
            "-rw-r--r-- root/root",
            "-rwxr-xr-x root/root",
            "lrwxrwxrwx root/root",
        }
    owners = [file for modes in files.values() for file in modes]
    assert len(owners) == len(set(owners)), "two packages hold the same file"


def test_library_has_debug_information_and_no_path_of_the_build(unpacked: Path) -> None:
    (library,) = unpacked.rglob("libhmap.so.1.0.0")
    assert ".debug_info" in sh(["readelf", "-SW", library])
    for file in files_below(unpacked):
        path = unpacked / file
        if path.is_file():
            assert str(ROOT).encode() not in path.read_bytes(), file


def test_linker_cache_is_renewed(packages: dict[str, Path], tmp_path: Path) -> None:
    sh(["dpkg-deb", "-e", packages["libhmap1"], tmp_path])
    assert "ldconfig" in (tmp_path / "triggers").read_text()
    assert (tmp_path / "shlibs").read_text().startswith("libhmap 1 libhmap1 ")


def test_scripts_of_the_packages_are_good_shell(packages: dict[str, Path], tmp_path: Path) -> None:
    sh(["dpkg-deb", "-e", packages["libhmap-gdb"], tmp_path])
    for name in ("postinst", "prerm"):
        sh(["sh", "-n", tmp_path / name])


def test_unpacked_commands_work(unpacked: Path, consumers: Path, tmp_path: Path) -> None:
    """The packages' extension and hmap-plot, on a program that uses the library."""
    occupancy, picture = tmp_path / "squares.csv", tmp_path / "squares.svg"
    gdb_session(
        consumers / "consumer_static",
        commands=[
            f"source {unpacked}/usr/share/hmap/gdb/hmap.py",
            "break filled",
            "run",
            f"hmap-dump squares --csv {occupancy}",
        ],
        extension=False,
    )
    sh([unpacked / "usr" / "bin" / "hmap-plot", occupancy, "-o", picture])
    assert "<svg" in picture.read_text(encoding="utf-8")
