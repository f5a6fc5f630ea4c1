"""Export an LSTM as a single ONNX ``LSTM`` node; torch would trace each of its time steps, which takes minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from training.finetune.graph_values import lstm_to_onnx


class LstmNode(nn.Module):
    """Takes the place of a single-layer LSTM while a graph is exported.

    Its buffers are ``W``, ``R`` and ``B`` in ONNX's layout, which ``training.finetune.graph_values`` reads back. Only
    the exporter understands it: run by torch it gives zeros.
    """

    def __init__(self, cell: nn.LSTM) -> None:
        super().__init__()
        state = {name: value.detach().cpu().numpy() for name, value in cell.state_dict().items()}
        for name, value in lstm_to_onnx(state).items():
            self.register_buffer(name, torch.from_numpy(value.copy()))
        self.hidden, self.directions = cell.hidden_size, 2 if cell.bidirectional else 1

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """(B, T, I) -> (B, T, directions * H); None stands for the final state, which is not exported."""
        states = torch.onnx.ops.symbolic(
            "LSTM",
            (x.transpose(0, 1), self.W, self.R, self.B),
            {"direction": "bidirectional" if self.directions == 2 else "forward", "hidden_size": self.hidden},
            dtype=x.dtype,
            shape=(x.shape[1], self.directions, x.shape[0], self.hidden),
        )
        return states.permute(2, 0, 1, 3).flatten(2), None


@contextmanager
def lstm_nodes(module: nn.Module) -> Iterator[None]:
    """Replace the module's LSTMs by ``LstmNode`` while the context is open.

    LSTMs of several layers, with projections, with time as the first axis or without biases are left alone, and traced.
    """
    found = [
        (parent, name, cell)
        for parent in module.modules()
        for name, cell in parent.named_children()
        if isinstance(cell, nn.LSTM)
        and cell.num_layers == 1 and cell.batch_first and cell.bias and not cell.proj_size
    ]  # fmt: skip
    for parent, name, cell in found:
        parent.add_module(name, LstmNode(cell).train(cell.training))
    try:
        yield
    finally:
        for parent, name, cell in found:
            parent.add_module(name, cell)
