"""The weights of an encoder in a folder of transformers' layout.

Nothing here reaches for the network but ``download``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from training.pretrained.convert import read_state

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
WANTED_FILES = ["*.json", "*.txt", "*.safetensors"]
PICKLED = ["pytorch_model.bin"]  # fetched only where there is nothing else


@dataclass(frozen=True, slots=True)
class WeightSource:
    """Weights, and the settings that lie beside them.

    Attributes:
        state: tensors by the names their makers gave them.
        settings: JSON files of the folder by name, for example ``config.json``.
        folder: where a tokenizer may lie.
        name: for messages and credits.
    """

    state: dict[str, Tensor]
    settings: dict[str, dict[str, Any]]
    folder: Path
    name: str


def stay_offline() -> None:
    """Keep Hugging Face libraries off the network."""
    for variable in OFFLINE:
        os.environ[variable] = "1"


def open_source(place: str | Path, may_download: bool = False) -> WeightSource:
    """Read weights.

    Args:
        place: folder, or, with ``may_download``, a repository such as ``laion/clap-htsat-unfused``.
        may_download: True fetches a repository that is not a folder here.

    Raises:
        ValueError: nothing is there, it holds no weights, or it is a single file.
    """
    path = Path(place)
    if not path.exists():
        if not may_download:
            raise ValueError(f"nothing at {place}; give a folder, or let it be fetched with --download")
        path = download(str(place))
    if not may_download:
        stay_offline()
    if path.is_file():
        raise ValueError(
            f"{path} is a single checkpoint; name its architecture with --clap-model or --clip-model, "
            "or give a folder in transformers' layout"
        )
    found = weights_in(path)
    if found is None:
        raise ValueError(f"no weights in {path}; expected one of {', '.join(WEIGHTS)}")
    settings = {file.name: _json(file) for file in sorted(path.glob("*.json")) if file.stat().st_size < 1 << 20}
    return WeightSource(read_state(found), settings, path, path.name)


def weights_in(folder: Path) -> Path | None:
    """The first weights file in a folder, or None."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def download(repository: str) -> Path:
    """Fetch a repository from the Hugging Face hub into its cache; the folder.

    Raises:
        ValueError: it cannot be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, allow_patterns=WANTED_FILES))
        return folder if weights_in(folder) else Path(snapshot_download(repository, allow_patterns=PICKLED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ValueError(f"{repository} could not be fetched: {str(error).splitlines()[0]}") from error


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON ({error})") from error
    return value if isinstance(value, dict) else {}
