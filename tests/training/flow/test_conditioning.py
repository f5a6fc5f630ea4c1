"""What the flow is given in training: every task, every set of senses, the shares that the preset states."""

from collections import Counter
from dataclasses import replace
from math import sqrt
from types import SimpleNamespace

import numpy as np
import pytest

from engine.latents import SLOTS, Slot, exchanged
from engine.tasks import SLOT_NAMES, TASKS, rule_of
from training.codec.train import load_codec
from training.config import MaskingConfig, load_preset, preset_from
from training.data.mixer import StemCrop, StemMixer
from training.data.sources import SoundLibrary
from training.flow.conditioning import _left, draw_modalities, mean_direction
from training.flow.encode import encode_latents, preset_mixer
from training.flow.examples import make_twins
from training.flow.latent_dataset import Query
from training.flow.modalities import Modalities, drawable, hide_patches, open_modalities
from training.flow.task_sampler import TaskSample, hide_time, regime_of, sample_task
from training.flow.train import FlowStage
from training.prompt.adapters import load_adapters
from training.scene.config import frames_of
from training.scene.model import load_scene, picture_of
from training.synthesis.stem_config import StemRenderConfig
from training.synthesis.video.clip import FPS, DrawnClipConfig, clip_of_labels

FRAMES = 64
ANY_SLOT = [task for task, rule in TASKS.items() if rule.any_slot]
HERE, FULL = np.ones(3, np.float32), frozenset({"words", "picture", "sound"})


def share_is(count: int, draws: int, share: float) -> bool:
    """Within four standard errors."""
    return abs(count / draws - share) <= 4 * sqrt(max(share * (1 - share), 1e-9) / draws) + 1e-9


def test_regimes_and_tasks_are_drawn_by_their_shares():
    masking, rng = MaskingConfig(), np.random.default_rng(0)
    drawn = [sample_task(rng, FRAMES, masking) for _ in range(4000)]
    told = [d for d in drawn if d.conditioned]
    assert {d.task for d in told} == set(TASKS)
    assert share_is(len(drawn) - len(told), len(drawn), masking.unconditional)
    for regime in ("mixture", "zero"):
        mine = Counter(d.task for d in told if regime_of(d.task) == regime)
        assert share_is(mine.total(), len(drawn), getattr(masking, regime))
        weights = {task: weight for task, weight in masking.tasks.items() if regime_of(task) == regime}
        for task, weight in weights.items():
            assert share_is(mine[task], mine.total(), weight / sum(weights.values()))
    assert all(d.known[Slot.MIX].all() == (regime_of(d.task) == "mixture") for d in told)
    assert not any(d.known.any() for d in drawn if not d.conditioned)


def test_every_slot_that_can_be_asked_for_is_drawn_by_its_share():
    masking, rng = MaskingConfig(tasks={"isolate": 1.0} | dict.fromkeys(ANY_SLOT, 1.0)), np.random.default_rng(3)
    drawn = [sample_task(rng, FRAMES, masking) for _ in range(8000)]
    able = [d for d in drawn if d.conditioned and d.task in ANY_SLOT]
    assert {(d.task, d.slot) for d in able} == {(task, slot) for task in ANY_SLOT for slot in ("", "mix", "rest")}
    assert share_is(sum(d.slot != "" for d in able), len(able), masking.other_slot_share)
    for d in able:
        assert not d.known[rule_of(d.task, d.slot).answer].all()
        asked = d.known[exchanged_rows(d.slot)]  # as if it were the stem that is made
        assert (asked[Slot.MIX].any(), asked[Slot.STEM].any()) == (False, d.task in ("inpaint", "extend"))
        assert asked[Slot.REST].all() or d.task in ("generate", "inpaint", "extend")


def exchanged_rows(slot: str) -> list[Slot]:
    return [exchanged(track, SLOT_NAMES[slot or "stem"]) for track in Slot]


def test_no_other_draw_depends_on_the_share_of_other_slots():
    plain, mixed = ([], [])
    for share, drawn in ((0.0, plain), (0.5, mixed)):
        rng = np.random.default_rng(5)
        drawn += [sample_task(rng, FRAMES, MaskingConfig(other_slot_share=share)) for _ in range(600)]
    assert [d.task for d in plain] == [d.task for d in mixed]
    assert not any(d.slot for d in plain)
    assert 0 < sum(d.slot != "" for d in mixed) < 100
    for one, other in zip(plain, mixed, strict=True):
        np.testing.assert_array_equal(one.known, other.known[exchanged_rows(other.slot)])


@pytest.mark.parametrize("name", ["mage-music", "mge"])
def test_the_papers_presets_make_no_other_slot(name):
    masking, rng = load_preset(name).masking, np.random.default_rng(0)
    assert not any(sample_task(rng, FRAMES, masking).slot for _ in range(500))


def test_the_senses_are_drawn_by_their_weights_and_cut_down_to_what_is_there():
    masking, rng = MaskingConfig(), np.random.default_rng(0)
    everything = Query("violin", (), picture=HERE, sound=HERE)
    drawn = Counter(draw_modalities(rng, masking, everything) for _ in range(3000))
    for kind, weight in masking.given.items():
        assert share_is(drawn[frozenset(kind.split("+"))], 3000, weight / sum(masking.given.values()))
    for wanted, allowed in (
        (Query("violin", ()), {frozenset({"words"})}),
        (Query(None, (), picture=HERE), {frozenset({"picture"}), frozenset()}),
        (Query(None, ()), {frozenset()}),
    ):
        assert {draw_modalities(rng, masking, wanted) for _ in range(100)} == allowed
    twins = Query("violin", (), twins=True, picture=HERE, sound=HERE)
    assert all("picture" in draw_modalities(rng, masking, twins) for _ in range(100))


def test_interpolated_directions_keep_their_norm_and_lie_between():
    rng = np.random.default_rng(0)
    one, other = (v * sqrt(32) / np.linalg.norm(v) for v in rng.standard_normal((2, 32)))
    for weight in (0.0, 0.3, 1.0):
        mixed = mean_direction([one, other], [1 - weight, weight])
        assert np.linalg.norm(mixed) == pytest.approx(sqrt(32), rel=1e-5)
        assert mixed @ one >= one @ other - 1e-3
    np.testing.assert_allclose(mean_direction([one, other], [1, 0]), one, rtol=1e-5)
    assert not mean_direction([one, -one], [1, 1]).any()


def test_hidden_time_and_patches_come_out_by_their_share():
    rng = np.random.default_rng(0)
    known = np.ones((SLOTS, 256), dtype=np.bool_)
    hidden = [1 - hide_time(rng, known, 0.6).mean() for _ in range(20)]
    assert np.mean(hidden) == pytest.approx(0.6, abs=1 / 16)
    assert hide_time(rng, known, 0.0).all()
    frames = np.full((20, 32, 32, 3), 7, dtype=np.uint8)
    assert (hide_patches(rng, frames, 0.6) != 7).mean() == pytest.approx(0.6, abs=0.1)
    np.testing.assert_array_equal(hide_patches(rng, frames, 0.0), frames)
    frames[12:] = 0  # the film is over
    hidden = hide_patches(rng, frames, 0.6)
    assert (hidden[:12] != 7).any(axis=(1, 2, 3)).all()
    assert not hidden[12:].any()


def test_a_task_with_a_strength_meets_every_time_between_noise_and_its_stem():
    stage = FlowStage.__new__(FlowStage)
    stage.config = load_preset("tiny").flow
    rng = np.random.default_rng(0)
    restyled = stage._times(rng, [SimpleNamespace(task="restyle")] * 2000)
    assert np.histogram(restyled, bins=5, range=(0, 1))[0].min() > 300
    isolated = stage._times(rng, [SimpleNamespace(task="isolate")] * 2000)
    assert share_is(int((isolated == 0).sum()), 2000, stage.config.start_share)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"mixture": 0.9}, "must sum to 1"),
        ({"given": {"smell": 1.0}}, "unknown senses \\['smell'\\]"),
        ({"tasks": {"isolate": 0.0}}, "weights of at least 0"),
        ({"hide_words": 1.0}, "hide_words must be at least 0 and below 1"),
        ({"twin_share": 2.0}, "twin_share must be in 0..1"),
        ({"twins": 1}, "unknown keys \\['twins'\\]"),
    ],
)
def test_masking_that_cannot_be_is_refused(table, said):
    with pytest.raises(ValueError, match=said):
        preset_from({"name": "x", "grid": grid_table(), "masking": table}, "x.toml")


def grid_table() -> dict[str, int]:
    grid = load_preset("tiny").grid
    return {name: getattr(grid, name) for name in ("rate_hz", "hop_samples", "latent_channels", "window_frames")}


@pytest.fixture(scope="module")
def eyes(tiny_run):
    return load_scene(tiny_run.scene)


@pytest.fixture(scope="module")
def seeing(tiny_run):
    """The tiny preset where half the mixes are twins and every mix has its clips."""
    masking = MaskingConfig(twin_share=0.5, clip_share=1.0, still_share=0.0)
    return replace(tiny_run.preset, flow=replace(tiny_run.preset.flow, absent_share=0.0, pool=24), masking=masking)


@pytest.fixture(scope="module")
def stage(tiny_run, seeing, tmp_path_factory):
    """A flow that sees, hears and reads."""
    audio_encoder, reader = load_adapters(tiny_run.adapters, tiny_run.prompt)
    modalities = open_modalities(seeing, tiny_run.cache, tiny_run.scene, audio_encoder)
    codec, pool = load_codec(seeing, tiny_run.codec), tmp_path_factory.mktemp("pool")
    latents = encode_latents(pool, seeing, preset_mixer(seeing, tiny_run.cache), codec, modalities)
    return FlowStage(seeing, latents, codec, tiny_run.prompt, reader)


def test_a_picture_shows_the_players_while_they_are_heard(tiny_run, seeing, eyes):
    cache, rate_hz = tiny_run.cache, seeing.grid.rate_hz
    senses, take = Modalities(seeing, cache, scene=eyes, sounds=SoundLibrary.find()), StemCrop(2, 8_000, 1.25)
    features, embedding = senses.picture(np.random.default_rng(5), [take])
    config = StemRenderConfig(folder="", rate_hz=rate_hz, seconds=cache.samples / rate_hz, seed=1)
    film = DrawnClipConfig(size_px=seeing.scene.size_px)
    seed = int(np.random.default_rng(5).integers(2**32))
    clip = clip_of_labels([cache.label(2)], SoundLibrary.find(), config, seed, film)
    count = frames_of(seeing.grid.grid)
    moments = [1.0 + 1.25 * (k + 0.5) / FPS for k in range(count)]
    wanted, point = picture_of(eyes, clip.at(moments))
    np.testing.assert_array_equal(features, wanted)
    np.testing.assert_array_equal(embedding, point)
    np.testing.assert_array_equal(clip.at([0.5 / FPS, 99.0])[0], clip.frames(0, 1)[0])
    assert not clip.at([99.0]).any()


def test_nobody_is_drawn_for_strangers_songs_and_old_caches():
    part = {"piece": "1-0", "part": 0}
    assert drawable([part, {"piece": "1-0", "part": 2}])
    assert not drawable([part, {"piece": "1-1", "part": 0}])
    assert not drawable([{"piece": "1-0"}])
    assert not drawable([])


def test_twins_share_a_name_and_not_a_piece(tiny_run):
    mixer = StemMixer(tiny_run.cache)
    for seed in range(8):
        mix = mixer.twins(np.random.default_rng(seed), 8000)
        one, other = mix.labels[:2]
        assert one["family"] == other["family"]
        assert one["piece"] != other["piece"]
        example = make_twins(mix)
        assert example.term == one["family"]
        np.testing.assert_allclose(example.audio[Slot.STEM], mix.stems[0])
        np.testing.assert_allclose(example.audio[Slot.MIX], mix.mix)
        assert (example.rest == one["family"]) == (len(mix.labels) == 2)


def test_swapping_the_picture_of_twins_swaps_the_stem(stage):
    twins = [n for n in range(24) if stage.latents.draw([n], np.random.default_rng(n))[1][0].twins]
    assert len(twins) > 4
    pairs = 0
    for number in twins:
        by_picture = {}
        for seed in range(6):
            latents, [wanted] = stage.latents.draw([number], np.random.default_rng(seed))
            by_picture[wanted.picture.tobytes()] = latents[0, Slot.STEM]
        if len(by_picture) == 2:
            one, other = by_picture.values()
            assert not np.array_equal(one, other)
            pairs += 1
    assert pairs


def test_a_batch_says_what_was_drawn_and_nothing_else(stage, seeing):
    rng = np.random.default_rng(1)
    numbers = list(range(24))
    seen = Counter()
    for _ in range(6):
        _, wanted = stage.latents.draw(numbers, rng)
        drawn = [sample_task(rng, FRAMES, seeing.masking) for _ in numbers]
        prompt, picture = stage.conditions.draw(rng, wanted, drawn)
        norms = np.linalg.norm(prompt, axis=2)
        assert np.all(np.isclose(norms, sqrt(prompt.shape[2]), rtol=1e-4) | (norms == 0))
        for row, (asked, draw) in enumerate(zip(wanted, drawn, strict=True)):
            if not draw.conditioned:
                assert not prompt[row].any()
                assert not picture[row].any()
            if picture[row].any():
                np.testing.assert_array_equal(picture[row], asked.picture)
            seen[bool(norms[row, Slot.STEM]), bool(picture[row].any())] += 1
            seen["mix"] += bool(norms[row, Slot.MIX])
            seen["rest"] += bool(norms[row, Slot.REST])
    assert all(seen[both] for both in [(True, True), (True, False), (False, False), "mix", "rest"])


def test_words_move_with_the_slot_that_is_made(stage, seeing):
    numbers, seen = list(range(24)), Counter()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        _, wanted = stage.latents.draw(numbers, rng)
        for slot in ("mix", "rest"):
            drawn = [TaskSample("generate", np.zeros((SLOTS, FRAMES), bool), slot=slot) for _ in numbers]
            prompt, picture = stage.conditions.draw(rng, wanted, drawn)
            assert not picture.any()
            for row, asked in enumerate(wanted):
                can_be_said = bool(asked.inside) if slot == "mix" else bool(_left(asked))
                said = prompt[row].any(axis=1)
                assert can_be_said or not said[SLOT_NAMES[slot]]
                seen[slot, "can"] += can_be_said
                seen.update((slot, track) for track in Slot if said[track])
    for slot in ("mix", "rest"):
        assert seen[slot, SLOT_NAMES[slot]] > 0.7 * seen[slot, "can"] > 20
    assert seen["mix", Slot.STEM] == 0
    assert 0 < seen["mix", Slot.REST] < seen["mix", Slot.MIX]
    assert 0 < seen["rest", Slot.STEM] < seen["rest", Slot.REST]


def test_hidden_words_are_a_share_of_the_tokens_and_never_all(stage, seeing, tmp_path):
    text = ["the quiet violin on the left side of the stage"] * 200
    plain = stage.conditions._embed(np.random.default_rng(0), text)
    hiding = replace(seeing, masking=replace(seeing.masking, hide_words=0.2))
    stage.conditions._preset = hiding
    hidden = stage.conditions._embed(np.random.default_rng(0), text)
    stage.conditions._preset = seeing
    assert np.ptp(plain, axis=0).max() < 1e-4
    same = np.isclose(hidden, plain, atol=1e-4).all(axis=1).mean()
    assert same < 0.5
    assert (np.linalg.norm(hidden, axis=1) > 1).all()


def test_any_subset_of_conditions_trains_and_gives_a_finite_loss(stage):
    import torch

    batch = stage.batch(0)
    for words in (True, False):
        for sight in (True, False):
            given = replace(
                batch,
                prompt=batch.prompt if words else torch.zeros_like(batch.prompt),
                picture=batch.picture if sight else torch.zeros_like(batch.picture),
            )
            loss, _ = stage.loss(given, torch.Generator().manual_seed(0), 0.0)
            assert torch.isfinite(loss)
