"""Record what the program answers today, so that a test can say when it answers otherwise.

    python tests/golden/record.py                       # everything, from this tree
    python tests/golden/record.py help --tree FOLDER    # one part, from another checkout

Recorded are the samples of every task, the JSON beside them and on the screen, refusals, all help texts, OSC.md and
the losses of the first training steps. Samples and losses carry the machine they came from: there they must be equal
bit for bit, elsewhere close. Only the command line, the helpers ``clihelp`` and ``tinyrun`` and two fixed bundles are
used, so that the program of any version can be recorded.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import importlib.metadata
import io
import itertools
import json
import math
import os
import platform
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import soundfile

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "recorded"
BUNDLES = HERE.parent / "data" / "bundles.tar.xz"  # tiny_bundle, mask_bundle
BLOCKS = 64
FLOOR_DB = -120.0
CURVE_STEPS, STAGE_STEPS = 20, 60
RATE_HZ = 16_000

# name: bundle, words; MIX, STEM, REST, SOUND, PICTURE and FILM are files that ``write_inputs`` makes
CASES: dict[str, tuple[str, str]] = {
    "isolate": ("tiny_bundle", "isolate MIX violin drums"),
    "isolate-regions": (
        "tiny_bundle",
        "isolate MIX bass --region 0.5-1.25 --region 1.5-2.5 --steps 2 --start noise --guidance 2 --seed 7",
    ),
    "isolate-decoded": ("tiny_bundle", "isolate MIX cello --render decoded --format wav32f --mix-prompt trio"),
    "isolate-flow": ("tiny_bundle", "isolate MIX drums --render flow --sensitivity 0.9 --format flac"),
    "isolate-excluded": ("tiny_bundle", "isolate MIX everything~except~the~drums"),
    "isolate-picture": ("tiny_bundle", "isolate MIX --prompt-image PICTURE --guide picture --guidance 1.5"),
    "isolate-film": ("tiny_bundle", "isolate MIX violin --prompt-video FILM --render decoded"),
    "isolate-sound": ("tiny_bundle", "isolate MIX bass --prompt-audio SOUND --example-weight 0.7 --render decoded"),
    "remove": ("tiny_bundle", "remove MIX piano --region 0:01-0:02 --format wav16"),
    "regenerate": ("tiny_bundle", "regenerate REST bass --candidates 2 --seed 5 --steps 3 --temperature 0.7"),
    "generate": ("tiny_bundle", "generate cello --seconds 2.5 --steps 3 --seed 11"),
    "generate-mix": ("tiny_bundle", "generate slow~ballad --slot mix --seconds 1.5 --steps 2"),
    "inpaint": ("tiny_bundle", "inpaint STEM piano --region 1.0-1.5 --rest REST --steps 3"),
    "extend": ("tiny_bundle", "extend STEM bass --seconds 1.5 --steps 3 --rest-prompt drums"),
    "restyle": ("tiny_bundle", "restyle STEM trumpet --strength 0.6 --steps 3"),
    "replace": ("tiny_bundle", "replace MIX violin --with trumpet --region 0.75-1.75 --steps 3"),
    "arrange": ("tiny_bundle", "arrange drums bass --seconds 1.5 --steps 2 --rest REST"),
    "mask-isolate": ("mask_bundle", "isolate MIX bass violin --sensitivity 0.8"),
    "mask-remove": ("mask_bundle", "remove MIX drums --sensitivity 0.2"),
    "mask-replace": ("mask_bundle", "replace MIX drums --with bass --region 0.5-1.5 --strength 0.5"),
}
RERUN = ("isolate-regions", "regenerate", "inpaint", "replace", "arrange")  # made again from their first JSON
REFUSALS = (
    "isolate",
    "isolate MIX",
    "isolate GONE bass",
    "isolate MIX bass --region 2-1",
    "isolate MIX bass --steps 0",
    "isolate MIX bass --steps 1001",
    "isolate MIX bass --guidance 21",
    "isolate MIX bass --candidates 33",
    "isolate MIX bass --temperature 3",
    "isolate MIX bass --seed -1",
    "isolate MIX bass --sensitivity 2",
    "isolate MIX bass --prompt-image SOUND",
    "isolate MIX bass --bundle no-such-bundle",
    "generate bass --seconds 0",
    "inpaint STEM bass",
    "replace MIX bass",
    "rerun MIX",
    "bundles remove no-such-bundle",
)
ENGINE_HELP = (
    *("", "isolate", "remove", "regenerate", "generate", "inpaint", "extend", "restyle", "replace", "arrange"),
    *("batch", "rerun", "desktop", "bundles", "bundles list", "bundles add", "bundles remove"),
    *("doctor", "bridge", "send", "export-session", "notes", "mcp"),
)
OSC_PRINTERS = ("engine.osc.protocol.docs", "engine.osc.docs")  # newest first
VOLATILE = {"made_at", "took_s", "engine_version"}


def machine() -> dict[str, Any]:
    """What floating-point results depend on besides the program."""
    flags: list[str] = []
    with contextlib.suppress(OSError):
        found = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.M)
        flags = sorted(set(found[1].split()) & {"avx", "avx2", "fma", "f16c"}) if found else []
        wide = sorted(
            flag for flag in (found[1].split() if found else ()) if flag.startswith(("avx512", "amx", "avx_"))
        )
        flags += wide
    packages = ("numpy", "onnxruntime", "torch", "soxr", "pillow", "av")
    return {
        "processor": platform.machine(),
        "flags": flags,
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }


def write_inputs(folder: Path) -> dict[str, str]:
    """The files the cases work on, made of whole numbers so that they are the same everywhere; name -> path."""
    from PIL import Image

    def saw(seconds: float, *cycles: int) -> np.ndarray:
        time_N = np.arange(round(seconds * RATE_HZ))
        return sum(np.abs((time_N * step) % 4000 - 2000) - 1000 for step in cycles) * 4

    def noise(seconds: float, seed: int) -> np.ndarray:
        value_N = np.random.default_rng(seed).integers(-3000, 3000, round(seconds * RATE_HZ))
        return value_N * (np.arange(len(value_N)) % 4000 < 700)

    bass, lead, hits = saw(3.0, 14, 28), saw(3.0, 110, 221, 330), noise(3.0, 1)
    sounds = {
        "MIX": np.stack([bass + lead + hits, bass + lead // 2 - hits], axis=1),
        "REST": np.stack([bass + hits, bass - hits], axis=1),
        "STEM": lead[:, None],
        "SOUND": saw(1.0, 220, 441)[:, None],
    }
    paths = {name: folder / f"{name.lower()}.wav" for name in sounds}
    for name, value_NC in sounds.items():
        soundfile.write(paths[name], value_NC.astype(np.int16), RATE_HZ, subtype="PCM_16")
    ramp = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3)
    frames = [Image.fromarray(((ramp * (7 + number)) % 256).astype(np.uint8)) for number in range(8)]
    paths |= {"PICTURE": folder / "picture.png", "FILM": folder / "film.gif"}
    frames[0].save(paths["PICTURE"])
    frames[0].save(paths["FILM"], save_all=True, append_images=frames[1:], duration=250)
    return {name: str(path) for name, path in paths.items()} | {"GONE": str(folder / "gone.wav")}


def fingerprint(path: Path) -> dict[str, Any]:
    """Hash, format and coarse course of a file of sound."""
    audio_NC, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    info = soundfile.info(path)
    edges = np.linspace(0, len(audio_NC), BLOCKS + 1).astype(int)
    power = [np.mean(np.square(audio_NC[a:b])) if b > a else 0.0 for a, b in itertools.pairwise(edges)]
    levels = [max(FLOOR_DB, 10 * math.log10(value + 1e-30)) for value in power]
    return {
        "sha256": hashlib.sha256(audio_NC.astype(np.float32).tobytes()).hexdigest(),
        "format": [info.format, info.subtype, rate_hz, *audio_NC.shape],
        "levels_db": [round(level, 1) for level in levels],
    }


def plain(value: Any, names: dict[str, str]) -> Any:
    """JSON without what differs from run to run: times, versions, the folders of this run."""
    if isinstance(value, dict):
        kept = {key: plain(item, names) for key, item in value.items() if key not in VOLATILE}
        return kept | ({"timings": sorted(value["timings"])} if isinstance(value.get("timings"), dict) else {})
    if isinstance(value, list):
        return [plain(item, names) for item in value]
    if isinstance(value, str):
        for folder, name in names.items():
            value = value.replace(folder, name)
    return value


def said_by(main: Callable[..., int], words: list[str], **more: Any) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words, **more)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    return code, out.getvalue(), err.getvalue()


class Answers:
    """Runs cases on one engine and takes down what came of them."""

    def __init__(self, folder: Path, engine: Any) -> None:
        from clihelp import main

        self._main, self._engine, self._folder = main, engine, folder
        self._inputs, self._bundles = write_inputs(folder), unpack_bundles(folder / "bundles")
        self._names = {str(self._bundles): "BUNDLES", str(folder.resolve()): "FOLDER", str(folder): "FOLDER"}
        self._names |= {os.getcwd(): "TREE", str(Path.home()): "HOME"}

    def words(self, line: str) -> list[str]:
        """A line of the table as words of the command line."""
        return [self._inputs.get(word, word.replace("~", " ")) for word in line.split(" ")]

    def run(self, name: str) -> dict[str, Any]:
        """A row of ``CASES``, and again from its JSON where ``RERUN`` says so."""
        bundle, line = CASES[name]
        asked = ["--bundle", str(self._bundles / bundle), "--device", "cpu"]
        found = self._one(name, [*self.words(line), *asked])
        if name in RERUN:
            [first, *_] = sorted((self._folder / name).glob("*.json"))
            found["again"] = self.rerun(f"{name}-again", first)
        return found

    def rerun(self, name: str, sidecar: Path) -> dict[str, Any]:
        """Files of sound that a JSON beside a result makes."""
        return self._one(name, ["rerun", str(sidecar), "--device", "cpu"])["files"]

    def rerun_recorded(self, name: str, beside: dict[str, Any]) -> dict[str, Any]:
        """The same for the first JSON of a recording, as the program of its time wrote it."""
        first = min(beside)
        folder = self._folder / f"{name}-recorded"
        folder.mkdir()
        text = json.dumps(beside[first])
        for path, called in self._names.items():
            text = text.replace(f'"{called}/', f'"{path}/')
        (folder / first).write_text(text, "utf-8")
        return self.rerun(f"{name}-recorded-again", folder / first)

    def _one(self, name: str, words: list[str]) -> dict[str, Any]:
        out = self._folder / name
        code, said, complaint = said_by(self._main, [*words, "--out", str(out), "--json"], engine=self._engine)
        if code:
            raise SystemExit(f"{name}: {complaint}")
        files = {path.name: path for path in sorted(out.iterdir())}
        return {
            "said": plain(json.loads(said.splitlines()[-1]) | {"seconds": "how long it took"}, self._names),
            "files": {key: fingerprint(path) for key, path in files.items() if path.suffix != ".json"},
            "beside": {
                key: plain(json.loads(path.read_text("utf-8")), self._names)
                for key, path in files.items()
                if path.suffix == ".json"
            },
        }

    def refusal(self, line: str) -> dict[str, Any]:
        """Exit code and words of a request that cannot work."""
        code, said, complaint = said_by(self._main, [*self.words(line)], engine=self._engine)
        return plain({"code": code, "out": said, "err": complaint}, self._names)


@contextlib.contextmanager
def answering(folder: Path) -> Iterator[Answers]:
    """An engine that runs cases into ``folder``."""
    from clihelp import Engine

    surroundings = {"OMP_NUM_THREADS": "1", "COLUMNS": "80", "XDG_DATA_HOME": str(folder / "data")}
    with patch.dict(os.environ, surroundings), Engine() as engine:
        yield Answers(folder, engine)


def help_text() -> str:
    """``COMMAND --help`` of every command, as an 80-column terminal shows it."""
    from clihelp import main

    programs = {"engine": (main, ENGINE_HELP)}
    for name, table in (("training", "STAGES"), ("export", "COMMANDS")):
        module = importlib.import_module(f"{name}.__main__")
        programs[name] = (module.main, ("", *getattr(module, table)))
    texts = []
    with patch.dict(os.environ, {"COLUMNS": "80"}), patch.object(sys, "argv", ["COMMAND"]):
        for name, (run, commands) in programs.items():
            for command in commands:
                _, out, err = said_by(run, [*command.split(), "--help"])
                texts.append(f"======== {name} {command}".rstrip() + f"\n{(out + err).strip()}\n")
    return "\n".join(texts).replace(str(Path.home()), "HOME")


def osc_page() -> str:
    """The page of the OSC bridge, as its tables print it."""
    for name in OSC_PRINTERS:
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(name).markdown()
    raise SystemExit("this tree cannot print OSC.md")


@contextlib.contextmanager
def losses() -> Iterator[list[float]]:
    """The loss of every backward pass in the block, in order."""
    import torch

    found: list[float] = []
    backward = torch.Tensor.backward

    def noted(self: torch.Tensor, *args: Any, **more: Any) -> None:
        found.append(self.item())
        backward(self, *args, **more)

    torch.Tensor.backward = noted
    try:
        yield found
    finally:
        torch.Tensor.backward = backward


def curves(found: list[float]) -> dict[str, list[float]]:
    """The first steps of the first and the last stage of the tiny chain, codec and flow."""
    return {"codec": found[:CURVE_STEPS], "flow": found[-STAGE_STEPS:][:CURVE_STEPS]}


def sounds() -> str:
    """Which instruments training audio is rendered from here; with others, losses are others."""
    folder = Path(os.environ.get("FLUXSTEM_SOUNDS") or Path.cwd().parent / "shared" / "sounds")
    return "banks" if (folder / "banks").is_dir() else "font"


def record_losses(folder: Path) -> None:
    """Train the tiny chain and write ``losses.json``."""
    import tinyrun
    import torch

    torch.set_num_threads(1)
    with losses() as found:
        tinyrun.make(folder / "run")
    write("losses.json", {"machine": machine(), "sounds": sounds(), "curves": curves(found)})


def record_bundles(folder: Path) -> None:
    """The two bundles that all cases use, and the losses of the one that was trained for it."""
    from toybundle import write_toy_bundle
    from toymask import SHORT

    record_losses(folder)
    write_toy_bundle(folder / "mask_bundle", decoder=SHORT, soft=20.0)
    with tarfile.open(BUNDLES, "w:xz", preset=9) as archive:
        archive.add(folder / "mask_bundle", "mask_bundle", filter=nameless)
        archive.add(folder / "run" / "tiny", "tiny_bundle", filter=nameless)


def nameless(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without time and owner."""
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    return member


def unpack_bundles(folder: Path) -> Path:
    """Unpack the bundles that the recording was made with; gives the folder back."""
    shutil.unpack_archive(BUNDLES, folder)
    return folder


def record_answers(folder: Path) -> None:
    """Write ``answers.json``, ``samples.json`` and ``refusals.json``."""
    with answering(folder) as answers:
        found = {name: answers.run(name) for name in CASES}
        refused = {line: answers.refusal(line) for line in REFUSALS}
    samples = {name: {key: one[key] for key in ("files", "again") if key in one} for name, one in found.items()}
    write("samples.json", {"machine": machine(), "cases": samples})
    write("answers.json", {name: {key: one[key] for key in ("said", "beside")} for name, one in found.items()})
    write("refusals.json", refused)


def write(name: str, value: Any) -> None:
    """A JSON file of the recording; rows of numbers take one line."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[^\[\]{}\"]*\]", lambda row: re.sub(r"\s+", " ", row[0]), text)
    (RECORDED / name).write_text(text + "\n", "utf-8")


def write_text(name: str, text: str) -> None:
    """A text of the recording."""
    (RECORDED / name).write_text(text, "utf-8")


def read(name: str) -> Any:
    """What ``write`` wrote."""
    return json.loads((RECORDED / name).read_text("utf-8"))


def main(argv: list[str]) -> None:
    """Record the parts that are named, or all of them."""
    parts: dict[str, Callable[[Path], None]] = {
        "answers": record_answers,
        "help": lambda _: write_text("help.txt", help_text()),
        "osc": lambda _: write_text("OSC.md", osc_page()),
        "losses": record_losses,
        "bundles": record_bundles,
    }
    usual = [part for part in parts if part != "bundles"]
    parser = argparse.ArgumentParser(description="record what the program answers")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; all but the last when not given")
    parser.add_argument("--tree", type=Path, default=HERE.parents[1], help="checkout whose program answers")
    arguments = parser.parse_args(argv)
    tree = arguments.tree.resolve()
    os.chdir(tree)
    sys.path[:0] = [str(tree), str(tree / "tests")]
    RECORDED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for part in arguments.parts or usual:
            parts[part](Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
