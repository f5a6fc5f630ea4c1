"""What the papers ask of the codec: discriminators, mixtures, decoding that forgives noise, flows over mel spectra."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from export.graphs import prepare
from training.__main__ import main as training
from training.codec.adversarial import (
    MultiScaleDiscriminator,
    adversarial_loss,
    critic_loss,
    discriminator_losses,
    matching_loss,
)
from training.codec.losses import MelLoss
from training.codec.mel import MelEncoder
from training.codec.model import MixWavCodec
from training.codec.noise import LEVELS, clips, noisy_round, run_preset
from training.codec.train import CodecStage, load_codec, train_codec
from training.config import CodecConfig, load_preset
from training.trainer.trainer import TrainConfig, Trainer

WINDOWS = CodecConfig().discriminator_windows
SAMPLES = 400  # critics of two windows fit into it


def adversarial(preset, **changes):
    codec = replace(preset.codec, adversarial_weight=0.1, discriminator_width=4, **changes)
    return replace(preset, codec=codec)


def noise(rows=2, samples=SAMPLES, seed=0):
    return 0.1 * torch.randn(rows, 1, samples, generator=torch.Generator().manual_seed(seed))


def test_critics_look_at_five_windows_through_six_convolutions():
    critics = MultiScaleDiscriminator(4, WINDOWS, 2048)
    opinion = critics(noise(1, samples=2048))
    assert [critic.size for critic in critics.scales] == [2048, 1024, 512, 256, 128]
    assert all(len(features) == 5 for features in opinion.features)
    first = critics.scales[0]
    shapes = [(tuple(c.kernel_size), tuple(c.stride), tuple(c.dilation)) for c in [*first.layers, first.judge]]
    down = [((3, 9), (1, 2), (d, 1)) for d in (1, 2, 4)]
    assert shapes == [((3, 9), (1, 1), (1, 1)), *down, ((3, 3), (1, 1), (1, 1)), ((3, 3), (1, 1), (1, 1))]
    assert all(nn.utils.parametrize.is_parametrized(c, "weight") for c in [*first.layers, first.judge])
    with pytest.raises(ValueError, match="at least 128 samples"):
        MultiScaleDiscriminator(4, WINDOWS, 100)


def test_each_side_learns_from_its_own_loss_alone():
    torch.manual_seed(0)
    critics, true = MultiScaleDiscriminator(4, WINDOWS, SAMPLES), noise()
    made = noise(seed=5).requires_grad_()
    own, told, matched = discriminator_losses(critics, made, true)
    own.backward(retain_graph=True)
    assert made.grad is None
    before = [weight.grad.clone() for weight in critics.parameters()]
    (told + matched).backward()
    assert made.grad.abs().sum() > 0
    assert all(torch.equal(w.grad, g) for w, g in zip(critics.parameters(), before, strict=True))


def test_critics_learn_to_tell_and_their_losses_say_so():
    torch.manual_seed(0)
    critics, true = MultiScaleDiscriminator(4, WINDOWS, 200), noise(samples=200)
    made = torch.sin(torch.arange(200) * 0.1).repeat(2, 1, 1) * 0.1
    optimiser = torch.optim.AdamW(critics.parameters(), lr=2e-2)
    first = critic_loss(critics(true), critics(made)).item()
    for _ in range(16):
        optimiser.zero_grad()
        loss = critic_loss(critics(true), critics(made))
        loss.backward()
        optimiser.step()
    real, fooled = critics(true), critics(made)
    assert loss.item() < 0.5 * first
    assert adversarial_loss(fooled) > 1 > adversarial_loss(real)  # above 1: seen through
    assert matching_loss(real, real) == 0 < matching_loss(real, fooled)


def test_an_adversarial_run_resumes_exactly(tiny_run, tmp_path):
    preset = adversarial(tiny_run.preset, batch=2, crop_frames=2)

    def losses(folder, steps):
        run = Trainer(
            CodecStage(preset, tiny_run.cache), TrainConfig(steps=4, learning_rate=1e-3, ema=0.9, warmup=0), folder
        )
        run.resume()
        yield from (run.descend([run.stage.batch(step)])[0] for step in range(run.step, steps))
        run.save()

    whole = list(losses(tmp_path / "whole", 4))
    assert [*losses(tmp_path / "parts", 2), *losses(tmp_path / "parts", 4)] == whole


def test_an_adversarial_run_leaves_a_plain_codec(tiny_run, tmp_path):
    preset = adversarial(tiny_run.preset, batch=2, crop_frames=2, steps=1, minutes=0.0)
    train_codec(preset, tiny_run.cache, tmp_path, workers=0)
    plain = load_codec(tiny_run.preset, tmp_path)  # as if there had been no critics
    assert plain.encode(noise(1, 16 * preset.grid.hop_samples)).shape == (1, preset.grid.latent_channels, 16)


def preset_of(preset, **changes):
    return replace(preset, codec=replace(preset.codec, **changes))


def test_a_sharper_decoder_leaves_latents_as_they_were(tiny_run, tmp_path):
    """What flows were trained on must not move, or nothing that was trained on it fits any more."""
    before = load_codec(tiny_run.preset, tiny_run.codec)
    preset = adversarial(
        tiny_run.preset, batch=2, crop_frames=2, steps=3, minutes=0.0, decoder_only=True, discriminator_windows=(256,)
    )
    train_codec(preset, tiny_run.cache, tmp_path, workers=0, start=tiny_run.codec)
    after = load_codec(tiny_run.preset, tmp_path)
    audio = noise(1, 16 * preset.grid.hop_samples)
    assert torch.equal(before.encode(audio), after.encode(audio))
    assert not torch.equal(before.decode(before.encode(audio)), after.decode(after.encode(audio)))


def test_a_decoder_is_not_trained_beside_an_encoder_of_noise(tiny_run):
    with pytest.raises(ValueError, match="name that run by --start"):
        CodecStage(preset_of(tiny_run.preset, decoder_only=True), tiny_run.cache)


def test_the_codec_listens_to_its_critics_when_the_preset_says_so(tiny_run):
    stage = CodecStage(adversarial(tiny_run.preset, batch=2, crop_frames=2, adversarial_from=0.5), tiny_run.cache)
    plain = CodecStage(preset_of(tiny_run.preset, batch=2, crop_frames=2), tiny_run.cache)
    batch = stage.batch(0)

    def gradients(stage, progress):
        stage.model.zero_grad()
        loss, _ = stage.loss(batch, torch.Generator().manual_seed(0), progress)
        loss.backward()
        heard = [weight.grad.abs().sum().item() for weight in getattr(stage.critics, "parameters", list)()]
        return torch.cat([weight.grad.flatten() for weight in stage.codec.parameters()]), sum(heard)

    early, early_critics = gradients(stage, 0.4)
    late, late_critics = gradients(stage, 0.5)
    torch.testing.assert_close(early, gradients(plain, 0.4)[0], rtol=1e-3, atol=1e-6)
    assert not torch.allclose(late, early, rtol=1e-2)
    assert early_critics == pytest.approx(late_critics, rel=1e-3)
    assert early_critics > 0


def test_batches_hold_single_sources_and_mixtures_of_two(tiny_run, monkeypatch):
    stage = CodecStage(preset_of(tiny_run.preset, mix_sources=2, batch=24), tiny_run.cache)
    counts, singles = [], []
    draw, single = stage.mixer.draw, stage.mixer.single
    monkeypatch.setattr(
        stage.mixer, "draw", lambda rng, samples, count: counts.append(count) or draw(rng, samples, count)
    )
    monkeypatch.setattr(stage.mixer, "single", lambda *args: singles.append(1) or single(*args))
    stage.batch(0)
    assert set(counts) == {2}
    assert len(counts) > stage.pairs
    assert singles


def test_the_latents_of_the_mel_family_are_log_mel_frames(tiny_run):
    grid = tiny_run.preset.grid
    encoder = MelEncoder(grid, tiny_run.preset.codec)
    assert not list(encoder.parameters())
    audio = noise(1, 20 * grid.hop_samples)
    frames, _ = encoder(audio)
    louder, _ = encoder(10 * audio)
    assert frames.shape == (1, grid.latent_channels, 20)
    assert (louder - frames).median().item() == pytest.approx(np.log(10), abs=0.1)


def test_a_vocoder_learns_to_sing_from_mel_frames(tiny_run):
    stage = CodecStage(preset_of(tiny_run.preset, kind="mel"), tiny_run.cache)
    batch, optimiser = stage.batch(0), torch.optim.AdamW(stage.model.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        loss, figures = stage.loss(batch, torch.Generator().manual_seed(0), 0.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(figures["mel"])
    assert losses[-1] < 0.7 * losses[0]


def test_the_mel_family_is_the_same_in_a_graph(tiny_run):
    codec = MixWavCodec(tiny_run.preset.grid, replace(tiny_run.preset.codec, kind="mel")).eval()
    audio = noise(1, 16 * tiny_run.preset.grid.hop_samples)
    with torch.no_grad():
        latents = codec.encode(audio)
        made = codec.decode(latents)
        prepare(codec)
        torch.testing.assert_close(codec.encode(audio), latents, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(codec.decode(latents), made, rtol=1e-3, atol=1e-3)


def test_mel_bands_without_a_bin_are_refused(tiny_run):
    with pytest.raises(ValueError, match="mel bands hold no bin"):
        MelEncoder(replace(tiny_run.preset.grid, latent_channels=400), tiny_run.preset.codec)


def test_an_unknown_family_names_the_others(tiny_run):
    with pytest.raises(ValueError, match="choose one of spectral, oobleck, mel"):
        MixWavCodec(tiny_run.preset.grid, replace(tiny_run.preset.codec, kind="wavelet"))


def test_noise_on_latents_costs_quality_and_the_command_shows_how_much(tiny_run, tmp_path, capsys):
    out = tmp_path / "noise.png"
    assert (
        training(
            ["noise", str(tiny_run.codec), "--cache", str(tiny_run.cache.folder), "--clips", "3", "--out", str(out)]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert out.read_bytes().startswith(b"\x89PNG")
    assert all(f"| {kind} | {level:g} |" in shown for kind in ("single", "mixture") for level in LEVELS)
    codec, preset = load_codec(tiny_run.preset, tiny_run.codec), run_preset(tiny_run.codec)
    assert run_preset(tmp_path, "tiny") == load_preset("tiny")  # of a folder without settings
    audio, mel = clips(preset, tiny_run.cache, "single", 3), MelLoss(preset.grid.rate_hz, 512)
    far = [mel(torch.from_numpy(noisy_round(codec, audio, level)), torch.from_numpy(audio)) for level in (0.0, 6.0)]
    assert far[1] > far[0]


def test_the_frechet_distance_of_decoded_audio_grows_with_the_noise(tiny_run, tmp_path, capsys):
    given = ["noise", str(tiny_run.codec), "--cache", str(tiny_run.cache.folder), "--clips", "3"]
    given += ["--levels", "0", "9", "--tower", str(tiny_run.prompt), "--out", str(tmp_path / "noise.png")]
    assert training(given) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows[0][-1] == "FAD, our towers |"
    near, far = (float(row[-1].removesuffix(" |")) for row in rows[1:3])
    assert 0 < near < far


def test_a_folder_without_a_run_is_one_sentence(tmp_path, capsys):
    assert training(["noise", str(tmp_path), "--out", str(tmp_path / "x.png")]) == 2
    assert "give the folder of a codec or flow run" in capsys.readouterr().err
