"""The codec and the flow: resume exactly, learn by heart, draw every task."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.latents import SLOTS, Slot
from engine.tasks import TASKS, rule_of
from training.codec.train import CodecStage, load_codec, train_codec
from training.config import load_preset, preset_from
from training.data.instruments import families
from training.data.mixer import StemMixer
from training.flow.encode import encode_latents, preset_mixer
from training.flow.examples import families_of, make_example
from training.flow.losses import latent_loss
from training.flow.modalities import open_modalities
from training.flow.model import FluxFormer, velocity
from training.flow.task_sampler import sample_task
from training.flow.train import FlowStage, load_flow
from training.prompt.adapters import load_adapters
from training.trainer.precision import compute_dtype
from training.trainer.trainer import TrainConfig, Trainer, rate_at


def by_heart(stage, batch, steps, rate):
    """Loss before and after learning one batch."""
    run = torch.optim.AdamW(stage.model.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        loss, _figures = stage.loss(batch, torch.Generator().manual_seed(0), 0.0)
        run.zero_grad()
        loss.backward()
        run.step()
        losses.append(loss.item())
    return losses[0], min(losses[-5:])


def test_a_resumed_codec_goes_on_as_if_never_stopped(tiny_run, tmp_path):
    def losses(folder, steps, resume):
        stage = CodecStage(tiny_run.preset, tiny_run.cache)
        run = Trainer(stage, TrainConfig(steps=20, learning_rate=1e-3, ema=0.9, seed=3, warmup=4), folder)
        assert run.resume() is resume
        run.config.steps = 20
        for step in range(run.step, steps):
            yield run.descend([stage.batch(step)])[0]
        run.save()

    whole = list(losses(tmp_path / "whole", 10, False))
    first = list(losses(tmp_path / "parts", 5, False))
    second = list(losses(tmp_path / "parts", 10, True))
    assert first + second == whole


def flow_stage(tiny_run, **changes):
    """A new flow, and the latents, pictures and sounds that the tiny run's own flow met."""
    preset, codec = tiny_run.preset, load_codec(tiny_run.preset, tiny_run.codec)
    audio_encoder, reader = load_adapters(tiny_run.adapters, tiny_run.prompt)
    modalities, mixer = (
        open_modalities(preset, tiny_run.cache, tiny_run.scene, audio_encoder),
        preset_mixer(preset, tiny_run.cache),
    )
    latents = encode_latents(tiny_run.flow / "pool", preset, mixer, codec, modalities)
    preset = replace(preset, flow=replace(preset.flow, **changes))
    return FlowStage(preset, latents, codec, tiny_run.prompt, reader, load_flow(tiny_run.preset, tiny_run.flow))


@pytest.mark.parametrize("changes", [{}, {"adversarial_weight": 0.5, "adversarial_from": 0.0}])
def test_a_resumed_flow_goes_on_as_if_never_stopped(changes, tiny_run, tmp_path):
    def losses(folder, steps, resume):
        stage = flow_stage(tiny_run, **changes)
        run = Trainer(stage, TrainConfig(steps=50, learning_rate=1e-3, schedule="halving", seed=1), folder)
        assert run.resume() is resume
        batches = [stage.batch(step) for step in range(run.step, steps)]
        assert any(batch.picture.any() for batch in batches)
        yield from [run.descend([batch])[0] for batch in batches]
        run.save()

    whole = list(losses(tmp_path / "whole", 6, False))
    first = list(losses(tmp_path / "parts", 3, False))
    assert first + list(losses(tmp_path / "parts", 6, True)) == whole


def test_the_codec_learns_one_batch_by_heart(tiny_run):
    stage = CodecStage(tiny_run.preset, tiny_run.cache)
    before, after = by_heart(stage, stage.batch(0), 60, 3e-3)
    assert after < 0.7 * before


def test_the_critic_learns_at_its_own_rate(tiny_run, tmp_path):
    stage = flow_stage(tiny_run, adversarial_weight=0.5, critic_rate=3.0)
    run = Trainer(stage, TrainConfig(steps=20, learning_rate=1e-3, warmup=0), tmp_path)
    run.descend([stage.batch(0)])
    sizes = [sum(weights.numel() for weights in group["params"]) for group in run.optimizer.param_groups]
    networks = [sum(weights.numel() for weights in network.parameters()) for network in (stage.flow, stage.critic)]
    assert sizes == networks
    assert [group["lr"] for group in run.optimizer.param_groups] == pytest.approx([1e-3, 3e-3])


def test_the_flow_does_not_listen_to_its_critic_before_its_time(tiny_run):
    def gradient(progress, weight):
        stage = flow_stage(tiny_run, adversarial_weight=weight, adversarial_from=0.5)
        loss, figures = stage.loss(stage.batch(0), torch.Generator().manual_seed(0), progress)
        loss.backward()
        logged = {"critic_loss", "generator_loss", "real_margin", "prompt_margin", "anchor_loss", "std_ratio"}
        assert logged <= set(figures)
        return torch.cat([w.grad.flatten() for w in stage.flow.parameters() if w.grad is not None])

    torch.testing.assert_close(gradient(0.4, 0.5), gradient(0.4, 5.0))
    assert (gradient(0.6, 0.5) - gradient(0.6, 5.0)).abs().max() > 1e-4


def test_the_flow_learns_one_batch_by_heart(tiny_run):
    stage = flow_stage(tiny_run)
    before, after = by_heart(stage, stage.batch(0), 150, 4e-3)
    assert after < 0.6 * before


def test_training_draws_every_row_of_the_task_table():
    rng = np.random.default_rng(0)
    drawn = [sample_task(rng, 64) for _ in range(1200)]
    assert {d.task for d in drawn} == set(TASKS)
    for d in drawn:
        assert d.known.shape == (SLOTS, 64)
        assert not d.known[rule_of(d.task, d.slot).answer].all()


def test_only_unknown_positions_count_in_the_loss():
    target = torch.zeros(1, SLOTS, 4, 8)
    unknown = torch.zeros(1, SLOTS, 8, dtype=torch.bool)
    unknown[:, Slot.STEM] = True
    wrong = target.clone()
    wrong[:, Slot.MIX] = 9.0
    assert latent_loss(wrong, target, torch.ones(1, SLOTS, 8), unknown)[0] == 0
    wrong[:, Slot.STEM] = 1.0
    assert latent_loss(wrong, target, torch.ones(1, SLOTS, 8), unknown)[0] == pytest.approx(1.0)


def test_one_euler_step_along_the_velocity_lands_on_the_clean_latents():
    clean, x = torch.randn(2, SLOTS, 4, 8), torch.randn(2, SLOTS, 4, 8)
    t = torch.full((2, SLOTS, 8), 0.25)
    torch.testing.assert_close(x + 0.75 * velocity(clean, x, t), clean)


def test_the_noise_at_time_zero_is_not_seen(tiny_run):
    torch.manual_seed(0)
    model = FluxFormer(tiny_run.preset.grid, 32, tiny_run.preset.flow).eval()
    torch.nn.init.normal_(model.outward.weight)
    frames = tiny_run.preset.grid.window_frames
    known = torch.zeros(1, SLOTS, frames, dtype=torch.bool)
    known[:, Slot.MIX] = True
    x = torch.randn(1, SLOTS, 16, frames)
    other = torch.where(known[:, :, None], x, torch.zeros_like(x))
    prompt = torch.randn(1, SLOTS, 32)
    torch.testing.assert_close(model(x, known.float(), known, prompt), model(other, known.float(), known, prompt))


def test_the_stem_is_what_the_term_names_and_the_rest_is_what_is_left(tiny_run):
    mixer = StemMixer(tiny_run.cache)
    rests = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        mix = mixer.draw(rng, 8000)
        example = make_example(mix, rng)
        whole, stem, rest = example.audio
        np.testing.assert_allclose(stem + rest, whole, atol=1e-6)
        wanted = families_of(example.term)
        chosen = [row for row, label in zip(mix.stems, mix.labels, strict=True) if label["family"] in wanted]
        np.testing.assert_allclose(stem, np.sum(chosen, axis=0), atol=1e-6)
        if example.rest:
            assert example.inside - wanted == {example.rest}
        rests.add(example.rest is not None)
    assert rests == {True, False}


def test_a_pool_turns_stem_and_rest_and_asks_for_what_is_absent(tiny_run, tmp_path):
    preset = replace(tiny_run.preset, flow=replace(tiny_run.preset.flow, absent_share=0.3))
    pool = encode_latents(tmp_path, preset, StemMixer(tiny_run.cache), load_codec(preset, tiny_run.codec))
    numbers = list(range(30))
    plain, _ = pool.draw(numbers, np.random.default_rng(0))
    silence = pool.silence
    seen = set()
    for seed in range(4):
        latents, asked = pool.draw(numbers, np.random.default_rng(seed))
        rows = zip(latents, asked, pool._latents[numbers], pool._facts[numbers], strict=True)
        for row, wanted, entry, facts in rows:
            term = wanted.term
            assert wanted.absent == np.array_equal(row[Slot.STEM], silence)
            np.testing.assert_array_equal(row[Slot.MIX], entry[Slot.MIX].astype(np.float32))
            inside = {name for k, name in enumerate(families()) if int(facts["inside"]) >> k & 1}
            if np.array_equal(row[Slot.STEM], silence):
                seen.add("absent")
                np.testing.assert_array_equal(row[Slot.REST], row[Slot.MIX])
                assert not families_of(term) & inside
            elif np.array_equal(row[Slot.STEM], entry[Slot.REST].astype(np.float32)):
                seen.add("swapped")
                assert families_of(term) <= inside
            else:
                seen.add("plain")
                np.testing.assert_array_equal(row[Slot.STEM], entry[Slot.STEM].astype(np.float32))
                assert families_of(term) & inside
    assert seen == {"absent", "swapped", "plain"}
    again, _ = pool.draw(numbers, np.random.default_rng(0))
    np.testing.assert_array_equal(again, plain)


def test_schedules_warm_up_and_come_down():
    plan = TrainConfig(steps=100, learning_rate=1.0, warmup=10)
    assert rate_at(plan, 0, 0.0) == pytest.approx(0.1)
    assert rate_at(plan, 99, 1.0) == pytest.approx(0.05)
    plan.schedule = "halving"
    assert rate_at(plan, 99, 0.6) == pytest.approx(0.25)


def test_an_unknown_key_in_a_preset_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="unknown keys \\['widht'\\]"):
        preset_from({"name": "x", "grid": {"widht": 3}}, "x.toml")
    with pytest.raises(ValueError, match="no preset 'huge'"):
        load_preset("huge")


def test_the_arithmetic_is_chosen_by_what_is_fast_here():
    assert compute_dtype() in (torch.float32, torch.bfloat16)


def test_the_codec_run_leaves_unit_scale_latents(tiny_run):
    codec = load_codec(tiny_run.preset, tiny_run.codec)
    stage = CodecStage(tiny_run.preset, tiny_run.cache)
    latents = torch.cat([codec.encode(stage.batch(90_000 + k)) for k in range(10)])
    assert latents.std().item() == pytest.approx(1.0, abs=0.25)


def test_a_codec_of_the_paper_trains_one_step(tiny_run, tmp_path):
    codec = replace(
        load_preset("mage-music").codec, base_width=4, strides=(4, 4, 2, 5), steps=1, batch=2, crop_frames=16
    )
    preset = replace(tiny_run.preset, codec=replace(codec, minutes=0.0))
    train_codec(preset, tiny_run.cache, tmp_path, workers=0)
    assert (tmp_path / "codec.pt").is_file()
