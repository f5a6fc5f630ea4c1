"""The preset mage-music has every number that MAGE states; the networks are built whole, on a device without memory."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from training.codec.model import MixWavCodec
from training.codec.oobleck import Snake
from training.codec.train import critics_of, load_codec
from training.config import load_preset
from training.flow.modalities import hide_patches
from training.flow.networks import build_network, predicted_slots
from training.flow.task_sampler import sample_task
from training.flow.train import train_config
from training.scene.config import FPS, frames_of
from training.trainer.trainer import TrainConfig, Trainer, rate_at

PRESET = load_preset("mage-music")
SAMPLES, FRAMES, CHANNELS, WIDTH, PICTURES = 64_640, 202, 128, 1024, 47


class Seen:
    """Shapes that went in and out of every part of a network during one pass."""

    def __init__(self, network: nn.Module) -> None:
        self.network, self.inputs, self.outputs = network, {}, {}
        for name, part in network.named_modules():
            part.register_forward_hook(self._note(name))

    def _note(self, name):
        def hook(part, inputs, output):
            self.inputs.setdefault(name, [tuple(x.shape) for x in inputs if isinstance(x, torch.Tensor)])
            self.outputs.setdefault(name, tuple(output.shape) if isinstance(output, torch.Tensor) else None)

        return hook


@pytest.fixture(scope="module")
def codec():
    with torch.device("meta"):
        return MixWavCodec(PRESET.grid, PRESET.codec)


@pytest.fixture(scope="module")
def flow():
    """The flow's network, and what its parts saw while it answered for two rows."""
    with torch.device("meta"):
        seen = Seen(build_network(PRESET))
        x, t = torch.empty(2, 3, CHANNELS, FRAMES), torch.empty(2, 3, FRAMES)
        known, prompt = torch.zeros(2, 3, FRAMES, dtype=torch.bool), torch.empty(2, 3, 768)
        assert seen.network(x, t, known, prompt, torch.empty(2, PICTURES, 512)).shape == x.shape
    return seen


def test_a_clip_of_the_paper_is_202_latents_of_128(codec):
    grid = PRESET.grid
    assert (grid.rate_hz, grid.hop_samples, grid.grid.window_samples) == (11_025, 320, SAMPLES)
    assert grid.rate_hz / grid.hop_samples == pytest.approx(35, abs=0.6)  # "approximately 35 latent tokens per second"
    with torch.device("meta"):
        latents = codec.encode(torch.empty(1, 1, SAMPLES))
        assert latents.shape == (1, CHANNELS, FRAMES)
        assert codec.decode(latents).shape == (1, 1, SAMPLES)


def test_the_codec_is_oobleck_of_width_128_with_weight_norm_snake_and_a_vae_bottleneck(codec):
    convolutions = [m for m in codec.modules() if isinstance(m, (nn.Conv1d, nn.ConvTranspose1d))]
    assert convolutions
    assert all(nn.utils.parametrize.is_parametrized(m, "weight") for m in convolutions)
    assert codec.encoder.layers[0].weight.shape == (128, 1, 7)
    assert codec.encoder.layers[-1].weight.shape[0] == 2 * CHANNELS  # mean and log variance
    assert sum(isinstance(m, Snake) for m in codec.modules()) == 2 * (4 * 7 + 1)
    assert not any(isinstance(m, (nn.ReLU, nn.ELU, nn.LeakyReLU, nn.GELU)) for m in codec.modules())
    strides = [m.stride[0] for m in codec.encoder.modules() if isinstance(m, nn.Conv1d) and m.stride[0] > 1]
    back = [m.stride[0] for m in codec.decoder.modules() if isinstance(m, nn.ConvTranspose1d)]
    assert strides == back[::-1]  # "the decoder mirrors this hierarchy"
    assert np.prod(strides) == 320


def test_the_codec_learns_from_noise_mixtures_of_two_and_stft_discriminators():
    assert PRESET.codec.noise_max > 0
    assert PRESET.codec.mix_sources == PRESET.flow.mix_sources == 2
    assert PRESET.codec.crop_frames == FRAMES
    with torch.device("meta"):
        assert [critic.size for critic in critics_of(PRESET).scales] == [2048, 1024, 512, 256, 128]
    assert min(PRESET.codec.adversarial_weight, PRESET.codec.matching_weight) > 0


def test_target_and_mixture_become_512_each_and_a_token_of_1024(flow):
    for part in ("tokens.target", "tokens.mix"):
        assert flow.inputs[part] == [(2, FRAMES, CHANNELS)]
        assert flow.outputs[part] == (2, FRAMES, 512)
    assert flow.outputs["tokens"] == (2, FRAMES, WIDTH)
    assert flow.network.position.shape == (1, 1 + FRAMES, WIDTH)
    assert isinstance(flow.network.position, nn.Parameter)  # learned


def test_text_is_one_token_of_768_projected_and_prepended(flow):
    assert flow.network.condition.token.weight.shape == (WIDTH, 768)
    assert flow.outputs["condition.token"] == (2, WIDTH)
    assert flow.inputs["down.0"][0] == (2, 1 + FRAMES, WIDTH)


def test_the_transformer_is_a_u_with_long_skips(flow):
    network = flow.network
    assert len(network.down) == len(network.up) == len(network.joins) > 0
    assert len(network.middle) > 0  # "encoder-bottleneck-decoder layout"
    assert all(join.weight.shape == (WIDTH, 2 * WIDTH) for join in network.joins)
    assert all(flow.outputs[f"up.{k}"] == (2, 1 + FRAMES, WIDTH) for k in range(len(network.up)))


def test_pictures_are_47_frames_of_512_at_8_a_second_aligned_to_the_tokens(flow):
    assert FPS == 8
    assert frames_of(PRESET.grid.grid) == PICTURES
    assert PRESET.flow.picture_dim == PRESET.scene.picture == 512
    assert flow.inputs["scene.align"][0] == (2, PICTURES, 512)
    assert flow.outputs["scene.align"] == (2, FRAMES, 512)
    assert (PRESET.flow.avna, PRESET.flow.fusion, PRESET.flow.picture_time) == ("nearest", "cross-gated", "temporal")
    assert flow.outputs["scene.fusions.0"] == (2, 1 + FRAMES, WIDTH)
    assert flow.network.scene.look.weight.shape[1] == 512  # the pooled picture, by the adaptive norm


def test_frames_are_pooled_by_attention_and_the_picture_filters_the_mix(flow):
    assert flow.inputs["scene.pool"] == [(2, PICTURES, 512)]
    assert flow.network.scene.pool.score.weight.shape == (1, 512)  # "Temporal Scene Attention"
    assert flow.outputs["scene.pool"] == (2, 512)
    assert flow.inputs["scene.filter"][0] == (2, CHANNELS, FRAMES)  # "Visual-Aware Mixture Audio Filter"
    assert flow.outputs["scene.filter"] == (2, CHANNELS, FRAMES)


def test_only_the_target_is_made_and_by_its_velocity(flow):
    assert flow.outputs["outward"] == (2, FRAMES, CHANNELS)
    assert predicted_slots(PRESET.flow) == ("STEM",)
    assert (PRESET.flow.objective, PRESET.flow.path, PRESET.flow.times) == ("velocity", "linear", "uniform")


def test_training_has_the_papers_optimiser_batch_clip_and_halving_schedule(tmp_path):
    assert (PRESET.flow.batch * PRESET.flow.parts, PRESET.flow.clip_norm, PRESET.flow.schedule) == (32, 5.0, "halving")
    stage = SimpleNamespace(model=nn.Linear(2, 2), loss=None)
    assert isinstance(Trainer(stage, train_config(PRESET), tmp_path).optimizer, torch.optim.AdamW)
    assert train_config(PRESET).clip_norm == 5.0
    plan = TrainConfig(steps=1000, learning_rate=1.0, schedule="halving", warmup=0)
    rates = [rate_at(plan, 500, progress) for progress in np.linspace(0, 1, 101)]
    assert sorted(set(rates), reverse=True) == [1.0, 0.5, 0.25, 0.125, 0.0625]


def test_seven_two_one_of_ten_draws_are_guided_zero_and_unconditional():
    rng = np.random.default_rng(0)
    drawn = [sample_task(rng, FRAMES, PRESET.masking) for _ in range(3000)]
    regimes = Counter((bool(d.known[0].all()), d.conditioned) for d in drawn)
    shares = {(True, True): 0.7, (False, True): 0.2, (False, False): 0.1}
    assert set(regimes) == set(shares)
    assert all(abs(regimes[regime] / len(drawn) - share) < 0.03 for regime, share in shares.items())
    assert not any(d.known[1].any() for d in drawn)
    masking = PRESET.masking
    assert set(masking.given) == {"words+picture", "words", "picture"}
    assert (masking.still_share, PRESET.flow.prompt_dropout) == (0.25, 0.0)


def test_audiox_mask_ratios_hide_their_share_of_the_input():
    masking = replace(PRESET.masking, hide_picture=0.6, hide_audio=0.6)
    rng = np.random.default_rng(0)
    frames = hide_patches(rng, np.full((4, 64, 64, 3), 255, dtype=np.uint8), masking.hide_picture)
    assert (frames != 255).mean() == pytest.approx(masking.hide_picture, abs=0.05)
    given = [sample_task(rng, FRAMES, masking).known[0].mean() for _ in range(400)]
    heard = [share for share in given if share]
    assert np.mean(heard) == pytest.approx(1 - masking.hide_audio, abs=0.05)


def test_the_codec_is_frozen_while_the_flow_trains(tiny_run):
    codec = load_codec(tiny_run.preset, tiny_run.codec)
    assert not any(weight.requires_grad for weight in codec.parameters())
    assert not codec.training


def test_two_function_evaluations_make_every_answer():
    flow = PRESET.flow
    assert (flow.masked_steps, flow.generative_steps, flow.masked_start) == (2, 2, "noise")


def test_the_mix_is_a_condition_and_an_absent_one_is_zeros():
    """A small network of the same kind, with numbers in it."""
    small = replace(PRESET, flow=replace(PRESET.flow, slot_width=16, heads=2, down=1, middle=1, up=1, picture_dim=0))
    torch.manual_seed(0)
    network = build_network(small).eval()
    for weights in network.parameters():
        nn.init.normal_(weights, std=0.2)
    x, t, prompt = torch.randn(1, 3, CHANNELS, FRAMES), torch.full((1, 3, FRAMES), 0.3), torch.randn(1, 3, 768)
    other = x.clone()
    other[:, 0] = torch.randn(1, CHANNELS, FRAMES)
    known = torch.zeros(1, 3, FRAMES, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(network(x, t, known, prompt)[:, 1], network(other, t, known, prompt)[:, 1])
        known[:, 0] = True
        t[:, 0] = 1.0
        given = network(x, t, known, prompt)
        assert not torch.allclose(given[:, 1], network(other, t, known, prompt)[:, 1])
    torch.testing.assert_close(given[:, 0], x[:, 0])
