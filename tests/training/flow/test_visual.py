"""What a picture does to the flow, and what it must not do."""

from dataclasses import replace

import pytest
import torch

from engine.latents import SLOTS, Slot
from training.config import FLOW_CHOICES, load_preset
from training.flow.model import FluxFormer
from training.flow.visual import FramePooling, MixFilter, VisualAlignment, nearest_frames, one_frame
from training.flow.warm_start import load_start_weights

PRESET = load_preset("tiny")
GRID, EMBEDDING, FRAMES, FEATURES = PRESET.grid, 32, 10, PRESET.flow.picture_dim
FUSIONS, ALIGNMENTS = FLOW_CHOICES["fusion"], FLOW_CHOICES["avna"]


def network(seed: int = 0, **changes: object) -> FluxFormer:
    torch.manual_seed(seed)
    return FluxFormer(GRID, EMBEDDING, replace(PRESET.flow, **changes)).eval()


def trained(**changes: object) -> FluxFormer:
    """A network whose weights are anything but fresh."""
    model = network(**changes)
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.15)
    return model


def given(rows: int = 2) -> tuple[torch.Tensor, ...]:
    """x, t, known, prompt of an isolation half way."""
    dice = torch.Generator().manual_seed(3)
    known = torch.zeros(rows, SLOTS, GRID.window_frames, dtype=torch.bool)
    known[:, Slot.MIX] = True
    x = torch.randn(rows, SLOTS, GRID.latent_channels, GRID.window_frames, generator=dice)
    return x, torch.where(known, 1.0, 0.5), known, torch.randn(rows, SLOTS, EMBEDDING, generator=dice)


def shown(rows: int = 2, seed: int = 4) -> torch.Tensor:
    return torch.randn(rows, FRAMES, FEATURES, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("avna", ALIGNMENTS)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_network_that_learns_to_see_answers_as_before_to_the_bit(fusion, avna, tmp_path):
    blind = network(picture_dim=0)
    for weights in blind.parameters():
        torch.nn.init.normal_(weights, std=0.15)
    torch.save(blind.state_dict(), tmp_path / "flow.pt")
    seeing = network(seed=1, fusion=fusion, avna=avna)
    new = load_start_weights(seeing, tmp_path)
    assert new
    assert all(name.startswith("scene.") for name in new)
    with torch.no_grad():
        before = blind(*given())
        for picture in (None, torch.zeros(2, FRAMES, FEATURES), shown()):
            assert torch.equal(before, seeing(*given(), picture))


def test_a_preset_without_a_picture_has_no_weights_for_one():
    assert not [name for name in network(picture_dim=0).state_dict() if name.startswith("scene.")]
    with pytest.raises(ValueError, match="this network cannot see; leave out the picture"):
        network(picture_dim=0)(*given(), shown())


@pytest.mark.parametrize("avna", ALIGNMENTS)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_zeros_are_taken_as_no_picture_and_a_picture_matters(fusion, avna):
    model = trained(fusion=fusion, avna=avna)
    with torch.no_grad():
        nothing = model(*given())
        torch.testing.assert_close(model(*given(), torch.zeros(2, FRAMES, FEATURES)), nothing)
        seen = model(*given(), shown())
    assert torch.isfinite(seen).all()
    assert (seen - nothing).abs().max() > 1e-3
    assert (seen - model(*given(), shown(seed=5))).abs().max() > 1e-3


@pytest.mark.parametrize("fusion", FUSIONS)
def test_one_row_of_a_batch_may_see_while_another_does_not(fusion):
    model = trained(fusion=fusion)
    picture = shown()
    picture[1] = 0
    with torch.no_grad():
        torch.testing.assert_close(model(*given(), picture)[1], model(*given())[1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("tokens", "frames"), [(128, 41), (202, 47), (32, 10), (5, 9), (1, 1)])
def test_every_token_sees_the_frame_nearest_in_normalised_time(tokens, frames):
    token_s, frame_s = ((torch.arange(n) + 0.5) / n for n in (tokens, frames))
    apart = (token_s[:, None] - frame_s[None]).abs()
    chosen = apart[torch.arange(tokens), nearest_frames(tokens, frames)]
    torch.testing.assert_close(chosen, apart.amin(dim=1))


def test_in_embedding_space_a_token_sees_the_frame_most_like_it():
    align = VisualAlignment("embedding", FEATURES, FEATURES).eval()
    torch.nn.init.eye_(align.asked.weight)
    torch.nn.init.eye_(align.offered.weight)
    frames = torch.eye(FEATURES)[None]
    order = torch.randperm(FEATURES, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(align(frames, frames[:, 0], frames[:, order]), frames[:, order])


def test_frames_that_are_not_there_count_for_nothing_in_the_pooled_picture():
    for kind in FLOW_CHOICES["scene_pooling"]:
        torch.manual_seed(0)
        pool = FramePooling(kind, FEATURES)
        picture = shown()
        padded = torch.cat([torch.zeros(2, 3, FEATURES), picture, torch.zeros(2, 7, FEATURES)], dim=1)
        torch.testing.assert_close(pool(padded), pool(picture))
        assert not pool(torch.zeros(2, FRAMES, FEATURES)).any()


def test_a_still_network_sees_one_visible_frame_throughout():
    picture = shown()
    picture[:, :6] = 0
    still = one_frame(picture)
    torch.testing.assert_close(still, picture[:, 6:7].expand(-1, FRAMES, -1))
    model = trained(picture_time="still")
    with torch.no_grad():
        torch.testing.assert_close(model(*given(), picture), model(*given(), still))


def test_the_mix_is_filtered_only_where_it_is_given():
    filtered = MixFilter(FEATURES, 4, GRID.latent_channels, 2)
    torch.nn.init.normal_(filtered.gate.by_picture.weight)
    mix, heard = torch.randn(1, GRID.latent_channels, 8), torch.zeros(1, 8)
    heard[:, 4:] = 1
    answer = filtered(mix, heard, torch.randn(1, 4, FEATURES), torch.zeros(1, 4))
    torch.testing.assert_close(answer[:, :, :4], mix[:, :, :4])
    ratio = answer[:, :, 4:] / mix[:, :, 4:]
    assert ratio.min() >= 0
    assert ratio.max() <= 2
    assert ratio.std() > 0.1


def test_the_flow_learns_to_take_what_is_seen_to_move():
    """Two sounds that take turns at random; the picture shows when the wanted one sounds."""
    model = network().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    dice = torch.Generator().manual_seed(0)

    def draw() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mix = torch.randn(8, GRID.latent_channels, GRID.window_frames, generator=dice)
        playing = (torch.rand(8, FRAMES, 1, generator=dice) < 0.5).float()
        when = playing[:, nearest_frames(GRID.window_frames, FRAMES), 0]
        return mix, torch.cat([playing, 1 - playing], dim=2).repeat(1, 1, FEATURES // 2), when

    def error(seen: torch.Tensor, mix: torch.Tensor, when: torch.Tensor) -> torch.Tensor:
        known = torch.zeros(8, SLOTS, GRID.window_frames, dtype=torch.bool)
        known[:, Slot.MIX] = True
        x = torch.zeros(8, SLOTS, *mix.shape[1:])
        x[:, Slot.MIX] = mix
        clean = model(x, known.float(), known, torch.zeros(8, SLOTS, EMBEDDING), seen)
        return (clean[:, Slot.STEM] - mix * when[:, None]).square().mean()

    for _ in range(70):
        mix, seen, when = draw()
        optimizer.zero_grad()
        error(seen, mix, when).backward()
        optimizer.step()
    mix, seen, when = draw()
    with torch.no_grad():
        right, blind = error(seen, mix, when).item(), error(torch.zeros_like(seen), mix, when).item()
        swapped = error(1 - seen, mix, 1 - when).item()  # the other one is seen, so the other one is wanted
        wrong = error(1 - seen, mix, when).item()
    assert max(right, swapped) < 0.5 * min(blind, wrong)
