"""What is said of an error that nobody has foreseen a place for, in one line."""

from __future__ import annotations

from ..requirements import package_of


def explain(error: Exception) -> str:
    """One line for the user."""
    if isinstance(error, ModuleNotFoundError):
        package = package_of(error)
        if package is not None:
            return (
                f"cannot import '{error.name}' in gdb's Python: "
                f"install it, on Debian with 'apt install {package}'"
            )
    if isinstance(error, MemoryError):
        return "out of memory: give fewer cores at a time with -j"
    # Not before: these need numpy, which may be what is missing.
    from ..output.files import FileError
    from ..target import MemoryFault, TargetError
    from ..target.unread_debug_info import explained

    if isinstance(error, (TargetError, MemoryFault, FileError)):
        return str(error)
    first = (str(error).splitlines() or [""])[0]
    return (
        explained(str(error)) or f"failed inside: {type(error).__name__}: {first}: please report it"
    )
