"""The sampler against flows whose end is known."""

import numpy as np
import pytest

from engine.errors import Cancelled
from engine.inference.sampler import SamplerConfig, initial_noise, sample, sdedit_init

SHAPE = (3, 4, 6)
TARGET = np.random.default_rng(7).standard_normal(SHAPE).astype(np.float32)
NOTHING = np.zeros((2, 3, 6), np.bool_)
PROMPT = np.ones((2, 3, 5), np.float32)


class StraightFlow:
    """v = (end - x) / (1 - t); the end is the target times the prompt's first number."""

    def run(self, inputs):
        end = TARGET * inputs["prompt"][:, 1, 0][:, None, None, None]
        left = np.maximum(1 - inputs["t"], 1e-6)[:, :, None]
        moved = inputs["x"] + inputs["dt"][:, None, None, None] * (end - inputs["x"]) / left
        return {"x_next": np.where(inputs["known"][:, :, None], inputs["x"], moved).astype(np.float32)}


def walk(steps=1, guidance=1.0, start="noise", seed=0):
    return SamplerConfig(steps=steps, guidance=guidance, start=start, seed=seed)


def ended(known=NOTHING, given=None, **how):
    start = initial_noise(walk(**how), [0, 1], SHAPE) if given is None else given
    return sample(StraightFlow(), start, known, PROMPT, walk(**how), lambda: None)


@pytest.mark.parametrize("steps", [1, 2, 8, 50])
@pytest.mark.parametrize("start", ["zeros", "noise"])
def test_a_straight_flow_lands_on_its_target(steps, start):
    for latents in ended(steps=steps, start=start):
        np.testing.assert_allclose(latents, TARGET, atol=1e-4)


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0, 2.5])
def test_guidance_pushes_from_no_prompt_to_the_prompt_and_beyond(guidance):
    np.testing.assert_allclose(ended(steps=1, guidance=guidance)[0], guidance * TARGET, atol=1e-4)


def test_known_latents_come_back_as_they_went_in():
    given = np.random.default_rng(1).standard_normal((2, *SHAPE)).astype(np.float32)
    known = np.random.default_rng(2).random((2, 3, 6)) < 0.5
    out = ended(known, given, steps=3, guidance=2.0)
    where = np.broadcast_to(known[:, :, None], out.shape)
    np.testing.assert_array_equal(out[where], given[where])
    assert not np.array_equal(out[~where], given[~where])


def test_the_same_seed_gives_the_same_start_whatever_the_batch():
    both = initial_noise(walk(seed=5), [3, 4], SHAPE)
    np.testing.assert_array_equal(both[1:], initial_noise(walk(seed=5), [4], SHAPE))
    assert not np.array_equal(both[0], both[1])
    assert not np.array_equal(both, initial_noise(walk(seed=6), [3, 4], SHAPE))


def test_a_stop_is_noticed_between_steps():
    asked = []

    def check():
        asked.append(None)
        if len(asked) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        sample(StraightFlow(), initial_noise(walk(), [0, 1], SHAPE), NOTHING, PROMPT, walk(steps=10), check)
    assert len(asked) == 3


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 2.0])
def test_the_temperature_is_how_loud_the_noise_is_and_1_is_the_noise_itself(temperature):
    noise = initial_noise(walk(seed=5), [0, 1], SHAPE)
    way = SamplerConfig(steps=1, guidance=1.0, start="noise", seed=5, temperature=temperature)
    np.testing.assert_array_equal(initial_noise(way, [0, 1], SHAPE), np.float32(temperature) * noise)


def test_candidates_of_a_window_are_the_seeds_that_follow():
    three = initial_noise(walk(seed=5), [0, 0, 0, 1, 1, 1], SHAPE, [0, 1, 2, 0, 1, 2])
    assert three.shape == (6, *SHAPE)
    for k in range(3):
        np.testing.assert_array_equal(three[k::3], initial_noise(walk(seed=5 + k), [0, 1], SHAPE))


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.5, 1.0])
def test_a_part_of_the_way_begins_on_the_straight_path_and_ends_on_the_target(strength):
    way = SamplerConfig(steps=8, guidance=1.0, start="noise", seed=3, strength=strength)
    noise, there = initial_noise(way, [0, 1], SHAPE), np.full((2, *SHAPE), 0.25, np.float32)
    begun = sdedit_init(way, noise, there)
    np.testing.assert_allclose(begun, (1 - strength) * there + strength * noise, atol=1e-6)
    ended = sample(StraightFlow(), begun, NOTHING, PROMPT, way, lambda: None)
    np.testing.assert_allclose(ended, there if strength == 0 else np.stack([TARGET] * 2), atol=1e-4)


class Listening(StraightFlow):
    """Keeps what it was told, and adds the picture's first number to where it goes."""

    def __init__(self):
        self.heard = []

    def run(self, inputs):
        self.heard.append({name: inputs[name].copy() for name in ("t", "prompt", "picture")})
        moved = super().run(inputs)["x_next"]
        return {"x_next": moved + inputs["picture"][:, :1, :1, None]}


def test_the_time_of_a_part_of_the_way_runs_from_its_begin_to_one():
    way, graph = SamplerConfig(steps=8, guidance=1.0, start="noise", seed=0, strength=0.5), Listening()
    sample(
        graph, initial_noise(way, [0, 1], SHAPE), NOTHING, PROMPT, way, lambda: None, np.zeros((2, 5, 3), np.float32)
    )
    np.testing.assert_allclose([told["t"].max() for told in graph.heard], [0.5, 0.625, 0.75, 0.875], atol=1e-6)


@pytest.mark.parametrize(("guidance", "pushed"), [(0.0, 0.0), (1.0, 0.5), (2.0, 1.0)])
def test_guidance_pushes_away_from_what_hears_neither_words_nor_picture(guidance, pushed):
    way, graph = walk(guidance=guidance), Listening()
    picture = np.full((2, 5, 3), 0.5, np.float32)
    ended = sample(graph, initial_noise(way, [0, 1], SHAPE), NOTHING, PROMPT, way, lambda: None, picture)
    np.testing.assert_allclose(ended, np.stack([guidance * TARGET + pushed] * 2), atol=1e-4)
    if guidance == 2:
        [told] = graph.heard
        assert not told["prompt"][2:].any()
        assert not told["picture"][2:].any()


@pytest.mark.parametrize(
    ("guide", "target", "picture"), [((), 3, 3), (("prompt",), 3, 1), (("picture",), 1, 3), (("mix-prompt",), 1, 1)]
)
def test_guidance_pushes_towards_any_subset_of_what_is_said(guide, target, picture):
    way = SamplerConfig(steps=1, guidance=3.0, start="noise", seed=0, guide=guide)
    seen = np.full((2, 5, 3), 0.5, np.float32)
    ended = sample(Listening(), initial_noise(way, [0, 1], SHAPE), NOTHING, PROMPT, way, lambda: None, seen)
    np.testing.assert_allclose(ended, np.stack([target * TARGET + picture * 0.5] * 2), atol=1e-4)
