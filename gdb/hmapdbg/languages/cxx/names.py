"""C++ type names as written in source: without default template arguments and inline namespaces.

>>> short_name("std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >")
'std::string'
>>> short_name("absl::lts_1::flat_hash_set<int, absl::lts_1::hash_internal::Hash<int> >")
'absl::flat_hash_set<int>'
>>> short_name("boost::unordered::unordered_set<int, boost::hash<int>, std::equal_to<int> >")
'boost::unordered_set<int>'
"""

from __future__ import annotations

import functools
import re

_DEFAULTED = re.compile(
    r"std::(char_traits|allocator|hash|equal_to|less|default_delete)(<.*>)?\Z"
    # Of Abseil's and phmap's containers.
    r"|(absl|phmap)::(\w+::)*(String)?(Hash|Eq|HashEq|HashEqT|EqualTo|NullMutex)(<.*>)?"
    r"(::Hash|::Eq)?\Z",
    re.DOTALL,
)
# Of the containers of Boost.Unordered, Boost.Container and folly; std::hash is none of theirs.
_OTHER_DEFAULTED = re.compile(
    r"(boost::hash|std::equal_to|std::allocator|boost::container::new_allocator"
    r"|folly::HeterogeneousAccess(Hash|EqualTo))(<.*>)?\Z|void\Z",
    re.DOTALL,
)
_OTHER = re.compile(r"\b(?:boost::(?:unordered|container)::(?:\w+::)*\w+|folly::F14\w+)\Z")
# As they are written, whatever namespace they are defined in.
_BOOST_MOVED = re.compile(r"\bboost::unordered::(?=(?:unordered|concurrent)_)")
# Abseil's releases.
_RELEASE = re.compile(r"\babsl::(?:lts_|debian)\d+::")
# The shards of a phmap::parallel_..., 2 to the 4th, are named before its mutex.
_SHARDS = re.compile(r"\bphmap::parallel_\w+\Z")
# libstdc++'s, and libc++'s by the platform.
_INLINE = re.compile(r"\bstd::(?:__cxx11|__cxx1998|__8|__1|__2|__Cr|__ndk1)::")
_STRINGS = (
    ("std::basic_string<char>", "std::string"),
    ("std::basic_string_view<char>", "std::string_view"),
    ("std::basic_string<wchar_t>", "std::wstring"),
)
# The types that a class template names itself: the template adds nothing.
_MEMBER = re.compile(r"(?:struct |class )?std::(?:\w+::)*\w+<.*>::(\w+)\Z", re.DOTALL)


class _Unbalanced(Exception):
    """A bracket is missing."""


@functools.lru_cache(4096)
def short_name(name: str) -> str:
    """The name shortened; unchanged if it cannot be parsed."""
    # Operators and lambdas have signs that are not brackets.
    if "operator" in name or "(" in name or "'" in name or '"' in name:
        return name
    try:
        text, at = _take(name, 0)
    except _Unbalanced:
        return name
    if at != len(name):
        return name
    member = _MEMBER.match(text)
    if member and text.endswith(f">::{member.group(1)}"):
        return member.group(1)
    return text


def _take(name: str, at: int) -> tuple[str, int]:
    """The text from `at` on, shortened, up to a comma or a closing bracket of its own level, and
    its index."""
    out = ""
    while at < len(name) and name[at] not in ",>":
        if name[at] != "<":
            out += name[at]
            at += 1
            continue
        arguments: list[str] = []
        while at < len(name) and name[at] in "<,":
            text, at = _take(name, at + 1)
            arguments.append(text.strip())
        if at >= len(name) or name[at] != ">":
            raise _Unbalanced
        at += 1
        out = _RELEASE.sub("absl::", _INLINE.sub("std::", out))
        if re.search(r"\b(?:std|absl|phmap)::(?:\w+::)*\w+\Z", out):
            while len(arguments) > 1 and _DEFAULTED.match(arguments[-1]):
                is_mutex = arguments.pop() == "phmap::NullMutex"
                if is_mutex and arguments[-1] == "4" and _SHARDS.search(out):
                    arguments.pop()
        if _OTHER.search(out):
            while len(arguments) > 1 and _OTHER_DEFAULTED.match(arguments[-1]):
                arguments.pop()
        out = f"{out.rstrip()}<{', '.join(arguments)}>"
        for long, short in _STRINGS:
            if out.endswith(long):
                out = out[: -len(long)] + short
    out = _RELEASE.sub("absl::", _INLINE.sub("std::", out))
    return _BOOST_MOVED.sub("boost::", out).rstrip(), at
