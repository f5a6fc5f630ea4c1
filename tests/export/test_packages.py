"""CLAP and CLIP through laion-clap and open-clip: the exported graphs beside the packages' own answers.

Two ways to the packages. ``light`` is their code alone on this environment's torch, put into ``.packages`` by `make
test`; ``whole`` is an environment of their own with all they ask for, made by `make laion-clap` and `make open-clip`,
and skipped where nobody made it. The light way takes one model of each, so that the whole suite stays short.
"""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tinysizes import FFT, HOP, MELS, RATE_HZ, SECONDS

from export.__main__ import main as export
from training.pretrained.frontend import Resample, levelled
from training.pretrained.package.call import LAION_CLAP, OPEN_CLIP, python_of
from training.prompt.model import to_unit_scale

ROOT = Path(__file__).parents[2]
LIGHT = ROOT / ".packages"
BUNDLE_HZ, WINDOW = 8000, 10240  # of the tiny preset
EAR = "HTSAT-few"
ATTENTION = {"embed_dim": 20, "quick_gelu": True,
             "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 64, "patch_size": 8}}  # fmt: skip
CONVOLUTION = {"embed_dim": 20, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8,
                                               "patch_size": None}}  # fmt: skip
TEXT = {"context_length": 8, "vocab_size": 50, "width": 64, "heads": 1, "layers": 1}
MOST = 2e-4  # of answers of unit scale, weights in 32 bits; a fused ear is asked through mels of another make
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def python_with(package, way, place):
    """A Python that has a package, as a program; skips where it is not there."""
    if way == "light" and not (LIGHT / ".ready").is_file():
        pytest.skip("no package code in .packages: `make test` puts it there, where it can be fetched")
    if way == "whole":
        try:
            real = python_of(package, None)
        except ValueError as error:
            pytest.skip(str(error))
    else:
        real = Path(sys.executable)
    program, call = place / "python", ROOT / "tests" / "packagepython.py"
    words = [str(real), str(call), str(LIGHT) if way == "light" else "-"]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    program.chmod(0o755)
    return program


def ask(program, *words):
    """Run it; what it printed."""
    import os
    import subprocess

    done = subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, cwd=ROOT, env=os.environ | {"HF_HUB_OFFLINE": "1"}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(graph, **given):
    return onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"]).run(None, given)


def heard_by_clap(audio):
    """What reaches the tower of bundle audio (B,1,N): (B,M) at CLAP's rate."""
    return Resample(BUNDLE_HZ, RATE_HZ)(levelled(torch.from_numpy(audio[:, 0])))


def htk_mel(sounds):
    """The mel picture that a tower with fusion was trained on, by transformers' filters (B,1,frames,mels)."""
    pytest.importorskip("transformers")
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor(
        feature_size=MELS, sampling_rate=RATE_HZ, hop_length=HOP, fft_window_size=FFT, max_length_s=SECONDS,
        frequency_min=50, frequency_max=5000, truncation="fusion",
    )  # fmt: skip
    found = [extractor(one.numpy(), sampling_rate=RATE_HZ, return_tensors="pt")["input_features"][0] for one in sounds]
    return torch.stack(found)[:, :1].float()


@pytest.mark.parametrize(("way", "fused"), [("light", False), ("whole", False), ("whole", True)])
def test_graphs_of_a_laion_clap_checkpoint_say_what_laion_clap_says(tmp_path, way, fused):
    """Words of three lengths and sounds at the bundle's rate, at a batch that was not traced."""
    program = python_with(LAION_CLAP, way, tmp_path)
    rng = np.random.default_rng(0)
    audio = rng.normal(0, 0.1, (3, 1, WINDOW)).astype(np.float32)
    audio[1] = np.sin(np.arange(WINDOW) * 0.3)
    mask = np.arange(77)[None] < np.array([77, 1, 20])[:, None]
    tokens = np.where(mask, rng.integers(3, 60, mask.shape), 1)
    asked = {"tokens": tokens, "token_mask": mask, "audio": heard_by_clap(audio)}
    asked = {name: torch.as_tensor(value) for name, value in asked.items()}
    if fused:
        asked["mel"] = htk_mel(asked["audio"])
    torch.save(asked, tmp_path / "asked.pt")
    how = ask(program, "make", "laion", tmp_path / "clap.pt", tmp_path / "asked.pt", fused)
    answers = torch.load(tmp_path / "asked.pt", weights_only=True)

    (tmp_path / "tokenizer.json").write_text(a_tokenizer())
    words = [
        "encoders",
        "--clap",
        tmp_path / "clap.pt",
        "--clap-model",
        EAR,
        "--clap-python",
        program,
        "--preset",
        "tiny",
    ]
    words += ["--clap-tokenizer", tmp_path / "tokenizer.json", "--out", tmp_path / "out", "--precision", "fp32"]
    assert export([str(word) for word in words]) == 0

    [text] = run(tmp_path / "out" / "text.onnx", tokens=tokens, token_mask=mask)
    [sound] = run(tmp_path / "out" / "audio.onnx", audio=audio)
    away = compare(text, answers["text"]), compare(sound, answers["audio"])
    print(f"laion-clap {way} {'fused' if fused else 'plain'}, {how.strip()}: text {away[0]:.1e}, audio {away[1]:.1e}")
    assert max(away) < MOST
    assert np.abs(np.diff(text, axis=0)).max() > 0.1  # answers differ, or the comparison would mean nothing
    assert np.abs(np.diff(sound, axis=0)).max() > 0.1


@pytest.mark.parametrize(
    ("way", "config"),
    [("light", ATTENTION), ("whole", ATTENTION), ("whole", CONVOLUTION)],
    ids=["light-transformer", "whole-transformer", "whole-resnet"],
)
def test_the_graph_of_an_open_clip_checkpoint_says_what_open_clip_says(tmp_path, way, config):
    """Frames through the package's own preparation of pictures; a ResNet has no tower in transformers' layout."""
    program = python_with(OPEN_CLIP, way, tmp_path)
    size = config["vision_cfg"]["image_size"]
    (tmp_path / "few.json").write_text(json.dumps(config | {"text_cfg": TEXT}))
    pictures = np.random.default_rng(1).integers(0, 256, (4, size, size, 3), dtype=np.uint8)
    torch.save({"pictures": torch.from_numpy(pictures)}, tmp_path / "asked.pt")
    ask(program, "make", "open", tmp_path / "clip.pt", tmp_path / "asked.pt", tmp_path / "few.json")
    wanted = torch.load(tmp_path / "asked.pt", weights_only=True)["image"]

    words = [
        "encoders",
        "--clip",
        tmp_path / "clip.pt",
        "--clip-model",
        tmp_path / "few.json",
        "--clip-python",
        program,
    ]
    words += ["--preset", "tiny", "--out", tmp_path / "out", "--precision", "fp32"]
    assert export([str(word) for word in words]) == 0

    count = json.loads((tmp_path / "out" / "encoders.json").read_text())["encoders"]["scene"]["frames"]
    frames = np.zeros((1, count, size, size, 3), np.float32)
    frames[0, : len(pictures)] = pictures / np.float32(255)
    picture, _ = run(tmp_path / "out" / "scene.onnx", frames=frames)
    away = compare(picture[0, : len(pictures)], wanted)
    print(f"open-clip {way} {'resnet' if config is CONVOLUTION else 'transformer'}: {away:.1e}")
    assert away < MOST
    assert not picture[0, len(pictures) :].any()  # black frames are no picture
    assert np.abs(np.diff(picture[0, : len(pictures)], axis=0)).max() > 0.1


def compare(got, unit):
    """Largest difference of a graph's answer from the package's, which has length 1."""
    return float(np.abs(got - to_unit_scale(unit).numpy()).max())


def a_tokenizer():
    import tinytowers

    return tinytowers.tokenizer().to_str()


@pytest.fixture
def no_packages(monkeypatch):
    """As if nobody had made the packages' environments."""
    nowhere = replace(LAION_CLAP, extra="never-made"), replace(OPEN_CLIP, extra="never-made")
    for name, package in zip(("LAION_CLAP", "OPEN_CLIP"), nowhere, strict=True):
        monkeypatch.setattr(f"training.pretrained.package.towers.{name}", package)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--clap", "FILE", "--clap-model", "HTSAT-tiny"], "laion-clap needs an environment of its own: make it with"),
        (
            ["--clip", "FILE", "--clip-model", "ViT-B-32"],
            "open-clip-torch needs an environment of its own: make it with",
        ),
        (["--clap", "FOLDER", "--clap-model", "HTSAT-tiny"], "laion-clap is given a checkpoint file"),
        (
            ["--clip", "FILE", "--clip-model", "ViT-B-32", "--clip-python", "GONE"],
            "--clip-python takes the Python that",
        ),
        (
            ["--clip", "FILE", "--clip-model", "ViT-B-32", "--clip-python", "FALSE"],
            "did not take weights.pt: exit code 1",
        ),
        (["--clip", "FILE", "--clap-model", "HTSAT-tiny"], "--clap-model names an architecture; give its weights with"),
        (["--clip", "FILE", "--clip-python", "GONE"], "--clip-python goes with --clip-model"),
    ],
)
def test_a_wrong_request_of_a_package_ends_with_one_sentence(no_packages, tmp_path, capsys, words, said):
    torch.save({"a": torch.ones(1)}, tmp_path / "weights.pt")
    (tmp_path / "no").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "no").chmod(0o755)
    names = {"FILE": tmp_path / "weights.pt", "FOLDER": tmp_path, "GONE": tmp_path / "gone", "FALSE": tmp_path / "no"}
    assert export(["encoders", *(str(names.get(word, word)) for word in words), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("package", "model", "state", "said"),
    [
        (OPEN_CLIP, "ViT-Z-99", {"a": 1}, "open-clip has no model ViT-Z-99"),
        (LAION_CLAP, "HTSAT-few", {"a": print}, "it holds more than weights"),
    ],
)
def test_a_package_says_why_it_takes_no_checkpoint(tmp_path, package, model, state, said):
    from training.pretrained.package.call import towers

    program = python_with(package, "light", tmp_path)
    torch.save({name: torch.ones(1) if value == 1 else value for name, value in state.items()}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=f"did not take weights.pt: {said}"):
        towers(package, str(tmp_path / "weights.pt"), model, program)
