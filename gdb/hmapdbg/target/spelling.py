"""Expressions as text: brackets and quotes, forbidden operators, and Go's as gdb takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..compat import dataclass

# An assignment or increment in an expression would write to the target. Comparisons pass.
_WRITES = re.compile(r"(?<![=!<>])=(?!=)|<<=|>>=|\+\+|--")
# A name of a Go package: net/http.DefaultServeMux, main.sessions.
_PACKAGE_NAME = re.compile(
    r"(?<![\w.'\"/])(?:[A-Za-z_][\w.~-]*/(?:[\w.~-]+/)*)?[A-Za-z_]\w*\.[A-Za-z_]\w*"
)
# A pointer type of such a package in a cast, quoted or not.
_CAST = re.compile(r"\(\s*'?([A-Za-z_][\w./~-]*\.\w+)'?\s*\*+\s*\)")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")

MAX_TYPE_NAME = 1 << 16  # letters: templates of templates have long ones

# What stands before a path: the object file, thread and frame in which it begins, or the goroutine
# and the function.
SCOPE = re.compile(
    r"(?=object |thread |frame )(?:object (?P<object>\S+?)(?: (?=thread )|(?=: )))?"
    r"(?:thread (?P<thread>\d+)(?: (?=frame )|(?=: )))?(?:frame (?P<level>\d+))?: "
    r"|goroutine (?P<goroutine>\d+) (?P<function>[^\"']+?): "
)


@dataclass(frozen=True)
class Scope:
    """Where a path begins. An object file has its variables alone; a thread without a frame is for
    its thread-local variables."""

    object: str = ""  # base name
    thread: int | None = None
    level: int | None = None  # of the frame
    goroutine: int | None = None
    function: str = ""  # of the goroutine's call

    @property
    def text(self) -> str:
        """As it stands before a path."""
        if self.goroutine is not None:
            return f"goroutine {self.goroutine} {self.function}: "
        parts = [f"object {self.object}"] if self.object else []
        parts += [] if self.thread is None else [f"thread {self.thread}"]
        parts += [] if self.level is None else [f"frame {self.level}"]
        return f"{' '.join(parts)}: " if parts else ""


def split_scope(path: str) -> tuple[Scope, str]:
    """What stands before a path, and the path without it."""
    found = SCOPE.match(path)
    if found is None:
        return Scope(), path
    thread, level, goroutine = (
        None if found[name] is None else int(found[name])
        for name in ("thread", "level", "goroutine")
    )
    scope = Scope(found["object"] or "", thread, level, goroutine, found["function"] or "")
    return scope, path[found.end() :]


# A static of a function, by the line where it is declared; to gdb, '@' makes an array.
WITH_LINE = re.compile(r"'[^']+'::(?:'[^']*'|\"[^\"]*\"|\w+|::)+::\w+@\d+")


QUOTES = "\"'"
OPENING, CLOSING = "([{", ")]}"


def quote_end(text: str, at: int) -> int:
    """The index after the quote that opens at `at`; after the text if it is not closed."""
    quote, end = text[at], at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" else 1
    return end + 1


def iter_unquoted(text: str, at: int = 0) -> Iterator[tuple[int, str]]:
    """The characters from `at` on that are not in quotes, each with its index; of an unclosed
    quote, the opening one."""
    while at < len(text):
        end = quote_end(text, at) if text[at] in QUOTES else at
        if end == at or end > len(text):
            yield at, text[at]
            end = max(end, at + 1)
        at = end


def closing_at(text: str, at: int) -> int:
    """The index where the bracket at `at` is closed; -1: nowhere, or by another kind."""
    awaited: list[str] = []
    for place, letter in iter_unquoted(text, at):
        if letter in OPENING:
            awaited.append(CLOSING[OPENING.index(letter)])
        elif letter in CLOSING and letter != awaited.pop():
            return -1
        if not awaited:
            return place
    return -1


def may_name_type(text: str) -> bool:
    """Whether a text can be a type's name: debuggers take no other for one.

    >>> may_name_type("map[string]*main.Server"), may_name_type("main\\0x"), may_name_type("")
    (True, False, False)
    """
    return 0 < len(text) <= MAX_TYPE_NAME and text.isprintable()


def writes(expression: str) -> bool:
    """Whether an expression assigns."""
    return _WRITES.search(_QUOTED.sub("''", expression)) is not None


def is_balanced(expression: str) -> bool:
    """Whether each bracket and quote of an expression is closed."""
    awaited: list[str] = []
    for _, letter in iter_unquoted(expression):
        if letter in OPENING:
            awaited.append(CLOSING[OPENING.index(letter)])
        elif letter in CLOSING and (not awaited or letter != awaited.pop()):
            return False
        elif letter in QUOTES:
            return False
    return not awaited


def declared_name(declaration: str) -> str:
    """The name that a declaration of C, C++ or Go (as gdb writes it, the type first) declares;
    empty where it makes no sense.

    >>> declared_name("map[string]int main.sessions"), declared_name("std::map<int, int> *a::b[4]")
    ('main.sessions', 'a::b')
    >>> declared_name("int (*handlers[3])(int, long)"), declared_name("long T<int, 'x'>::count")
    ('handlers', "T<int, 'x'>::count")
    """
    text = re.sub(r"(?:\[\d*\])+$", "", declaration.strip())
    pointer = re.search(r"\(\*+\s*([\w:]+)(?:\[\d*\])*\)\s*\(", text)
    if pointer is not None:
        return pointer.group(1)
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        letter = text[at]
        if letter in ")]}>":
            depth += 1
        elif letter in "([{<":
            depth -= 1
        elif depth == 0 and letter in " *&":
            return text[at + 1 :]
    return ""


def cast_names(expression: str) -> list[str]:
    """The types of Go packages that an expression casts pointers to."""
    return _CAST.findall(expression)


def go_spellings(expression: str) -> list[str]:
    """A Go expression in gdb's language C: unchanged, which works for locals, and with quotes
    around what looks like a package's variable."""
    parts = _QUOTED.split(expression)
    quotes = _QUOTED.findall(expression)
    quoted = [_PACKAGE_NAME.sub(r"'\g<0>'", part) for part in parts]
    whole = "".join(text for pair in zip(quoted, [*quotes, ""]) for text in pair)
    return list(dict.fromkeys([expression, whole]))


def go_spellings_of_name(expression: str, name: str, function: str) -> list[str]:
    """More spellings for a missing name: a variable that escaped to the heap is the pointer
    '&name', and one of the package of `function`, the frame's, has the package in front."""
    if not re.fullmatch(r"\w+", name):
        return []
    replacements = [f"(*'&{name}')"]
    path, slash, last = function.rpartition("/")
    if "." in last:
        replacements.append(f"'{path}{slash}{last.split('.')[0]}.{name}'")
    pattern = re.compile(rf"(?<![\w.'\"]){name}\b")
    return [pattern.sub(by.replace("\\", r"\\"), expression) for by in replacements]


def class_of_member(name: str) -> str:
    """The class in the name of a member function, with or without its parameters; empty where the
    name has none.

    >>> class_of_member("std::any::_Manager<f()::Local<int>>::manage(std::any::Op)")
    'std::any::_Manager<f()::Local<int>>'
    """
    depth, last, at = 0, -1, 0
    while at < len(name):
        letter = name[at]
        if letter in OPENING or letter == "<":
            # Parameters, or "()" of a function in the name of something local to it.
            if depth == 0 and letter == "(":
                end = closing_at(name, at)
                if end < 0 or not name.startswith("::", end + 1):
                    break
            depth += 1
        elif letter in CLOSING or letter == ">" and name[at - 1] != "-":
            depth -= 1
        elif depth == 0 and name.startswith("::", at):
            last = at
            if name.startswith("operator", at + 2):
                break
            at += 1
        at += 1
    return name[:last] if last > 0 else ""


def template_arguments(name: str) -> list[str]:
    """The arguments in the name of a class template's class, as they are spelled.

    >>> template_arguments("std::pair<int, std::pair<char, long> >")
    ['int', 'std::pair<char, long>']
    """
    begin = name.find("<")
    if begin < 0 or not name.rstrip().endswith(">"):
        return []
    out, depth, start = [], 0, begin + 1
    for at in range(begin + 1, len(name)):
        letter = name[at]
        if letter == "," and depth == 0:
            out.append(name[start:at].strip())
            start = at + 1
        elif letter in OPENING or letter == "<":
            depth += 1
        elif letter in CLOSING or letter == ">" and name[at - 1] != "-":
            depth -= 1
            if depth < 0:
                return [*out, name[start:at].strip()] if name[at + 1 :].strip() == "" else []
    return []
