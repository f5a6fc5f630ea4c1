"""Which version of Fluxstem this is; written down once, in the packaging data."""

from __future__ import annotations

from pathlib import Path


def engine_version() -> str:
    """Version of the installed package, or of the checkout the code runs from; ``unknown`` when neither tells."""
    import tomllib  # asked for rarely, and slow to load beside the rest of the front door
    from importlib import metadata

    checkout = Path(__file__).resolve().parent.parent / "pyproject.toml"
    try:
        if checkout.is_file():
            return str(tomllib.loads(checkout.read_text("utf-8"))["project"]["version"])
        return metadata.version("fluxstem")
    except (metadata.PackageNotFoundError, KeyError, ValueError):
        return "unknown"
