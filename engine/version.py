"""The version of Fluxstem; it is written down once, in pyproject.toml."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def engine_version() -> str:
    """Version of the installed package, or of the checkout the code runs from; ``unknown`` without either."""
    import tomllib  # rarely needed, and slow to import
    from importlib import metadata

    checkout = Path(__file__).resolve().parent.parent / "pyproject.toml"
    try:
        if checkout.is_file():
            return str(tomllib.loads(checkout.read_text("utf-8"))["project"]["version"])
        return metadata.version("fluxstem")
    except (metadata.PackageNotFoundError, KeyError, ValueError):
        return "unknown"
