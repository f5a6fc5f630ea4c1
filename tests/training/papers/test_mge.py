"""MGE-LDM to the number, and its samplers on flows whose answer is known in closed form."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from engine.latents import SLOTS, Slot
from export.graphs import StepGraph
from training.codec.model import MixWavCodec
from training.config import load_preset
from training.flow.conditioning import ConditionSampler, SlotPhrase
from training.flow.model import velocity
from training.flow.networks import build_network
from training.flow.task_sampler import sample_task
from training.papers.diffusion import (
    PATHS,
    TAU_MIN,
    advance,
    check_objective,
    ddim,
    error_weight,
    guided,
    noised,
    repaint,
    to_clean,
)
from training.papers.mge import TrackBlock
from training.text.lexicon import Lexicon

PRESET = load_preset("mge")
D, L = 3, 8


def latents(seed=0, rows=2):
    return torch.randn(rows, SLOTS, D, L, generator=torch.Generator().manual_seed(seed))


def times(value, rows=2):
    return torch.full((rows, SLOTS, L), value)


def one_known(rows=2):
    known = torch.zeros(rows, SLOTS, L, dtype=torch.bool)
    known[:, Slot.MIX] = True
    return known


def narrow(preset, **changes):
    """The preset's network, narrow and with numbers in it."""
    flow = replace(preset.flow, slot_width=16, heads=4, middle=2, **changes)
    torch.manual_seed(0)
    network = build_network(replace(preset, flow=flow, prompt=replace(preset.prompt, embedding=8))).eval()
    for weights in network.parameters():
        nn.init.normal_(weights, std=0.1)
    return network


@pytest.fixture(scope="module")
def whole():
    with torch.device("meta"):
        return build_network(PRESET)


def test_a_clip_of_the_paper_is_three_tracks_of_80_latents_of_64(whole):
    grid = PRESET.grid
    assert (grid.rate_hz, grid.hop_samples, grid.latent_channels) == (16_000, 2048, 64)
    assert grid.rate_hz / grid.hop_samples == 7.8125
    assert grid.grid.window_samples / grid.rate_hz == 10.24
    with torch.device("meta"):
        codec = MixWavCodec(grid, PRESET.codec)
        assert codec.encode(torch.empty(1, 1, 163_840)).shape == (1, 64, 80)
        x = torch.empty(2, SLOTS, 64, 80)
        known = torch.zeros(2, SLOTS, 80, dtype=torch.bool)
        assert whole(x, torch.empty(2, SLOTS, 80), known, torch.empty(2, SLOTS, 512)).shape == x.shape


def test_the_network_has_24_blocks_48_heads_and_512_for_each_of_three_tracks(whole):
    assert len(whole.blocks) == 24
    assert {block.heads for block in whole.blocks} == {48}
    assert [layer.weight.shape for layer in whole.inward] == [(512, 64)] * 3
    assert whole.blocks[0].gather.weight.shape == (1536, 1536)
    styles = whole.blocks[0].styles  # "independent projection layers (without weight sharing)"
    assert [layer.weight.shape for layer in styles] == [(4 * 512, 512)] * 3


def test_training_gives_one_track_or_none_as_often_as_another():
    rng = np.random.default_rng(0)
    drawn = [sample_task(rng, 80, PRESET.masking) for _ in range(2000)]
    patterns = Counter(tuple(d.known.all(axis=1)) for d in drawn)
    none, *singles = [tuple(slot == k for slot in range(SLOTS)) for k in (-1, *range(SLOTS))]
    assert set(patterns) == {none, *singles}
    assert all(0.2 < count / len(drawn) < 0.3 for count in patterns.values())
    assert all((d.known.all(axis=1) == d.known.any(axis=1)).all() for d in drawn)


def test_training_and_sampling_have_the_papers_numbers():
    flow, codec = PRESET.flow, PRESET.codec
    assert (flow.objective, flow.path, flow.norm, flow.times) == ("v", "cosine", "group", "uniform")
    assert (flow.steps, flow.batch * flow.parts, codec.steps, codec.batch) == (200_000, 64, 600_000, 16)
    assert (flow.generative_steps, flow.masked_steps, flow.guidance, flow.prompt_dropout) == (250, 250, 2.0, 0.1)
    assert TAU_MIN == 0.02


def test_prompts_are_of_512_and_every_track_drops_its_own_by_a_tenth():
    flow, masking = PRESET.flow, PRESET.masking
    assert PRESET.prompt.embedding == 512  # CLAP's
    assert dict(masking.given) == {"words+sound": 1.0}
    dropped = [flow.prompt_dropout, 1 - masking.mix_words, 1 - masking.rest_words]
    assert dropped == pytest.approx([0.1, 0.1, 0.1])


def test_words_and_sound_of_a_stem_are_interpolated_by_a_uniform_weight(tiny_run):
    """MGE-LDM (arXiv 2505.23305) E.3: a convex combination, its weight drawn uniformly for each example."""
    conditions = ConditionSampler(tiny_run.preset, Lexicon.load(), tiny_run.prompt)
    rng, rows, size = np.random.default_rng(0), 800, tiny_run.preset.prompt.embedding
    phrases = [SlotPhrase(row, Slot.STEM, "a violin") for row in range(rows)]
    word = conditions._prompts(rng, 1, phrases[:1], {})[0, Slot.STEM]
    sound = rng.standard_normal(size).astype(np.float32)
    made = conditions._prompts(rng, rows, phrases, {row: [sound] for row in range(rows)})[:, Slot.STEM]
    ends = np.stack([word / np.linalg.norm(word), sound / np.linalg.norm(sound)], axis=1)
    parts, left, *_ = np.linalg.lstsq(ends, made.T, rcond=None)
    assert left.max() < 1e-3  # nothing but the two
    weight = parts[0] / parts.sum(axis=0)
    assert np.histogram(weight, 4, (0, 1))[0] / rows == pytest.approx([0.25] * 4, abs=0.06)


def test_the_cosine_path_is_the_papers():
    tau = torch.linspace(0, 1, 11)
    course = PATHS["cosine"]
    torch.testing.assert_close(course.clean(1 - tau), torch.cos(math.pi / 2 * tau))
    torch.testing.assert_close(course.noise(1 - tau), torch.sin(math.pi / 2 * tau))


@pytest.mark.parametrize(("objective", "path"), [("clean", "linear"), ("velocity", "linear"), ("v", "linear"),
                                                 ("v", "cosine"), ("clean", "cosine")])  # fmt: skip
def test_the_right_answer_means_the_clean_latents_and_errors_weigh_as_the_papers(objective, path):
    clean, noise, t = latents(0), latents(1), times(0.3)
    course = PATHS[path]
    a, b = course.clean(t)[:, :, None], course.noise(t)[:, :, None]
    right = {"clean": clean, "velocity": clean - noise, "v": a * noise - b * clean}[objective]
    x = noised(path, clean, noise, t)
    torch.testing.assert_close(to_clean(objective, path, right, x, t), clean, rtol=1e-4, atol=1e-4)
    if objective != "clean":
        off = latents(2)
        error = (to_clean(objective, path, right + off, x, t) - clean) ** 2
        weighed = error * error_weight(objective, path, t)[:, :, None]
        torch.testing.assert_close(weighed, off**2, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("path", PATHS)
def test_a_step_with_the_right_answer_stays_on_the_path(path):
    clean, noise = latents(0), latents(1)
    moved = advance(path, clean, noised(path, clean, noise, times(0.25)), times(0.25), torch.tensor(0.5))
    torch.testing.assert_close(moved, noised(path, clean, noise, times(0.75)), rtol=1e-4, atol=1e-4)


def test_a_step_of_ddim_on_the_linear_path_is_a_step_of_euler():
    clean, x, t = latents(0), latents(1), times(0.25)
    torch.testing.assert_close(advance("linear", clean, x, t, torch.tensor(0.1)), x + 0.1 * velocity(clean, x, t))


def test_the_exported_step_is_the_samplers():
    network, prompt = narrow(PRESET), torch.randn(2, SLOTS, 8)
    x = torch.randn(2, SLOTS, 64, 80)
    known = torch.zeros(2, SLOTS, 80, dtype=torch.bool)
    known[:, Slot.MIX] = True
    step, walked = StepGraph(network, "cosine"), x.clone()
    with torch.no_grad():
        wanted = ddim(guided(network, (prompt,), 1.0), x, known, 3, seed=4)
        start = torch.randn(x.shape, generator=torch.Generator().manual_seed(4))
        walked = torch.where(known[:, :, None], x, start)
        for k in range(3):
            t = torch.where(known, 1.0, k / 3)
            walked = step(walked, t, known, prompt, torch.full((2,), 1 / 3))
    torch.testing.assert_close(walked, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("steps", [1, 5, 50])
def test_samplers_land_on_the_answer_and_keep_what_is_given(path, steps):
    answer, known = latents(3), one_known()
    given = torch.where(known[:, :, None], answer, torch.tensor(99.0))

    def denoise(x, t, known):
        return answer

    for made in (ddim(denoise, given, known, steps, 0, path), repaint(denoise, given, known, steps, 4, 0, path)):
        torch.testing.assert_close(made, answer, rtol=1e-3, atol=1e-3)
        assert torch.equal(made[known[:, :, None].expand_as(made)], answer[known[:, :, None].expand_as(made)])


def test_adaptive_times_hold_the_given_at_one_and_repaint_noises_it_like_the_rest():
    answer, known = latents(3, rows=200), one_known(200)
    seen = {"ddim": [], "repaint": []}

    def watching(name):
        def denoise(x, t, known):
            seen[name].append((t.clone(), known.any().item(), x[:, Slot.MIX].var().item()))
            return answer

        return denoise

    still = 5 * answer
    ddim(watching("ddim"), still, known, 4, 0)
    repaint(watching("repaint"), still, known, 4, 3, 0)
    assert all((t[:, Slot.MIX] == 1).all() and told for t, told, _ in seen["ddim"])
    assert len(seen["repaint"]) == 3 * 3 + 1  # T times U, but the last step once
    for t, told, spread in seen["repaint"]:
        now = t[0, 0, 0]
        assert (t == now).all()
        assert not told
        wanted = 25 * answer[:, Slot.MIX].var() * PATHS["cosine"].clean(now) ** 2 + PATHS["cosine"].noise(now) ** 2
        assert spread == pytest.approx(wanted.item(), rel=0.1)


def test_resampling_keeps_the_spread_of_the_noise():
    """Back and forth between two times, made latents keep the spread that their time has."""
    answer = torch.zeros(400, SLOTS, D, L)
    spreads = []

    def denoise(x, t, known):
        spreads.append((t[0, 0, 0].item(), x[:, Slot.STEM].std().item()))
        return answer

    for path in PATHS:
        spreads.clear()
        repaint(denoise, answer, one_known(400), 5, 4, 0, path)
        for now, spread in spreads:
            assert spread == pytest.approx(PATHS[path].noise(torch.tensor(now)).item(), rel=0.05)


def test_guidance_goes_beyond_the_prompt_and_1_is_none():
    class Told(nn.Module):
        def forward(self, x, t, known, prompt):
            return x + prompt.sum(dim=(1, 2))[:, None, None, None]

    prompt, x = torch.ones(1, SLOTS, 2), latents(0, rows=1)
    for scale, wanted in ((1.0, 6.0), (2.0, 12.0), (0.0, 0.0)):
        torch.testing.assert_close(guided(Told(), (prompt,), scale)(x, times(0.5, 1), one_known(1)), x + wanted)


def test_group_norm_keeps_the_tracks_apart_and_layer_norm_does_not():
    config = replace(PRESET.flow, slot_width=16, heads=4, middle=1)
    x = torch.randn(1, 9, 48)
    louder = torch.cat([x[:, :, :16], 50 * x[:, :, 16:]], dim=2)
    for norm, apart in (("group", True), ("layer", False)):
        block = TrackBlock(8, replace(config, norm=norm))
        assert torch.allclose(block.normalise(x)[..., :16], block.normalise(louder)[..., :16], atol=1e-3) is apart


def test_a_tracks_prompt_and_time_are_its_own():
    network = narrow(PRESET)
    x, t, prompt = torch.randn(1, SLOTS, 64, 80), torch.full((1, SLOTS, 80), 0.4), torch.randn(1, SLOTS, 8)
    known = torch.zeros(1, SLOTS, 80, dtype=torch.bool)
    with torch.no_grad():
        plain = network(x, t, known, prompt)
        for slot in Slot:
            asked, later = prompt.clone(), t.clone()
            asked[:, slot], later[:, slot] = 0.0, 0.8
            assert not torch.allclose(network(x, t, known, asked), plain)
            assert not torch.allclose(
                network(x, later, known, prompt)[:, (slot + 1) % SLOTS], plain[:, (slot + 1) % SLOTS]
            )


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="defined on the path linear, not on cosine"):
        check_objective("velocity", "cosine")
    with pytest.raises(ValueError, match="unknown objective 'x0'"):
        check_objective("x0", "linear")
    with pytest.raises(ValueError, match="neither patches nor skips"):
        build_network(replace(PRESET, flow=replace(PRESET.flow, patch=2)))
    with pytest.raises(ValueError, match="unknown network 'unet'; choose one of flux, mage, mge"):
        build_network(replace(PRESET, flow=replace(PRESET.flow, network="unet")))
