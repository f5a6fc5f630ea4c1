"""Optional packages: a request that needs a missing one is refused before any work begins."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from engine.errors import RequestError
from engine.request import Request

NO_PEDALBOARD = (
    "chains need pedalboard, which is not installed; install the extra plugins: pip install 'fluxstem[plugins]'"
)


def is_installed(package: str) -> bool:
    """True where a package can be found, without importing it."""
    return importlib.util.find_spec(package) is not None


def require_mido() -> None:
    """Check that MIDI files can be read and written.

    Raises:
        RequestError: mido is not installed.
    """
    if not is_installed("mido"):
        raise RequestError("MIDI files need mido; install it with: pip install 'fluxstem[notes]'")


def require_librosa() -> None:
    """Check that tempo and key can be estimated.

    Raises:
        RequestError: librosa is not installed.
    """
    if not is_installed("librosa"):
        raise RequestError("hearing tempo and key needs librosa; install it with: pip install 'fluxstem[tempo]'")


def require_pedalboard() -> None:
    """Check that chains of effects can run.

    Raises:
        RequestError: pedalboard is not installed.
    """
    if not is_installed("pedalboard"):
        raise RequestError(NO_PEDALBOARD)


def require_pyav() -> None:
    """Check that M4A files can be written.

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
    """Check that every package that a request needs is installed.

    Raises:
        RequestError: one is missing; the message says how to install it.
    """
    for needs_it, require in _NEEDS:
        if needs_it(request):
            require()
