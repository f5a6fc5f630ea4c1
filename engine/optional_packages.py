"""Packages that only some requests need: asked for before any work is done, so that none is done in vain."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from engine.errors import RequestError
from engine.request import Request

NO_PEDALBOARD = (
    "chains need pedalboard, which is not installed; install the extra plugins: pip install 'fluxstem[plugins]'"
)


def is_installed(package: str) -> bool:
    """True where a package could be imported."""
    return importlib.util.find_spec(package) is not None


def require_mido() -> None:
    """Refuse where no MIDI file can be read or written.

    Raises:
        RequestError: mido is not installed.
    """
    if not is_installed("mido"):
        raise RequestError("MIDI files need mido; install it with: pip install 'fluxstem[notes]'")


def require_librosa() -> None:
    """Refuse where no tempo and key can be heard.

    Raises:
        RequestError: librosa is not installed.
    """
    if not is_installed("librosa"):
        raise RequestError("hearing tempo and key needs librosa; install it with: pip install 'fluxstem[tempo]'")


def require_pedalboard() -> None:
    """Refuse where no chain of effects can run.

    Raises:
        RequestError: pedalboard is not installed.
    """
    if not is_installed("pedalboard"):
        raise RequestError(NO_PEDALBOARD)


def require_pyav() -> None:
    """Refuse where no M4A file can be written.

    Raises:
        RequestError: PyAV is not installed.
    """
    if not is_installed("av"):
        raise RequestError(
            "M4A needs PyAV, which is not installed; choose mp3 or flac, or install it with pip install av"
        )


_NEEDS: tuple[tuple[Callable[[Request], bool], Callable[[], None]], ...] = (
    (lambda request: bool(request.notes_file), require_mido),
    (lambda request: bool(request.chain or request.chain_before), require_pedalboard),
    (lambda request: request.format == "m4a", require_pyav),
)


def check_packages(request: Request) -> None:
    """Check that the packages are installed which a request needs.

    Raises:
        RequestError: one is not.
    """
    for needs_it, require in _NEEDS:
        if needs_it(request):
            require()
