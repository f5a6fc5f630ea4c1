"""An LSTM as the one ONNX node that it is; torch would trace each of its steps, which takes minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from training.finetune.graph_values import lstm_to_onnx


class LstmNode(nn.Module):
    """Stands for an LSTM of one layer while a graph is written.

    Its weights are ``W``, ``R`` and ``B``, as ONNX has them and as ``training.finetune.graph_values`` reads them back.
    Run by torch it gives zeros.
    """

    def __init__(self, cell: nn.LSTM) -> None:
        super().__init__()
        state = {name: value.detach().cpu().numpy() for name, value in cell.state_dict().items()}
        for name, value in lstm_to_onnx(state).items():
            self.register_buffer(name, torch.from_numpy(value.copy()))
        self.cells, self.ways = cell.hidden_size, 2 if cell.bidirectional else 1

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """(B, T, I) -> (B, T, ways * H); the state at the end is not given."""
        heard = torch.onnx.ops.symbolic(
            "LSTM",
            (x.transpose(0, 1), self.W, self.R, self.B),
            {"direction": "bidirectional" if self.ways == 2 else "forward", "hidden_size": self.cells},
            dtype=x.dtype,
            shape=(x.shape[1], self.ways, x.shape[0], self.cells),
        )
        return heard.permute(2, 0, 1, 3).flatten(2), None


@contextmanager
def lstm_nodes(module: nn.Module) -> Iterator[None]:
    """While this is open, the module's LSTMs are nodes.

    Those of several layers, projections, other orders of axes or no biases stay what they are, and are traced.
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
