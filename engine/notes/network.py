"""The network that hears notes: its folder, its check, and its answer over a sound of any length.

Source: Bittner et al. 2022 (arXiv 2203.09893); the graph is that of the package basic-pitch, which
``python -m export notes`` takes out of its wheel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.bundle.graph_check import Axes, check_graph
from engine.bundle.hashed_folder import read_hashed, read_object
from engine.bundle.library import find_folder
from engine.errors import BundleDamaged, BundleError
from engine.runtime.backend import GraphSession
from engine.runtime.select import open_backend

FOLDER, GRAPH, DESCRIPTION = (
    "notes",
    "notes.onnx",
    "notes.json",
)  # the last not a manifest: it is no bundle that a task can name
RATE_HZ, HOP_SAMPLES = 22_050, 256
WINDOW_SAMPLES, WINDOW_FRAMES = 43_844, 172
EDGE_FRAMES = 15  # of a window that are left to its neighbour, as they see too little
KEPT_FRAMES = WINDOW_FRAMES - 2 * EDGE_FRAMES
LOWEST_KEY, KEYS = 21, 88  # a piano's
BINS_PER_KEY = 3  # of the contours
BATCH_WINDOWS = 8
OUTPUTS = ("frames", "onsets", "contours")
DESCRIPTION_LIMIT_BYTES = 1 << 20
FILE_LIMIT_BYTES = 64 << 20

_HEARS = ("B", WINDOW_SAMPLES, 1)  # axes of its input, and of its outputs
_AXES = {
    "frames": ("B", WINDOW_FRAMES, KEYS), "onsets": ("B", WINDOW_FRAMES, KEYS),
    "contours": ("B", WINDOW_FRAMES, KEYS * BINS_PER_KEY),
}  # fmt: skip

FloatArray = npt.NDArray[np.float32]
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class NoteActivations:
    """What the network says of a sound, every ``HOP_SAMPLES`` samples at ``RATE_HZ``.

    Attributes:
        frames_LK: float32 (frames, keys), that a key sounds, 0 to 1.
        onsets_LK: float32 (frames, keys), that it begins there.
        contours_LB: float32 (frames, bins), pitch in thirds of semitones from A0 up.
    """

    frames_LK: FloatArray
    onsets_LK: FloatArray
    contours_LB: FloatArray


class NoteNetwork:
    """The network, opened.

    Args:
        folder: where it is; None looks where bundles are.

    Raises:
        BundleError: it is not there, not what its description says, or a graph that must not be run.
        DeviceError: there is no ONNX Runtime.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or find_notes_folder()
        described = read_description(folder)
        self._input, self._names = described["input"], described["outputs"]
        answers = {self._names[name]: _AXES[name] for name in OUTPUTS}
        path = checked_graph(folder, GRAPH, {self._input: _HEARS}, answers)
        self._session: GraphSession = open_backend("cpu").open(path)

    def hear(self, mono_N: FloatArray, check: Check = lambda: None) -> NoteActivations:
        """The network's answer over a whole sound.

        Args:
            mono_N: float32 (samples) at ``RATE_HZ``.
            check: called between runs; raises to stop.
        """
        length = 1 + len(mono_N) // HOP_SAMPLES
        windows = -(-length // KEPT_FRAMES)
        # The first frame that is kept of the first window is at sample 0.
        padded_N = np.zeros((windows - 1) * KEPT_FRAMES * HOP_SAMPLES + WINDOW_SAMPLES, np.float32)
        before = EDGE_FRAMES * HOP_SAMPLES
        given_N = mono_N[: len(padded_N) - before]
        padded_N[before : before + len(given_N)] = given_N
        view_WN = np.lib.stride_tricks.sliding_window_view(padded_N, WINDOW_SAMPLES)[:: KEPT_FRAMES * HOP_SAMPLES]
        heard: dict[str, list[FloatArray]] = {name: [] for name in OUTPUTS}
        for first in range(0, windows, BATCH_WINDOWS):
            check()
            batch_WN1 = np.ascontiguousarray(view_WN[first : first + BATCH_WINDOWS, :, None])
            said = self._session.run({self._input: batch_WN1})
            for name in OUTPUTS:
                kept_WLX = said[self._names[name]][:, EDGE_FRAMES : EDGE_FRAMES + KEPT_FRAMES]
                heard[name].append(kept_WLX.reshape(-1, kept_WLX.shape[2]))
        return NoteActivations(*(np.concatenate(heard[name])[:length] for name in OUTPUTS))


def find_notes_folder() -> Path:
    """The folder of the network.

    Raises:
        BundleError: there is none.
    """
    folder = find_folder(FOLDER, DESCRIPTION)
    if folder is None:
        raise BundleError(
            "the network that hears notes is not installed; make it with: python -m export notes WHEEL {folder}",
            folder=f"resources/bundles/{FOLDER}",
        )
    return folder


def checked_graph(folder: Path, name: str, inputs: Mapping[str, Axes], outputs: Mapping[str, Axes]) -> Path:
    """A graph of the folder that has the right hash and may be run.

    Args:
        inputs, outputs: axes of each, as ``engine.bundle.graph_check`` takes them.

    Raises:
        BundleError: it is not there, another one, or must not be run.
    """
    path = folder / name
    try:
        check_graph(checked_bytes(folder, name), inputs, outputs)
    except ValueError as error:
        raise BundleError("{path} is not used, because {reason}; install it again", path=path, reason=error) from error
    return path


def checked_bytes(folder: Path, name: str) -> bytes:
    """The bytes of a file of the folder, whose hash is the one that the description gives.

    Raises:
        BundleDamaged: it is not there, too large, or another one.
    """
    path = folder / name
    wanted = read_description(folder)["files"].get(name, "")
    try:
        return read_hashed(path, wanted, FILE_LIMIT_BYTES)
    except OSError as error:
        raise BundleDamaged("{path} cannot be read ({reason}); install it again", path=path, reason=error) from error
    except ValueError as error:
        raise BundleDamaged(
            "{path} is not the file that {name} describes ({reason}); install it again", path=path, name=DESCRIPTION,
            reason=error,
        ) from error  # fmt: skip


def read_description(folder: Path) -> dict[str, Any]:
    """What the folder says of its files: hashes, and the names of the graph's input and outputs.

    Raises:
        BundleDamaged: it cannot be read, or lacks something.
    """
    path = folder / DESCRIPTION
    try:
        said, _ = read_object(path, DESCRIPTION_LIMIT_BYTES)
        if set(said["outputs"]) != set(OUTPUTS):
            raise ValueError("it has other fields")
        files = {Path(str(name)).name: str(sha256) for name, sha256 in said["files"].items()}
        outputs = {name: str(said["outputs"][name]) for name in OUTPUTS}
        return {"files": files, "input": str(said["input"]), "outputs": outputs}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleDamaged("{path} cannot be read ({reason}); install it again", path=path, reason=error) from error
