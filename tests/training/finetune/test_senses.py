"""Further training of a bundle that sees and hears goes on showing and playing to it, or keeps its eyes as they are."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from engine.bundle.bundle import load_bundle
from training.data.mixer import StemMixer
from training.data.stem_cache import StemCache
from training.finetune.bundle import read_codec
from training.finetune.senses import freeze_visual_layers, open_all, similar_sound
from training.finetune.stems import BlendedMixer, questions, read_own
from training.flow.encode import encode_latents
from training.flow.networks import build_network

RATE_HZ = 8000


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Two instruments of a producer's own."""
    root = tmp_path_factory.mktemp("own")
    (root / "mine" / "song").mkdir(parents=True)
    time_s = np.arange(21 * RATE_HZ) / RATE_HZ
    for name, hertz in (("bass", 55.0), ("flute", 880.0)):
        wave = (0.2 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)
        sf.write(root / "mine" / "song" / f"{name}.wav", wave, RATE_HZ)
    return read_own(root / "mine", root / "stems", RATE_HZ, 4.0)


@pytest.fixture(scope="module")
def blend(own, tiny_run):
    return BlendedMixer(StemMixer(own.train), StemMixer(tiny_run.cache), 0.5)


def test_pictures_and_sounds_are_made_by_the_bundles_own_encoders(tiny_run, blend, tmp_path):
    bundle = load_bundle(tiny_run.bundle)
    opened = open_all(bundle, tiny_run.preset, blend.cache, tmp_path)
    assert opened.missing == ()
    assert opened.reader is not None
    flow = build_network(tiny_run.preset)
    assert freeze_visual_layers(flow, opened) == []
    assert all(weights.requires_grad for weights in flow.parameters())
    masking = replace(tiny_run.preset.masking, clip_share=1.0)
    preset = replace(tiny_run.preset, masking=masking, flow=replace(tiny_run.preset.flow, pool=24))
    latents = encode_latents(tmp_path / "pool", preset, blend, read_codec(bundle, preset), opened.senses)
    _, wanted = latents.draw(list(range(24)), np.random.default_rng(0))
    assert any(one.picture is not None for one in wanted)
    assert any(one.sound is not None for one in wanted)


def test_eyes_stay_as_they_are_where_nothing_can_be_shown(tiny_run, own, tmp_path):
    opened = open_all(load_bundle(tiny_run.bundle), tiny_run.preset, own.train, tmp_path)
    assert opened.senses.scene is None
    assert opened.senses.audio_encoder is not None
    flow = build_network(tiny_run.preset)
    said = freeze_visual_layers(flow, opened)
    assert any("no picture is shown, so what the bundle sees with stays as it is" in line for line in said)
    for name, weights in flow.named_parameters():
        assert weights.requires_grad is not name.startswith("scene.")


def test_a_sound_that_asks_is_of_the_same_player_and_was_not_held_back(own):
    held = list(questions(own.held, 4, 8000, RATE_HZ))
    assert held
    for example in held:
        sound = similar_sound(example, own.train)
        mine = [k for k in range(own.train.count) if own.train.label(k)["family"] == example.family]
        assert any(np.array_equal(sound, own.train.audio(k)) for k in mine)
    assert similar_sound(held[0], StemCache(own.train.folder.parent / "none")) is None
