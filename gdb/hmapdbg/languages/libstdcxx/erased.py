"""Types of libstdc++ that hold a value of any type, which only a function of theirs knows:
std::any, std::function and std::move_only_function.

    std::any       _M_manager is std::any::_Manager_internal<T>::_S_manage, where the value is in
                   the std::any itself, or _Manager_external, where it is on the heap
    std::function  _M_manager is std::_Function_handler<SIGNATURE, T>::_M_manager; what is small
                   and copied byte by byte is in the std::function itself (bits/std_function.h,
                   __stored_locally)
    std::move_only_function
                   _M_manage is std::_Mofunc_base::_S_manage<T>, _M_invoke calls the value
                   (bits/mofunc_impl.h); from gcc 16 on _M_invoke is
                   std::__polyfunc::_Base_invoker<…>::_S_call_storage<T&>, and _M_manage is
                   std::__polyfunc::_Manager::_S_ptr<…, T> where the value is on the heap
                   (bits/funcwrap.h); std::copyable_function is alike
"""

from __future__ import annotations

import re

from ...target import Kind, Target, Type
from ...target.spelling import class_of_member, template_arguments
from ..cxx import choices
from ..cxx.erased import Erased, Managed
from . import smart
from ..cxx.names import short_name

_INTERNAL = "_Manager_internal<"
_EXTERNAL = "_Manager_external<"
_HANDLER = "_Function_handler<"
_MANAGE = re.compile(
    r"_Mofunc_base::_S_manage<(?P<value>.*)>\(std::_Mofunc_base::_Storage", re.DOTALL
)
_CALLED = re.compile(r"move_only_function<(?P<signature>.*?)>::_S_invoke<", re.DOTALL)
_CALLS = re.compile(
    r"_Base_invoker<.*>::_S_call_storage<(?P<value>.*)>\(std::__polyfunc::_Storage", re.DOTALL
)
_CLOSURE = re.compile(r"\{lambda\(|<lambda\(|\$_\d+\Z")
_LAMBDA = re.compile(r"\{lambda(?P<parameters>\(.*\))#\d+\}\Z", re.DOTALL)


def recognise(found: Type) -> Erased | None:
    """A struct as such a type; None for any other."""
    own = {one.name for one in found.fields if not one.base}
    if own == {"_M_manager", "_M_storage"}:
        return _erased(found, "std::any", "_M_storage", choices.NOTHING)
    if own == {"_M_invoker"}:
        return _erased(found, "std::function", "_M_functor", "nullptr")
    if own == {"_M_invoke"}:
        noun = found.name.partition("<")[0]
        return _erased(found, noun, "_M_storage", "nullptr", "_M_manage")
    return None


def _erased(
    found: Type, noun: str, storage: str, nothing: str, managing: str = "_M_manager"
) -> Erased | None:
    manager, room = found.find(managing), found.find(storage)
    moves = managing != "_M_manager"
    invoker = found.find("_M_invoke" if moves else "_M_invoker")
    if manager is None or room is None or manager.type.kind is not Kind.POINTER:
        return None
    calls = -1 if invoker is None else invoker.offset
    return Erased(noun, found.size, manager.offset, room, nothing, _value_of, calls, moves)


def _value_of(target: Target, kind: Erased, manager: int, invoker: int) -> Managed | None:
    """What a function manages; None where that is not known."""
    if kind.invoker < 0:
        owner = target.class_of_function(manager)
        if owner is None or _INTERNAL not in owner.name and _EXTERNAL not in owner.name:
            return None
        # By the function's own variable: there may be several classes of one name.
        found: object = target.pointee_in_function(manager, ("__ptr",)) or owner.argument(0)
        if not isinstance(found, Type):
            return None
        is_inside = _INTERNAL in owner.name and found.size <= kind.storage.type.size
        return Managed(found, _without_const(short_name(found.name)), is_inside)
    if kind.moves:
        return _moved_value(target, kind, manager, invoker)
    name = target.symbol_at(invoker)
    arguments = template_arguments(class_of_member(name)) if _HANDLER in name else []
    if len(arguments) < 2:
        return None
    if is_closure(arguments[1]):
        found = _closure(target, invoker, *arguments[:2])
        shown = arguments[1]
    else:
        owner = target.class_of_function(manager)
        found = None if owner is None else owner.argument(1)
        shown = short_name(found.name) if isinstance(found, Type) else ""
    if not isinstance(found, Type):
        return None
    return Managed(found, shown, _is_copied(found, kind.storage.type.size, 0))


def _moved_value(target: Target, kind: Erased, manager: int, invoker: int) -> Managed | None:
    """What a std::move_only_function manages: by the names of its functions, as debug info has no
    class of the value's. A small one is in itself, unless moving it may throw."""
    managing, calling = _MANAGE.search(target.symbol_at(manager)), target.symbol_at(invoker)
    calls = _CALLS.search(calling)
    if calls is not None:
        return _called_value(target, manager, invoker, calls["value"])
    signature = _CALLED.search(calling)
    if managing is None or signature is None:
        return None
    name = managing["value"].strip()
    found: Type | None = None
    if is_closure(name):
        found = _closure(target, invoker, signature["signature"], name)
    found = found or target.pointee_in_function(manager, ("__rval",))
    return None if found is None else Managed(found, name, found.size <= kind.storage.type.size)


def _called_value(target: Target, manager: int, invoker: int, name: str) -> Managed | None:
    """The same from gcc 16 on. Optimised debug info may lack the arguments of the invoker, and has
    then inlined the function that it calls."""
    found = target.argument_of_function(invoker, "_Tp")
    found = found or target.pointee_in_function(invoker, ("__p",), "::_S_call_ptrs<")
    if found is None:
        return None
    name = name.rstrip("&").removesuffix(" const")
    return Managed(found, name, "_Manager::_S_ptr<" not in target.symbol_at(manager))


def is_closure(name: str) -> bool:
    """Whether a type is that of a lambda, as gcc or clang names it."""
    return _CLOSURE.search(name) is not None


def _closure(target: Target, invoker: int, signature: str, name: str) -> Type | None:
    """The type of a lambda, which its own function has: many lambdas of a function have one name in
    debug info, so the function is found by that of its symbol, or is inlined."""
    inlined = target.pointee_in_function(invoker, ("__closure",))
    if inlined is not None:
        return inlined
    parameters = _LAMBDA.search(name)
    given = signature[signature.find("(") :] if parameters is None else parameters["parameters"]
    for end in (" const", ""):
        addr = target.address_of_function(f"{name}::operator(){given}{end}")
        if addr is not None:
            return target.pointee_in_function(addr, ("__closure", "this"))
    return None


def _without_const(name: str) -> str:
    return name[len("const ") :] if name.startswith("const ") else name


def _is_copied(found: Type, room: int, depth: int) -> bool:
    """Whether std::function has an object of the type in itself: a small one that is copied byte
    by byte. Debug info does not say so, but what has owners is not."""
    if found.size > room or depth > 8:
        return False
    if found.kind not in (Kind.STRUCT, Kind.UNION):
        return True
    if smart.recognise(found) is not None or recognise(found) is not None:
        return False
    own = [one.name for one in found.fields if not one.base]
    if own == ["_M_dataplus"]:  # a std::string of the old ABI shares its text
        return False
    return all(_is_copied(one.type, room, depth + 1) for one in found.fields)
