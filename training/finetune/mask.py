"""The mask decoder of a bundle as the run folder that it was exported from (``training mask``, ``mask-queries``).

Names of the graph's weights are those of torch, in 8 bits as ``NAME.int8`` and ``NAME.scale``, but for three kinds that
the exporter changes: the statistics of batch norms that are equal become one, the positional embeddings of attention
are repeated for every frame, and the presence bias is a number that is added last. Of an ensemble the first member is
the run's, and each of the others has a run folder in it, ``beside-1`` and so on: what ``export mask --beside`` takes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

from engine.bundle.bundle import Bundle
from training.finetune.graph_values import TRANSPOSED, Floats, values_of
from training.finetune.weights import stored_weights
from training.mask.band_split import build_network
from training.mask.calibration import Calibration
from training.mask.calibration import save as save_calibration
from training.mask.credits import FILE as CREDITS_FILE
from training.mask.credits import Heard
from training.mask.ensemble import Ensemble, ensemble_of
from training.mask.network import BINS, NetworkConfig, PromptedNetwork
from training.mask.queries import FILE as QUERIES_FILE
from training.mask.queries import TERMS_FILE, QueryAdapter
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, Training
from training.trainer.checkpoints import save_atomically

NETWORK, ADAPTER = "network.", "adapter."  # what the exporter puts before the names
MEMBERS = f"{NETWORK}members."
COARSE_BINS = BINS // 32  # rows of an attention layer's positional embedding


def read_mask(bundle: Bundle) -> tuple[PromptedNetwork, QueryAdapter, float]:
    """The mask decoder of a bundle, the adapter of its prompts, and what is added to its logits of presence.

    Raises:
        ValueError: the graph is of another network.
    """
    graph = onnx.load(str(bundle.path(bundle.manifest.graphs["mask"].file))).graph
    values = values_of(graph)
    adapter = QueryAdapter(torch.from_numpy(values[f"{ADAPTER}table"]), _embedding(graph))
    takes_estimate = "estimate" in {value.name for value in graph.input}
    prefixes = _prefixes(values)
    networks = [build_network(_config(values, prefix, len(adapter.table), takes_estimate)) for prefix in prefixes]
    widths = np.cumsum([network.config.query for network in networks])[:-1]
    tables = zip(prefixes, np.split(values[f"{ADAPTER}table"], widths, axis=1), strict=True)
    values |= _renamed(graph, values, dict(zip(prefixes, networks, strict=True)))
    values |= {f"{prefix}queries.weight": table for prefix, table in tables}
    for module, prefix in ((adapter, ADAPTER), *zip(networks, prefixes, strict=True)):
        state = stored_weights(values, module, prefix)
        if state is None:
            raise ValueError(f"the mask graph of {bundle.label} is of another network than training/mask has")
        module.load_state_dict(state)
    network = ensemble_of([one.eval() for one in networks])
    return network, adapter.eval().requires_grad_(False), _last_added(graph, values)


def _prefixes(values: dict[str, Floats]) -> list[str]:
    """What stands before the names of each network's weights."""
    found = {name.removeprefix(MEMBERS).split(".")[0] for name in values if name.startswith(MEMBERS)}
    return [f"{MEMBERS}{number}." for number in sorted(found, key=int)] or [NETWORK]


def _embedding(graph: onnx.GraphProto) -> int:
    [prompt] = [value for value in graph.input if value.name == "prompt"]
    return int(prompt.type.tensor_type.shape.dim[1].dim_value)


def _config(values: dict[str, Floats], prefix: str, terms: int, takes_estimate: bool) -> NetworkConfig:
    mine = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    choose = mine["choose.weight"] if "choose.weight" in mine else mine[f"choose.weight{TRANSPOSED}"].T
    query, describe = choose.shape[1], mine["describe_norm.weight"].size
    if "band" in mine:
        return NetworkConfig(query=query, terms=terms, describe=describe, bands=mine["band"].shape[-1])
    return NetworkConfig(
        query=query,
        terms=terms,
        describe=describe,
        dense="dense_down.1.norm.weight" in mine,
        attention=sum(name.startswith("attend.") and name.endswith("qkv.bias") for name in mine),
        estimate=takes_estimate,
        recurrent=any(name.startswith("recur.") for name in mine),
        low=mine["low.into.bias"].size if "low.into.bias" in mine else 0,
    )


def _renamed(
    graph: onnx.GraphProto, values: dict[str, Floats], networks: dict[str, PromptedNetwork]
) -> dict[str, Floats]:
    """What the graph holds under another name than the networks, under theirs."""
    found: dict[str, Floats] = {}
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            norm = node.input[1].removesuffix(".weight")
            found |= {f"{norm}.running_mean": values[node.input[3]], f"{norm}.running_var": values[node.input[4]]}
    repeated = sorted((name for name in values if name.split("_")[0] == "repeat"), key=lambda name: (len(name), name))
    embeddings = [
        f"{prefix}attend.{k}.place" for prefix, one in networks.items() if not one.config.bands
        for k in range(one.config.attention)
    ]  # fmt: skip
    return found | {ours: values[theirs][:COARSE_BINS] for ours, theirs in zip(embeddings, repeated, strict=False)}


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
    sources = set(bundle.manifest.trained_on)  # other credits are of experts, which are not unpacked
    credits = [line for line in bundle.manifest.attribution if line.split(":", 1)[0] in sources]
    first, *others = network.networks() if isinstance(network, Ensemble) else [network]
    for number, one in enumerate([first, *others]):
        training = Training(one, MaskConfig(), run / f"beside-{number}" if number else run)
        training.heard = Heard(credits=tuple(credits))
        training.save()
    kept: dict[str, Tensor] = {name: value for name, value in adapter.state_dict().items() if name != "table"}
    save_atomically({"terms": list(TERMS), "adapter": kept, "figures": {}}, run / QUERIES_FILE)
    (run / TERMS_FILE).write_bytes(bundle.path(terms.file).read_bytes())
    (run / CREDITS_FILE).write_text(json.dumps(credits, indent=1, ensure_ascii=False) + "\n", "utf-8")
    presence = Calibration(
        bias=bias, gate_low=decoder.gate_low, gate_high=decoder.gate_high, networks=1 + len(others)
    )  # fmt: skip
    save_calibration(run, presence)
