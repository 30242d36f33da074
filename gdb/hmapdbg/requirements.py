"""Modules that may be missing, and the packages that provide them."""

from __future__ import annotations

PACKAGES = {  # Debian's
    "numpy": "python3-numpy",
    "matplotlib": "python3-matplotlib",
    "jinja2": "python3-jinja2",
}


def package_of(error: ModuleNotFoundError) -> str | None:
    """The package of the missing module; None for other modules, where the error is our own
    mistake."""
    return PACKAGES.get((error.name or "").split(".")[0])


def missing_module(error: ModuleNotFoundError) -> str:
    """What is missing, and the package to install, for people. The error itself if it is our own
    mistake."""
    package = package_of(error)
    if package is None:
        raise error
    return f"cannot import '{error.name}': install {package}"
