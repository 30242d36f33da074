"""Modules that Python may lack, and the packages that bring them."""

from __future__ import annotations

PACKAGES = {  # Debian's
    "numpy": "python3-numpy",
    "matplotlib": "python3-matplotlib",
    "jinja2": "python3-jinja2",
}


def package_of(error: ModuleNotFoundError) -> str | None:
    """The package with the module that is missing; None where that is none of those above, and the
    error a mistake of ours."""
    return PACKAGES.get((error.name or "").split(".")[0])
