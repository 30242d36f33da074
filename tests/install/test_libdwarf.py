"""CMake finds libdwarf wherever a release puts it, and says so loudly when it does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

from installing import ROOT, sh

OPTIONS = ("-DHMAP_BUILD_TESTS=OFF", "-DHMAP_BUILD_FIXTURES=OFF")


def configure(folder: Path, *options: str, **environment: str) -> str:
    return sh(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *OPTIONS, *options], **environment)


def system_library() -> str:
    return subprocess.run(
        ["gcc", "-print-file-name=libdwarf.so"], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_libdwarf_of_another_major_version_is_found_by_pkg_config(tmp_path: Path) -> None:
    headers, libraries = tmp_path / "usr" / "headers", tmp_path / "usr" / "libs"
    headers.mkdir(parents=True)
    libraries.mkdir()
    (headers / "libdwarf.h").touch()
    (libraries / "libdwarf-2.so").symlink_to(system_library())
    (libraries / "libdwarf-2.pc").write_text(
        "Name: libdwarf\nDescription: DWARF\nVersion: 2.0.0\n"
        f"Libs: -L{libraries} -ldwarf-2\nCflags: -I{headers}\n"
    )
    output = configure(tmp_path / "build", PKG_CONFIG_PATH=str(libraries))
    assert "hmap-layout is NOT built" not in output
    cache = (tmp_path / "build" / "CMakeCache.txt").read_text()
    assert f"HMAP_LIBDWARF_INCLUDE_DIR:PATH={headers}\n" in cache
    assert f"HMAP_LIBDWARF_LIBRARY:FILEPATH={libraries / 'libdwarf-2.so'}\n" in cache


def test_hmap_layout_that_is_left_out_is_a_warning(tmp_path: Path) -> None:
    output = configure(tmp_path / "build", "-DHMAP_JANSSON_LIBRARY=")
    assert "CMake Warning" in output and "hmap-layout is NOT built" in output
    assert "scripts/setup --build" in output
