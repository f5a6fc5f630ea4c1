"""Shared by both converters: reading weights safely, exporting a tower, reference inputs with outputs.

A converter is called as ``python -m training.pretrained.package.from_... CHECKPOINT MODEL FOLDER`` and writes

    NAME.pt2     a captured tower, any batch
    asked.pt     questions and the package's own answers to them: tensors by name
    tower.json   sizes and settings; written last
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.pretrained.convert import FAILED, load_tensors

ASKED = "asked.pt"
SETTINGS = "tower.json"
LARGEST_BATCH = 1024


def capture(tower: nn.Module, examples: dict[str, Tensor], path: Path) -> None:
    """Write a tower as a program; the first axis of every input stays free.

    Args:
        tower: takes the examples in their order, under their names.
        examples: a batch of at least 2, for torch takes a 1 for a constant.
    """
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    program = torch.export.export(
        tower.eval().requires_grad_(False),
        tuple(examples.values()),
        dynamic_shapes={name: {0: batch} for name in examples},
        strict=False,
    )
    program.example_inputs = None  # or they are kept in the file
    torch.export.save(program, path)


def write(folder: Path, settings: dict[str, Any], asked: dict[str, Tensor]) -> None:
    """Write questions with answers, then the settings, whose presence says that all is there."""
    torch.save({name: value.detach().contiguous() for name, value in asked.items()}, folder / ASKED)
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", "utf-8")


def weights(checkpoint: Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint, without what data-parallel training puts before every name."""
    if checkpoint.suffix == ".safetensors":
        from safetensors.torch import load_file

        state = dict(load_file(str(checkpoint)))
    else:
        state = load_tensors(checkpoint)
    return {name.removeprefix("module."): value for name, value in state.items()}


def loaded(model: nn.Module, state: dict[str, Tensor], name: str, made: Callable[[str], bool]) -> None:
    """Put a checkpoint into a model; every weight must be there and nothing else.

    Args:
        state: tensors by the package's names.
        name: of the model, for the message.
        made: True for a name that the package computes, so that it may be missing or left over.

    Raises:
        ValueError: the checkpoint is another model's.
    """
    own = model.state_dict()
    wrong = [key for key in own.keys() & state.keys() if own[key].shape != state[key].shape and not made(key)]
    lost = [key for key in own if key not in state and not made(key)] + wrong
    over = [key for key in state if key not in own and not made(key)]
    if lost or over:
        some = ", ".join(sorted([*lost, *over])[:3])
        raise ValueError(
            f"the checkpoint is not one of {name}: {len(lost)} weights missing or of another shape, {len(over)} left "
            f"over ({some})"
        )
    fitting = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    model.load_state_dict({key: value for key, value in fitting.items() if key in own and not made(key)}, strict=False)


def run(convert: Callable[[Path, str, Path], None], argv: list[str]) -> int:
    """Convert; what is wrong is the last line of standard error, and exit code 2."""
    checkpoint, model, folder = argv
    try:
        with torch.no_grad():
            convert(Path(checkpoint), model, Path(folder))
    except pickle.UnpicklingError:
        print("it holds more than weights: code that runs when it is read; only weights are taken", file=sys.stderr)
        return FAILED
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, EOFError) as error:
        print(str(error).strip().splitlines()[0] if str(error).strip() else repr(error), file=sys.stderr)
        return FAILED
    return 0
