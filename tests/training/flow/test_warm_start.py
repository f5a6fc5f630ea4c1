"""A run that starts from another, learns fewer steps from it, or is held to add up."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.latents import SLOTS, Slot
from training.config import load_preset
from training.flow.distil import DistillationSchedule, distillation_target, generative_rows
from training.flow.losses import additivity_loss
from training.flow.networks import build_network
from training.flow.train import load_teacher, main
from training.flow.warm_start import FLOW_FILE, FRESH, averaged_weights, load_start_weights
from training.trainer.trainer import CHECKPOINT, TrainConfig, Trainer

PRESET = load_preset("tiny")


def network(**changes: object) -> nn.Module:
    return build_network(replace(PRESET, flow=replace(PRESET.flow, **changes)))


class Still:
    """A stage that has a flow without a picture and never learns."""

    def __init__(self) -> None:
        torch.manual_seed(7)
        self.model = network(picture_dim=0)

    def batch(self, step: int) -> None:
        return None

    def loss(self, batch: None, generator: torch.Generator, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        return torch.zeros(()), {}


def unfinished(folder, ema: float, stage: Still | None = None) -> Trainer:
    """A run with a checkpoint, whose average is not its last weights."""
    run = Trainer(stage or Still(), TrainConfig(steps=2, learning_rate=0.1, ema=ema), folder)
    for mean in run.average:
        mean.add_(1.0)
    run.save()
    return run


def test_an_unfinished_run_gives_its_moving_average(tmp_path):
    run = unfinished(tmp_path, ema=0.9)
    model = network()
    load_start_weights(model, tmp_path)
    held = model.state_dict()
    for name, weights in run.stage.model.state_dict().items():
        torch.testing.assert_close(held[name], weights + 1)


def test_a_run_without_an_average_gives_its_weights(tmp_path):
    run = unfinished(tmp_path, ema=0.0)
    for name, weights in averaged_weights(tmp_path).items():
        torch.testing.assert_close(weights, run.stage.model.state_dict()[name])


class Blinkered(Still):
    """A stage whose flow sees, with eyes that stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.model = network()
        for name, weights in self.model.named_parameters():
            weights.requires_grad_(not name.startswith(FRESH))


def test_a_run_with_frozen_eyes_gives_the_average_of_all_else_and_its_eyes(tmp_path):
    run = unfinished(tmp_path, ema=0.9, stage=Blinkered())
    found = averaged_weights(tmp_path)
    for name, weights in run.stage.model.state_dict().items():
        torch.testing.assert_close(found[name], weights if name.startswith(FRESH) else weights + 1)
    assert load_start_weights(network(), tmp_path) == []


def test_a_checkpoint_that_does_not_name_its_averages_gives_way_to_the_finished_flow(tmp_path):
    run = unfinished(tmp_path, ema=0.9, stage=Blinkered())
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    del state["averaged"]
    torch.save(state, tmp_path / CHECKPOINT)
    with pytest.raises(ValueError, match="do not fit its network; start from another checkpoint"):
        averaged_weights(tmp_path)
    finished = run.averaged().state_dict()
    torch.save(finished, tmp_path / FLOW_FILE)
    found = averaged_weights(tmp_path)
    assert all(torch.equal(found[name], weights) for name, weights in finished.items())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slot_width": 32}, "only a picture may be new"),
        ({"middle": 2}, "lacks middle.1"),
        ({"middle": 0}, "has no place for middle.0"),
    ],
)
def test_a_run_of_another_shape_is_refused_and_nothing_is_loaded(changes, said, tmp_path):
    torch.save(network().state_dict(), tmp_path / "flow.pt")
    model = network(**changes)
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    with pytest.raises(ValueError, match=said):
        load_start_weights(model, tmp_path)
    assert all(torch.equal(before[name], weights) for name, weights in model.state_dict().items())


def test_a_folder_without_a_flow_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no {CHECKPOINT} and no flow.pt"):
        load_start_weights(network(), tmp_path)


def test_the_student_is_led_to_where_the_teacher_lands():
    """The teacher's clean latents depend on time, so many steps of it and one lead to different places."""
    known = torch.zeros(3, SLOTS, 8, dtype=torch.bool)
    known[:, Slot.REST] = True
    clean, noise = torch.randn(3, SLOTS, 4, 8), torch.randn(3, SLOTS, 4, 8)

    class Turning(nn.Module):
        def forward(self, x: torch.Tensor, t: torch.Tensor, known: torch.Tensor, prompt: torch.Tensor) -> torch.Tensor:
            return clean * (1 + t[:, :, None])

    number = torch.tensor([0.0, 1.0, 1.0])
    prompt = torch.zeros(3, SLOTS, 2)
    x, t, target = distillation_target(Turning(), DistillationSchedule(2, 8), clean, known, (prompt,), noise, number)
    torch.testing.assert_close(t[:, Slot.STEM, 0], number / 2)
    torch.testing.assert_close(target[:, Slot.REST], clean[:, Slot.REST])
    place, now = x.clone(), t.clone()
    for _ in range(4):
        move = (clean * (1 + now[:, :, None]) - place) / torch.clamp(1 - now[:, :, None], min=1e-2)
        place, now = torch.where(known[:, :, None], place, place + move / 8), torch.where(known, now, now + 1 / 8)
    landed = x + 0.5 * (target - x) / torch.clamp(1 - t[:, :, None], min=1e-2)
    torch.testing.assert_close(landed[:, Slot.STEM], place[:, Slot.STEM], atol=1e-5, rtol=1e-4)
    single = x + 0.5 * (clean * (1 + t[:, :, None]) - x) / torch.clamp(1 - t[:, :, None], min=1e-2)
    assert (single[:, Slot.STEM] - place[:, Slot.STEM]).abs().max() > 1e-2


def test_tasks_that_are_given_the_mix_are_not_distilled():
    known = torch.zeros(3, SLOTS, 8, dtype=torch.bool)
    known[0, Slot.MIX] = True
    known[2, Slot.MIX, :5] = True  # a gap in a whole mix is filled
    assert generative_rows(known).tolist() == [False, True, True]


def test_a_distilled_schedule_keeps_its_teacher_and_asks_for_one(tmp_path):
    preset = replace(PRESET, flow=replace(PRESET.flow, distil_steps=2))
    with pytest.raises(ValueError, match="need a finished flow; give its run with --start RUN"):
        load_teacher(preset, tmp_path / "run", None)
    torch.save(network().state_dict(), tmp_path / "flow.pt")
    teacher = load_teacher(preset, tmp_path / "run", tmp_path)
    again = load_teacher(preset, tmp_path / "run", None)
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), again.parameters(), strict=True))
    with pytest.raises(ValueError, match="teacher_steps 8 must be a multiple of distil_steps 3"):
        replace(PRESET.flow, distil_steps=3)


class Linear:
    """A codec in which latents add up."""

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents.transpose(1, 2).flatten(1)[:, None]


def test_stem_and_rest_that_add_up_cost_nothing():
    stem, rest = torch.randn(2, 2, 64, 32).unbind(1)
    clean = torch.stack([stem + rest, stem, rest], dim=1)
    assert additivity_loss(Linear(), clean).item() == pytest.approx(0, abs=1e-5)
    silent = clean.clone()
    silent[:, Slot.REST] = 0
    silent.requires_grad_(True)
    loss = additivity_loss(Linear(), silent)
    assert loss.item() > 0.3
    loss.backward()
    assert silent.grad is not None
    assert torch.isfinite(silent.grad).all()
    assert torch.isfinite(additivity_loss(Linear(), torch.zeros_like(clean)))


def test_the_command_line_refuses_a_start_that_is_none(tmp_path, capsys):
    argv = ["--preset", "tiny", "--start", str(tmp_path / "nowhere"), "--out", str(tmp_path / "run")]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        main(argv)
    assert not (tmp_path / "run").exists()
