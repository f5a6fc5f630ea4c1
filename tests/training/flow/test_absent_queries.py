"""Questions in vain belong to what is taken out of a mix; what is made is never taught to be silent."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.latents import Slot
from training.codec.train import load_codec
from training.flow.encode import encode_latents, preset_mixer
from training.flow.train import FlowStage


@pytest.fixture(scope="module")
def stage(tiny_run, tmp_path_factory):
    """Every question that may be in vain is."""
    flow = replace(tiny_run.preset.flow, absent_share=1.0, pool=16, batch=16, picture_dim=0)
    preset = replace(tiny_run.preset, flow=flow)
    codec = load_codec(preset, tiny_run.codec)
    mixer = preset_mixer(preset, tiny_run.cache)
    return FlowStage(
        preset, encode_latents(tmp_path_factory.mktemp("pool"), preset, mixer, codec), codec, tiny_run.prompt
    )


def test_only_what_is_taken_out_of_a_mix_is_asked_for_in_vain(stage, monkeypatch):
    draw, vain = stage.latents.draw, []

    def spied(numbers, rng, absent):
        latents, wanted = draw(numbers, rng, absent)
        vain.append(torch.tensor([one.absent for one in wanted]))
        assert vain[-1].tolist() == list(absent)
        return latents, wanted

    monkeypatch.setattr(stage.latents, "draw", spied)
    for step in range(12):
        batch = stage.batch(step)
        silent = (batch.latents[:, Slot.REST] == batch.latents[:, Slot.MIX]).flatten(1).all(dim=1)
        assert silent[vain[-1]].all()
        assert batch.known[vain[-1], Slot.MIX].all()
        assert not vain[-1][~batch.known[:, Slot.MIX].all(dim=1)].any()
    share = torch.cat(vain).float().mean()
    assert 0.1 < share < 0.95


def test_a_draw_may_say_which(stage):
    numbers = list(range(8))
    _, wanted = stage.latents.draw(numbers, np.random.default_rng(1), [k % 2 == 0 for k in numbers])
    assert [one.absent for one in wanted] == [True, False] * 4
