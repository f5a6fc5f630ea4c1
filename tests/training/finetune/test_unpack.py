"""A bundle back into run folders: whole, exact to the bundle's own precision, and of use to the stages of training."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from engine.bundle.bundle import load_bundle
from engine.latents import SLOTS
from export.cpu_session import session
from export.mask import ENCODING, OUTPUTS, real_mixes
from training.__main__ import main
from training.codec.train import load_codec
from training.finetune.bundle import preset_of
from training.finetune.unpack import PARTS, unpack
from training.flow.networks import build_network
from training.flow.warm_start import load_start_weights
from training.mask.calibration import load as load_calibration
from training.mask.judge import load_average
from training.mask.network import PromptedUNet
from training.mask.queries import load as load_queries
from training.mask.train import MaskConfig, Training
from training.prompt.adapters import load_adapters
from training.prompt.tower import load_text_tower
from training.scene.model import load_scene

AGREE = 2e-3


@pytest.fixture(scope="module")
def unpacked(small_bundle, tmp_path_factory):
    """The shipped bundle's runs: every graph there is."""
    bundle = load_bundle(small_bundle)
    preset = preset_of(bundle, None)
    return bundle, preset, unpack(bundle, preset, tmp_path_factory.mktemp("runs") / "new")


def answer(bundle, graph, **inputs):
    session = onnxruntime.InferenceSession(str(bundle.path(bundle.manifest.graphs[graph].file)))
    return session.run(None, {name: value.numpy() for name, value in inputs.items()})[0]


def assert_alike(ours, theirs, agree=AGREE):
    error = np.sqrt(np.square(ours.detach().numpy() - theirs).mean())
    assert error < agree * np.sqrt(np.square(theirs).mean())


def test_every_part_that_the_bundle_has_comes_out(unpacked):
    bundle, preset, runs = unpacked
    assert set(runs) == {stage for stage, (graph, _) in PARTS.items() if graph in bundle.manifest.graphs}
    assert {run.name for run in runs.values()} == {f"{stage}-{preset.name}" for stage in runs}
    assert sorted(run.parent for run in runs.values())[0].name == "new"
    assert not [path for path in runs["codec"].parent.iterdir() if path.name.startswith(".")]


def test_codec_and_towers_answer_as_the_graphs(unpacked):
    bundle, preset, runs = unpacked
    generator = torch.Generator().manual_seed(5)
    audio = 0.1 * torch.randn(1, 1, bundle.manifest.grid.window_samples, generator=generator)
    assert_alike(load_codec(preset, runs["codec"]).encode(audio), answer(bundle, "encode", audio=audio))
    tower, _ = load_text_tower(runs["prompt"])
    tokens = torch.arange(4, 4 + tower.max_tokens)[None]
    mask = torch.arange(tower.max_tokens)[None] < 3
    assert_alike(tower(tokens, mask), answer(bundle, "text", tokens=tokens, token_mask=mask))
    audio_encoder, reader = load_adapters(runs["adapters"], runs["prompt"])
    heard = 0.1 * torch.randn(1, 1, bundle.manifest.encoders["audio"].samples, generator=generator)
    assert_alike(audio_encoder(heard[:, 0]), answer(bundle, "audio", audio=heard))
    pieces = torch.randn(1, bundle.manifest.encoders["story"].pieces, bundle.manifest.embedding, generator=generator)
    there = torch.arange(pieces.shape[1])[None] < 7
    assert_alike(reader(pieces, there), answer(bundle, "story", pieces=pieces, piece_mask=there))


def test_the_scene_encoder_sees_as_the_graph(unpacked):
    bundle, _, runs = unpacked
    encoder = load_scene(runs["scene"])
    size = encoder.config.size_px
    frames = torch.rand(1, bundle.manifest.encoders["scene"].frames, size, size, 3)
    assert_alike(encoder(frames)[0], answer(bundle, "scene", frames=frames))


def test_a_flow_run_can_start_from_it(unpacked):
    bundle, preset, runs = unpacked
    flow = build_network(preset).eval()
    assert load_start_weights(flow, runs["flow"]) == []
    grid = bundle.manifest.grid
    known = torch.zeros(1, SLOTS, grid.window_frames, dtype=torch.bool)
    known[:, 0] = True
    given = {
        "x": torch.randn(1, SLOTS, grid.latent_channels, grid.window_frames),
        "t": known.float(),
        "known": known,
        "prompt": torch.randn(1, SLOTS, bundle.manifest.embedding),
    }
    picture = torch.randn(1, bundle.manifest.encoders["scene"].frames, preset.flow.picture_dim)
    whole = torch.where(known[:, :, None], given["x"], flow(*given.values(), picture))
    assert_alike(whole, answer(bundle, "step", **given, dt=torch.ones(1), picture=picture))


def test_nothing_is_written_over(small_bundle, tmp_path, capsys):
    (tmp_path / "codec-small").mkdir()
    assert main(["unpack", "--bundle", str(small_bundle), "--out", str(tmp_path)]) == 2
    assert "is there already; give another folder with --out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["codec-small"]


def test_a_bundle_trained_here_gives_every_run_it_came_from(tiny_run, tmp_path):
    bundle = load_bundle(tiny_run.bundle)
    given = set(unpack(bundle, tiny_run.preset, tmp_path))
    assert (
        set(given) == {"codec", "prompt", "adapters", "scene", "flow"} == set(PARTS) - {"mask"}
    )  # it has no such graph
    assert "mask" not in bundle.manifest.graphs


@pytest.mark.slow
def test_the_mask_decoder_answers_as_its_graph_and_can_be_trained_on(unpacked, tmp_path):
    bundle, _, runs = unpacked
    network = load_average(runs["mask"] / "mask.pt")
    prompts = prompts_of(bundle)
    adapter, presence = load_queries(runs["mask"], network.queries.weight), load_calibration(runs["mask"])
    path = bundle.path(bundle.manifest.graphs["mask"].file)
    mix = real_mixes(1)
    got = dict(
        zip(OUTPUTS + ENCODING, session(path).run(OUTPUTS + ENCODING, {"mix": mix, "prompt": prompts}), strict=True)
    )
    described, plane = (torch.from_numpy(got[name]) for name in ENCODING)
    with torch.no_grad():
        for ours, name in zip(network.encode(torch.from_numpy(mix)), ENCODING, strict=True):
            assert_alike(ours, got[name])
        # From the graph's own encoding, so that its rounding to float16 does not hide how near the answers are.
        logits, there = network.answer(
            torch.from_numpy(mix), described, plane, adapter(torch.from_numpy(prompts))[None]
        )
    for term, row in enumerate(logits[0].sigmoid()):  # each by itself, the nearly silent ones too
        assert_alike(row, got["stem"][term, 0], 1e-4)
    assert_alike(there[0] + presence.bias, got["presence"][:, 0], 1e-4)
    decoder = bundle.manifest.decoder
    assert (presence.gate_low, presence.gate_high) == (decoder.gate_low, decoder.gate_high)
    training = Training(PromptedUNet(network.config), MaskConfig(), tmp_path)
    training.start_from(runs["mask"] / "mask.pt", optimizer=True)
    assert torch.equal(training.average.choose.weight, network.choose.weight)
    credits = json.loads((runs["mask"] / "credits.json").read_text("utf-8"))
    assert {line.split(":", 1)[0] for line in credits} == set(
        bundle.manifest.trained_on
    )  # an expert's are not among them
    assert len(credits) < len(bundle.manifest.attribution)


def prompts_of(bundle):
    terms = json.loads(bundle.path(bundle.manifest.terms.file).read_text("utf-8"))
    return np.array(list(terms.values()), np.float32)
