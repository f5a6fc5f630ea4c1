"""Random mask decoders, and runs of them with everything that an export needs."""

from __future__ import annotations

import json

import numpy as np
import torch

from training.mask.band_split import build_network
from training.mask.network import NetworkConfig
from training.mask.queries import AdapterAccuracy, QueryAdapter, save
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, Training

BANDS = {"bands": 16, "query": 24, "describe": 8}
UNET = {"dense": False, "attention": 1}


def network(seed, **settings):
    """A random network whose every layer counts: nothing is zero, and norms have statistics of their own."""
    torch.manual_seed(seed)
    made = build_network(NetworkConfig(terms=len(TERMS), **settings))
    with torch.no_grad():
        for name, value in [*made.named_parameters(), *made.named_buffers()]:
            if name.endswith("running_var"):
                value.uniform_(0.5, 2.0)
            elif value.dtype == torch.float32:
                value.add_(torch.randn_like(value) * (0.2 if "norm" in name else 0.02))
    return made.eval().requires_grad_(False)


def run_of(folder, seed, embedding, **settings):
    """A run of a random decoder with everything that an export needs."""
    made = network(seed, **settings)
    Training(made, MaskConfig(), folder).save()
    rows = np.random.default_rng(seed).standard_normal((len(TERMS), embedding)).round(4)
    terms = {term: row.tolist() for term, row in zip(TERMS, rows, strict=True)}
    torch.manual_seed(seed)
    save(folder, QueryAdapter(made.queries.weight, embedding), {"all": AdapterAccuracy(1, 1.0, 1.0, 0.0)}, terms)
    (folder / "credits.json").write_text(json.dumps([f"song {seed}: CC0-1.0, Nobody; nowhere"]))
    return folder
