"""Files are written completely or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hmapdbg.output.files import FileError, Outputs

PACKAGE = Path(__file__).resolve().parents[2] / "gdb"


def test_files_have_their_names_once_all_are_complete(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    second.write_text("old")
    with Outputs() as outputs:
        outputs.open(str(first)).write("né\n")
        outputs.open(str(second)).write(b"\xff\x00")
        assert not first.exists() and second.read_text() == "old"
        outputs.commit()
    assert first.read_bytes() == "né\n".encode()
    assert second.read_bytes() == b"\xff\x00"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_nothing_is_left_where_the_work_fails(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    with pytest.raises(ValueError), Outputs() as outputs:
        outputs.open(str(old)).write("new")
        outputs.open(str(tmp_path / "new")).write("new")
        raise ValueError
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["old"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_what_is_full_at_the_end_keeps_all_files_as_they_were(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    with pytest.raises(FileError, match="'/dev/full'"), Outputs() as outputs:
        outputs.open(str(old)).write("new")
        outputs.open("/dev/full").write("new")
        outputs.commit()
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["old"]


def test_a_file_cannot_be_two_of_one_command(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(FileError, match="named twice: give each"), Outputs() as outputs:
        outputs.open(str(tmp_path / "a"))
        outputs.open(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["link"]


def test_a_file_keeps_its_mode_and_a_new_one_has_that_of_the_umask(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    old.chmod(0o640)
    mask = os.umask(0o027)
    try:
        with Outputs() as outputs:
            for path in (old, new):
                outputs.open(str(path)).write("text")
            outputs.commit()
    finally:
        os.umask(mask)
    assert old.stat().st_mode & 0o777 == 0o640
    assert new.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("real")
    with Outputs() as outputs:
        outputs.open(str(link)).write("new")
        outputs.commit()
    assert link.is_symlink() and (tmp_path / "real").read_text() == "new"


def test_what_is_no_regular_file_is_written_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with Outputs() as outputs:
        outputs.open(str(fifo)).write("text")
        outputs.commit()
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert os.listdir(tmp_path) == ["fifo"]


def test_a_dash_is_standard_output_behind_what_was_printed_before() -> None:
    program = (
        "from hmapdbg.output.files import Outputs\n"
        "print('first')\n"
        "with Outputs() as outputs:\n"
        "    outputs.open('-').write('second\\n')\n"
        "    outputs.commit()\n"
        "print('third')\n"
    )
    environment = {"PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True
    )
    assert done.stdout == b"first\nsecond\nthird\n"


def test_a_home_folder_is_meant_where_no_shell_has_seen_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Outputs(expand_user=True) as outputs:
        outputs.open("~/a").write("text")
        outputs.commit()
    assert (tmp_path / "a").read_text() == "text"
    with Outputs() as outputs, pytest.raises(FileError, match="cannot write '~/a'"):
        outputs.open("~/a")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("no/file", "no such file or directory: create the folder first"),
        ("folder", "is a directory: name a file in it"),
        ("file/x", "not a directory: check the path"),
    ],
)
def test_an_error_names_the_path_and_the_remedy(
    path: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with Outputs() as outputs, pytest.raises(FileError) as raised:
        outputs.open(path)
    assert str(raised.value) == f"cannot write '{path}': {expected}"
