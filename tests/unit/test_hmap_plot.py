"""scripts/hmap-plot: pictures from CSV, and errors."""

from __future__ import annotations

import csv
import html
import io
import os
import re
import subprocess
from pathlib import Path

import pytest

from hmapdbg.replot.command_line import main
from hmapdbg.replot.rows import iter_rows

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "hmap-plot"
OCCUPANCY = "array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n"
ENTRIES = "array,bucket,chain_index,slot,tophash,key,value\n"

GROWING = OCCUPANCY + (
    "buckets,0,0x1000,1,8,3,0,5,0,chains\n"
    "buckets,1,0x1090,1,8,0,0,8,0,chains\n"
    "buckets,2,0x1120,2,16,9,2,5,0,chains\n"
    "buckets,3,0x11b0,1,8,0,0,8,0,chains\n"
    "oldbuckets,0,0x2000,1,8,0,0,0,1,chains\n"
    "oldbuckets,1,0x2090,1,8,4,1,3,0,chains\n"
)
GROWING_ENTRIES = ENTRIES + "".join(
    f'{array},{bucket},{slot // 8},{slot % 8},{20 + slot},"key, ""{slot}""\nline",{slot}\n'
    for array, bucket, count in (("buckets", 0, 3), ("buckets", 2, 9), ("oldbuckets", 1, 4))
    for slot in range(count)
)
SWISS = OCCUPANCY + (
    "0,0,0x1000,1,8,8,0,0,0,groups\n"
    "0,1,0x1088,1,8,5,1,2,0,groups\n"
    "2,0,0x3000,1,8,7,0,1,0,groups\n"
)
UNORDERED = OCCUPANCY + "".join(f"buckets,{n},0x{n:x},{n},{n},{n},0,0,0,nodes\n" for n in range(4))


def run(*arguments: str, stdin: bytes = b"", script: Path = SCRIPT) -> tuple[int, bytes, str]:
    done = subprocess.run(
        [str(script), *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


def words_of(path: Path) -> list[str]:
    found = re.findall(r"<!--(.*?)-->", path.read_text(encoding="utf-8"), re.DOTALL)
    return [html.unescape(text).strip() for text in found]


def draw(folder: Path, occupancy: str, entries: str | None = None, *more: str) -> list[str]:
    """The texts of a picture drawn in this process."""
    paths = [str(folder / "o.csv"), "-o", str(folder / "out.svg"), *more]
    Path(paths[0]).write_text(occupancy, encoding="utf-8", newline="")
    if entries is not None:
        (folder / "e.csv").write_text(entries, encoding="utf-8", newline="")
        paths += ["--entries", str(folder / "e.csv")]
    assert main(paths) == 0
    return words_of(folder / "out.svg")


# ---- pictures


def test_four_panels_from_both_files(tmp_path: Path) -> None:
    words = draw(tmp_path, GROWING, GROWING_ENTRIES, "--title", "of $the$ week")
    for expected in (
        "of $the$ week",
        "from o.csv and e.csv",
        "16 entries in 4 buckets, load 4.00, growing: 1 of 2 old buckets evacuated",
        "Occupancy of each bucket",
        "Entries over bucket and tophash",
        "Buckets by number of entries",
        "Chains by length",
        "old array, 2 buckets",
    ):
        assert expected in words
    assert not any(word.startswith("note:") for word in words)


def test_three_panels_without_entries_and_it_is_said(tmp_path: Path) -> None:
    words = draw(tmp_path, GROWING)
    assert "Entries over bucket and tophash" not in words
    note = next(word for word in words if word.startswith("note:"))
    assert "no entries CSV" in note and "three panels" in note
    assert str(tmp_path / "o.csv") in words


def test_what_a_csv_does_not_tell_is_not_made_up(tmp_path: Path) -> None:
    text = "\n".join(draw(tmp_path, GROWING))
    assert "a CSV does not contain the map's types, its B, or the bytes held" in text
    for invented in ("B=", "0x0", "->", "nan", "of 0", "struct"):
        assert invented not in text.replace("<->", "")


def test_swiss_groups_are_told_by_their_tables(tmp_path: Path) -> None:
    words = draw(tmp_path, SWISS)
    assert "20 entries in 3 groups, load 6.67" in words
    assert "Groups by number of entries" in words
    assert "uniform hash (Poisson)" not in words


def test_unordered_containers_are_told_by_their_counts(tmp_path: Path) -> None:
    entries = ENTRIES + "buckets,1,0,0,-1,1,1\nbuckets,2,0,0,-1,2,2\nbuckets,2,1,0,-1,3,3\n"
    words = draw(tmp_path, UNORDERED, entries)
    assert "Entries over bucket and place in the chain" in words
    assert "nodes in the chain" in words
    assert any("the entries CSV has 3 entries, the occupancy 6" in word for word in words)


def test_a_header_row_alone_is_a_map_without_buckets(tmp_path: Path) -> None:
    entries = ENTRIES + "map,-1,-1,-1,-1,a,b\n"
    words = draw(tmp_path, OCCUPANCY, entries)
    assert "no rows in the CSV: the map has no buckets yet, or has none (sync.Map)" in words


def test_a_spreadsheets_line_ends_and_mark_are_read(tmp_path: Path) -> None:
    plain = draw(tmp_path, GROWING)
    assert draw(tmp_path, "\ufeff" + GROWING.replace("\n", "\r\n")) == plain
    assert draw(tmp_path, GROWING[:-1]) == plain


def test_a_picture_is_the_same_each_time(tmp_path: Path) -> None:
    draw(tmp_path, GROWING, GROWING_ENTRIES)
    first = (tmp_path / "out.svg").read_bytes()
    draw(tmp_path, GROWING, GROWING_ENTRIES)
    assert (tmp_path / "out.svg").read_bytes() == first


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_rows_are_read_as_the_csv_module_reads_them(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmapdbg.replot.rows.CHUNK", chunk)
    path = tmp_path / "e.csv"
    path.write_text(GROWING_ENTRIES, encoding="utf-8", newline="")
    expected = list(csv.reader(io.StringIO(GROWING_ENTRIES)))[1:]
    found: list[list[str]] = []
    for rows in iter_rows(str(path), ENTRIES, 5):
        assert rows.first == len(found) + 2
        names = [name for name, run in rows.iter_runs("") for _ in range(run.stop - run.start)]
        numbers = [rows.integers(field, "x", "").tolist() for field in range(1, 5)]
        found += [list(map(str, row)) for row in zip(names, *numbers)]
    assert found == [row[:5] for row in expected]


# ---- the command line


def test_it_runs_through_a_link_and_from_a_pipe_to_a_pipe(tmp_path: Path) -> None:
    link = tmp_path / "plot-link"
    link.symlink_to(SCRIPT)
    code, out, error = run("-", "-o", "-", stdin=GROWING.encode(), script=link)
    assert (code, error) == (0, "")
    assert out.startswith(b"\x89PNG")


def test_help_has_an_example() -> None:
    code, out, error = run("--help")
    assert (code, error) == (0, "")
    assert b"hmap-plot sessions.csv --entries entries.csv -o sessions.png" in out


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], "required"),
        (["o.csv"], "-o"),
        (["o.csv", "-o", "x.gif"], "'x.gif': let it end in .png, .svg or .pdf"),
        (["o.csv", "-o", "x.png", "--color"], "--color"),
        (["o.csv", "-o", "x.png", "--tit", "T"], "--tit"),
        (["-", "--entries", "-", "-o", "x.png"], "give one of them as a file"),
    ],
)
def test_wrong_usage_is_status_3_and_one_line(arguments: list[str], expected: str) -> None:
    code, out, error = run(*arguments)
    assert (code, out) == (3, b"")
    assert error.startswith("hmap-plot: ") and error.count("\n") == 1
    assert expected in error


BAD_OCCUPANCY = [
    ("", "is not an occupancy CSV: its first line must be 'array,bucket,"),
    (ENTRIES, "is not an occupancy CSV: it is an entries CSV: give it with --entries"),
    ("\x89PNG\r\n\x1a\n\0\0", "is not an occupancy CSV"),
    (OCCUPANCY + "buckets,0,0x0,1,8,3,0,5\n", "row 2: 8 fields, not 10"),
    (OCCUPANCY + "buckets,0,0x0,1,8,3,0,5,0,chains\n\n", "row 3: 1 fields, not 10"),
    (OCCUPANCY + "buckets,0,0x0,1,8,x,0,5,0,chains\n", "row 2: live is 'x', not a count"),
    (OCCUPANCY + "buckets,0,0x0,1,8,\x1b[0m,0,5,0,chains\n", "live is '\\x1b[0m', not a count"),
    (OCCUPANCY + "buckets,0,0x0,1,8,,0,5,0,chains\n", "row 2: live is '', not a count"),
    (OCCUPANCY + "buckets,0,0x0,1,8,-1,0,5,0,chains\n", "row 2: live is -1"),
    (OCCUPANCY + "buckets,0,0x0,1,8,-7,0,5,0,chains\n", "row 2: live is '-7', not a count"),
    (OCCUPANCY + f"buckets,0,0x0,1,8,{'9' * 30},0,5,0,chains\n", "not a count"),
    (OCCUPANCY + f"buckets,0,0x0,1,8,{1 << 40},0,5,0,chains\n", "live is 1,099,511,627,776"),
    (OCCUPANCY + "buckets,0,0x0,1,8,3,0,6,0,chains\n", "do not add up to the slots"),
    (OCCUPANCY + "buckets,0,0x0,1,8,3,0,5,1,chains\n", "add up to 0, as for an evacuated bucket"),
    (OCCUPANCY + "buckets,1,0x0,1,8,3,0,5,0,chains\n", "row 2: bucket 1 where 0 was expected"),
    (GROWING + "buckets,4,0x0,1,8,3,0,5,0,chains\n", "row 8: array 'buckets' is repeated"),
    (OCCUPANCY + "stuff,0,0x0,1,8,3,0,5,0,chains\n", "has an unknown array 'stuff'"),
    (OCCUPANCY + "oldbuckets,0,0x0,1,8,3,0,5,0,chains\n", "no 'buckets' before them"),
    (OCCUPANCY + "b" * 100 + ",0,0x0,1,8,3,0,5,0,chains\n", "name is too long"),
    (GROWING + "oldbuckets,2,0x0,1,8,3,0,5,0,nodes\n", "geometry is 'nodes' where it was 'chains'"),
    (
        OCCUPANCY + "buckets,0,0x0,1,8,3,0,5,0,rings\n",
        "unknown geometry 'rings', not one of chains,",
    ),
    (OCCUPANCY + 'buckets,0,"0x0,1,8,3,0,5,0\n', "a quote is not closed"),
]


@pytest.mark.parametrize("text, expected", BAD_OCCUPANCY)
def test_a_bad_occupancy_csv_is_status_2_and_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    expected: str,
) -> None:
    path = tmp_path / "o.csv"
    path.write_text(text, encoding="latin-1", newline="")
    assert main([str(path), "-o", str(tmp_path / "x.png")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("hmap-plot: ") and error.count("\n") == 1
    assert f"'{path}'" in error and expected in error
    assert error.isascii() and "\x1b" not in error
    assert os.listdir(tmp_path) == ["o.csv"]


@pytest.mark.parametrize(
    "text, expected",
    [
        (OCCUPANCY, "is not an entries CSV: it is an occupancy CSV"),
        (ENTRIES + "buckets,4,0,0,9,k,v\n", "row 2: bucket 4 of array 'buckets' is not in"),
        (ENTRIES + "0,0,0,0,9,k,v\n", "row 2: bucket 0 of array '0' is not in"),
        (ENTRIES + "buckets,0,0,0,9,k\n", "row 2: 6 fields, not 7"),
        (ENTRIES + 'buckets,0,0,0,9,"k,v\n', "row 2: a quote is not closed"),
        (ENTRIES + "buckets,0,0,0,0x9,k,v\n", "row 2: tophash is '0x9', not a count"),
    ],
)
def test_a_bad_entries_csv_is_status_2_and_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    expected: str,
) -> None:
    paths = [tmp_path / "o.csv", tmp_path / "e.csv"]
    for path, content in zip(paths, (GROWING, text)):
        path.write_text(content, encoding="utf-8", newline="")
    arguments = [str(paths[0]), "--entries", str(paths[1]), "-o", str(tmp_path / "x.png")]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"'{paths[1]}'" in error and expected in error


def test_a_file_that_is_not_there_is_status_2(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    code, out, error = run(str(path), "-o", str(tmp_path / "x.png"))
    assert (code, out) == (2, b"")
    expected = f"hmap-plot: cannot read '{path}': no such file or directory: check the name\n"
    assert error == expected
    assert run(str(tmp_path), "-o", str(tmp_path / "x.png"))[0] == 2


def test_a_folder_that_is_not_there_is_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "o.csv"
    source.write_text(GROWING, encoding="utf-8")
    output = str(tmp_path / "no" / "x.png")
    assert main([str(source), "-o", output]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hmap-plot: cannot write '{output}': ") and error.count("\n") == 1


def test_an_old_picture_stays_when_the_csv_is_bad_and_keeps_its_mode(tmp_path: Path) -> None:
    output = tmp_path / "x.png"
    output.write_bytes(b"old")
    output.chmod(0o640)
    source = tmp_path / "o.csv"
    source.write_text("no", encoding="utf-8")
    assert main([str(source), "-o", str(output)]) == 2
    assert output.read_bytes() == b"old"
    source.write_text(GROWING, encoding="utf-8")
    assert main([str(source), "-o", str(output)]) == 0
    assert output.read_bytes().startswith(b"\x89PNG")
    assert output.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["o.csv", "x.png"]
