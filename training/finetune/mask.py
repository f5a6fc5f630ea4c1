"""The mask decoder of a bundle as the run folder that it was exported from (``training mask``, ``mask-queries``).

Names of the graph's weights are those of torch, in 8 bits as ``NAME.int8`` and ``NAME.scale``, but for three kinds that
the exporter changes: the statistics of batch norms that are equal become one, the places of attention are repeated
over the frames, and the calibration of presence is a number that is added last.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
from torch import Tensor

from engine.bundle.bundle import Bundle
from training.finetune.graph_values import Floats, values_of
from training.finetune.weights import stored_weights
from training.mask.calibrate import Calibration
from training.mask.calibrate import save as save_calibration
from training.mask.credits import FILE as CREDITS_FILE
from training.mask.network import BINS, NetworkConfig, PromptedUNet
from training.mask.queries import FILE as QUERIES_FILE
from training.mask.queries import TERMS_FILE, QueryAdapter
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, Training
from training.trainer.checkpoints import save_atomically

NETWORK, ADAPTER = "network.", "adapter."  # what the exporter puts before the names
PLACES = BINS // 32


def read_mask(bundle: Bundle) -> tuple[PromptedUNet, QueryAdapter, float]:
    """The mask decoder of a bundle, the adapter of its prompts, and what is added to its logits of presence.

    Raises:
        ValueError: the graph is of another network.
    """
    graph = onnx.load(str(bundle.path(bundle.manifest.graphs["mask"].file))).graph
    values = values_of(graph)
    adapter = QueryAdapter(torch.from_numpy(values[f"{ADAPTER}table"]), _embedding(graph))
    network = PromptedUNet(_config(graph, values, adapter))
    values |= _renamed(graph, values) | {f"{NETWORK}queries.weight": values[f"{ADAPTER}table"]}
    for module, prefix in ((adapter, ADAPTER), (network, NETWORK)):
        state = stored_weights(values, module, prefix)
        if state is None:
            raise ValueError(f"the mask graph of {bundle.label} is of another network than training/mask/network.py")
        module.load_state_dict(state)
    return network.eval(), adapter.eval().requires_grad_(False), _last_added(graph, values)


def _embedding(graph: onnx.GraphProto) -> int:
    [prompt] = [value for value in graph.input if value.name == "prompt"]
    return int(prompt.type.tensor_type.shape.dim[1].dim_value)


def _config(graph: onnx.GraphProto, values: dict[str, Floats], adapter: QueryAdapter) -> NetworkConfig:
    return NetworkConfig(
        query=adapter.table.shape[1],
        terms=len(adapter.table),
        describe=len(values[f"{NETWORK}describe_norm.weight"]),
        dense=f"{NETWORK}dense_down.1.norm.weight" in values,
        attention=sum(name.startswith(f"{NETWORK}attend.") and name.endswith("qkv.bias") for name in values),
        estimate="estimate" in {value.name for value in graph.input},
    )


def _renamed(graph: onnx.GraphProto, values: dict[str, Floats]) -> dict[str, Floats]:
    """What the graph holds under another name than the network, under the network's."""
    found: dict[str, Floats] = {}
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            norm = node.input[1].removesuffix(".weight")
            found |= {f"{norm}.running_mean": values[node.input[3]], f"{norm}.running_var": values[node.input[4]]}
    repeated = sorted((name for name in values if name.split("_")[0] == "repeat"), key=lambda name: (len(name), name))
    return found | {f"{NETWORK}attend.{k}.place": values[name][:PLACES] for k, name in enumerate(repeated)}


def _last_added(graph: onnx.GraphProto, values: dict[str, Floats]) -> float:
    """The number that the last node before the output ``presence`` adds; 0 where there is none."""
    [last] = [node for node in graph.node if "presence" in node.output]
    return float(values[last.input[1]]) if last.op_type == "Add" and values[last.input[1]].size == 1 else 0.0


def unpack_mask(bundle: Bundle, run: Path) -> None:
    """``mask.pt`` and what the export wants beside it; the optimiser begins anew.

    Raises:
        ValueError: the graph is of another network, or of other terms.
    """
    network, adapter, bias = read_mask(bundle)
    terms, decoder = bundle.manifest.terms, bundle.manifest.decoder
    assert terms is not None  # the engine refuses a mask graph without terms and decoder
    assert decoder is not None
    known = json.loads(bundle.path(terms.file).read_text("utf-8"))
    if tuple(known) != TERMS:
        raise ValueError(
            f"{bundle.label} knows other terms than training/mask/terms.py has; it cannot be trained further"
        )
    Training(network, MaskConfig(), run).save()
    kept: dict[str, Tensor] = {name: value for name, value in adapter.state_dict().items() if name != "table"}
    save_atomically({"terms": list(TERMS), "adapter": kept, "figures": {}}, run / QUERIES_FILE)
    (run / TERMS_FILE).write_bytes(bundle.path(terms.file).read_bytes())
    (run / CREDITS_FILE).write_text(
        json.dumps(bundle.manifest.attribution, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    save_calibration(run, Calibration(bias=bias, gate_low=decoder.gate_low, gate_high=decoder.gate_high))
