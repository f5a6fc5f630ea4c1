"""Where bundles are kept, and how one is found by name.

Searches the folders of ``$FLUXSTEM_BUNDLES``, then what ships with the program, then the user's data folder; the first
folder with the name wins.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.bundle.bundle import MANIFEST
from engine.errors import BundleError

VARIABLE = "FLUXSTEM_BUNDLES"


def list_bundles() -> dict[str, Path]:
    """Every installed bundle: name of its folder -> the folder."""
    found: dict[str, Path] = {}
    for place in search_folders():
        for folder in _bundles_in(place):
            found.setdefault(folder.name, folder)
    return dict(sorted(found.items()))


def find_bundle(name: str) -> Path:
    """The folder of a bundle.

    Args:
        name: name of an installed bundle, or path of a bundle folder.

    Raises:
        BundleError: there is none; the message lists what there is.
    """
    installed = list_bundles()
    if name in installed:
        return installed[name]
    if name and os.path.isfile(os.path.join(name, MANIFEST)):
        return Path(name).resolve()
    if not installed:
        raise BundleError(
            "no bundle {name!r}, and none is installed; give the path of a bundle folder, or set {variable}",
            name=_shortened(name), variable=VARIABLE,
        )  # fmt: skip
    raise BundleError(
        "no bundle {name!r}; installed are {installed}; name an installed one, give the path of a bundle folder, "
        "or set {variable}", name=_shortened(name), installed=", ".join(installed), variable=VARIABLE,
    )  # fmt: skip


def find_folder(name: str, description: str) -> Path | None:
    """The first folder of a name that holds its description; None where there is none.

    Args:
        description: a file in it; that of a bundle which no task can name is no manifest.
    """
    folders = (place / name for place in search_folders())
    return next((folder for folder in folders if os.path.isfile(folder / description)), None)


def search_folders() -> list[Path]:
    """Folders searched for bundles, in order; not all of them need exist."""
    asked = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    beside_the_code = Path(__file__).resolve().parents[2] / "resources" / "bundles"
    installed = Path(sys.prefix) / "share" / "fluxstem" / "bundles"
    return [*asked, beside_the_code, installed, user_data_folder() / "bundles"]


# Not platformdirs: it reads XDG variables on macOS too, and asks Windows rather than %LOCALAPPDATA%, so that folders of
# existing users would move; and it has no folder for a user without a home.
def user_data_folder() -> Path:
    """Data folder of this user; it may not exist yet."""
    if sys.platform == "win32":
        return _from("LOCALAPPDATA", "AppData/Local")
    if sys.platform == "darwin":
        return _home() / "Library" / "Application Support" / "fluxstem"
    return _from("XDG_DATA_HOME", ".local/share")


def user_cache_folder() -> Path:
    """Cache folder of this user, for example for TensorRT engines; it may not exist yet."""
    if sys.platform == "win32":
        return _from("LOCALAPPDATA", "AppData/Local") / "cache"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "fluxstem"
    return _from("XDG_CACHE_HOME", ".cache")


def _bundles_in(place: Path) -> list[Path]:
    if os.path.isfile(place / MANIFEST):  # the variable may name a bundle itself
        return [place.resolve()]
    try:
        return [folder for folder in sorted(place.iterdir()) if os.path.isfile(folder / MANIFEST)]
    except OSError:  # most folders are optional; a missing one holds no bundles
        return []


def _from(variable: str, below_home: str) -> Path:
    return Path(os.environ.get(variable) or _home() / below_home) / "fluxstem"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home, as in containers
        return Path(sys.prefix)


def _shortened(name: str) -> str:
    return name if len(name) <= 80 else name[:77] + "..."
