"""How a Go program was built, by its own build info (debug/buildinfo), and how to build its twin
with debug info: of the same code, with variables in the same places.

Flags are in the build info, which lies before all variables: those that drop debug info are
replaced by others of equal length that do nothing. With -trimpath they are not in it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from ..compat import dataclass
from .core_file import NotACore, section_bytes
from .elf_symbols import GO_ALIGNMENT, GO_BUILD_INFO, GO_MAGIC, data_from

ET_DYN = 3
MAX_INFO = 1 << 20  # bytes
INLINE = 2  # flag: the texts are in the section (from go1.18 on)
HEADER = 32  # bytes
MARK = 16  # bytes before and behind the text of the modules
ENVIRONMENT = ("CGO_ENABLED", "GOOS", "GOARCH", "GOAMD64", "GOARM", "GOARM64", "GOEXPERIMENT")
COMPILER = ("CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS")  # empty ones do nothing
DEFAULTS = ("-compiler=gc", "-buildmode=exe")
LINKER = "-ldflags"
NOTHING = "-n"  # a flag of Go's linker without effect, as long as -s and -w
DEVELOPMENT = ("", "(devel)")  # versions of a module that was built where its source lies


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """What a program says of how it was built."""

    version: str  # of Go, and experiments: "go1.25.8 X:noswissmap"
    modules: bytes  # the text with all else, as the program has it, without its marks
    settings: Sequence[tuple[str, str]]  # "-tags" and "CGO_ENABLED", with their values, in order
    path: str  # of the main package; empty: not told
    module: tuple[str, str]  # the main module, and its version
    dependencies: Sequence[tuple[str, str]]  # modules, and their versions and hashes

    @property
    def go(self) -> str:
        """The version of Go alone: "go1.25.8"."""
        return (self.version.split() or [""])[0]

    def setting(self, name: str) -> str:
        """The value of a setting; empty: it has none."""
        return dict(self.settings).get(name, "")

    @property
    def is_told(self) -> bool:
        """Whether the version is one, which garble removes."""
        return self.version.startswith(("go", "devel"))

    @property
    def is_trimmed(self) -> bool:
        """Whether paths, and flags for the linker, are not in the program."""
        return self.setting("-trimpath") == "true"

    @property
    def is_installed(self) -> bool:
        """Whether it was built of a published module, by `go install PATH@VERSION`."""
        return self.module[1] not in DEVELOPMENT and not self.setting("vcs.revision")


def build_info(program: str) -> BuildInfo | None:
    """What a program says of how it was built; None: it is not Go's, or of one before go1.18.
    OSError."""
    try:
        data = section_bytes(program, GO_BUILD_INFO)
        if data is None:
            data = data_from(program, GO_MAGIC, GO_ALIGNMENT, MAX_INFO)
    except NotACore:
        return None
    texts = list(_texts(data))
    if not texts:
        return None
    modules = texts[1][MARK:-MARK] if len(texts) > 1 else b""
    lines = [one.split("\t") for one in modules.decode("utf-8", "replace").splitlines()]
    of = {kind: [one[1:] for one in lines if one[0] == kind] for kind in ("path", "mod", "build")}
    main = [*(of["mod"] or [[]])[0], "", ""]
    return BuildInfo(
        texts[0].decode("utf-8", "replace"),
        modules,
        [_setting(one[0]) for one in of["build"] if one],
        next((one[0] for one in of["path"] if one), ""),
        (main[0], main[1]),
        [(one[1], "\t".join(one[2:])) for one in lines if one[0] in ("dep", "=>") and one[1:]],
    )


def go_version(program: str) -> str:
    """The version of Go that has built a program, and its experiments: "go1.25.8 X:noswissmap";
    empty if it was not Go, or one before go1.18. OSError."""
    info = build_info(program)
    return "" if info is None else info.version


def twin_command(program: str) -> str:
    """The command that builds the twin of a program, in quotes, and by which Go of which revision;
    empty if it is not Go's, or does not say how it was built."""
    try:
        info = build_info(program)
        command = "" if info is None else build_command(info, is_movable(program))
    except OSError:
        return ""
    if info is None or not command:
        return ""
    revision = info.setting("vcs.revision")
    of = f" of revision {revision}" if revision else ""
    return f"'{command}' by {info.go}{of}"


def how_to_build(program: str) -> list[str]:
    """How the twin of a program is built, in lines for people."""
    try:
        info = build_info(program)
        command = "" if info is None else build_command(info, is_movable(program))
    except OSError as error:
        return [f"cannot read '{program}': {error.strerror}"]
    if info is None:
        return [f"'{program}' is not a program of go1.18 or later: hmap-twin is for those"]
    if not info.is_told:
        return [f"'{program}' does not say which version built it ('{info.version}'), and how"]
    if not command:
        return [f"'{program}' was built by {info.go}, and does not say how"]
    name, version = info.module
    revision, modified = info.setting("vcs.revision"), info.setting("vcs.modified") == "true"
    source = " ".join(one for one in (name, version) if one)
    if revision:
        source += f", {info.setting('vcs')} revision {revision}".replace("  ", " ")
        source += f" of {info.setting('vcs.time')}"
    if modified:
        source += ", with changes that were not committed"
    lines = [
        f"the twin of '{program}' is built",
        f"  from  {source or info.path}",
        f"  by    {info.version}",
        f"  with  {command}",
    ]
    if info.is_trimmed:
        lines.append(
            "with -trimpath the program does not say its -ldflags: add those that it was built "
            "with, such as -X, without -s and -w"
        )
    else:
        lines.append(
            "in the same folder as the program, whose path it has"
            + (
                f"; {NOTHING} does nothing: it is as long as what it replaces"
                * (NOTHING in command)
            )
        )
    if info.setting("CGO_ENABLED") == "1":
        lines.append("if it has C code: with the same C compiler")
    return [*lines, "then: hmap-twin FILE"]


def build_command(info: BuildInfo, movable: bool) -> str:
    """The command that builds a twin; empty if the program does not say how it was built.
    `movable`: it is a PIE, which not all versions say."""
    settings = list(info.settings)
    if not info.path or not settings:
        return ""
    if movable and not info.setting("-buildmode"):
        settings.append(("-buildmode", "pie"))
    words = [
        f"{name}={_quoted(value)}"
        for name, value in settings
        if name in ENVIRONMENT or (name in COMPILER and value)
    ]
    words += ["go", "install" if info.is_installed else "build"]
    for name, value in settings:
        if not name.startswith("-") or f"{name}={value}" in DEFAULTS:
            continue
        if name == LINKER:
            value = without_stripping(value)
        is_switch = value == "true"
        words.append(name if is_switch else f"{name}={_quoted(value)}")
    package = f"{info.path}@{info.module[1]}" if info.is_installed else info.path
    words.append(shlex.quote(package) if info.path != "command-line-arguments" else "FILES")
    return " ".join(words)


def without_stripping(flags: str) -> str:
    """Flags for the linker, with those that do nothing for those that drop debug info."""
    return re.sub(r"(?<!\S)-[sw](?!\S)", NOTHING, flags)


def is_movable(program: str) -> bool:
    """Whether a program is a PIE, or a library. OSError."""
    with open(program, "rb") as file:
        header = file.read(18)
    return int.from_bytes(header[16:18], "little" if header[5] == 1 else "big") == ET_DYN


def _texts(data: bytes) -> Iterator[bytes]:
    """The version, and the modules."""
    if data[: len(GO_MAGIC)] != GO_MAGIC or len(data) < HEADER or not data[15] & INLINE:
        return
    at = HEADER
    for _ in range(2):
        length, used = varint(data[at:])
        at += used
        yield data[at : at + length]
        at += length


def varint(data: bytes) -> tuple[int, int]:
    """The number that data begins with, in 7 bits a byte, and how many bytes it takes."""
    number = used = 0
    for byte in data:
        number |= (byte & 0x7F) << 7 * used
        used += 1
        if byte < 0x80:
            break
    return number, used


def _quoted(text: str) -> str:
    """A word of a command line that stands in single quotes as a whole, if possible."""
    quoted = shlex.quote(text)
    return f'"{text}"' if quoted != text and not re.search(r'["$`\\!]', text) else quoted


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return name, value
