"""Whose sounds the mask decoder was trained on: one line of licence and credit for each source of its stems.

A checkpoint says what its weights have heard, and so does every checkpoint that goes on from it, learns from it or is a
mean with it: a bundle names everybody, however many runs lie between.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.data.credits import credits_of

FILE = "credits.json"
START = "Spleeter's pretrained 2-stem networks, where training began: MIT, Copyright 2019-present Deezer SA"


@dataclass(frozen=True, slots=True)
class Heard:
    """What weights have heard.

    Attributes:
        sources: of stems, as their labels name them, such as ``bank:kalimba``.
        credits: credit lines that came with weights from elsewhere: of a pretrained network, or of a bundle.
    """

    sources: frozenset[str] = frozenset()
    credits: tuple[str, ...] = ()

    @classmethod
    def read(cls, checkpoint: Path) -> Heard:
        """What a ``mask.pt`` says; of one that says nothing, the lines of the ``credits.json`` beside it.

        Without either it went on from Spleeter's weights, as all did before they said so.
        """
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        if "sources" in state:
            return cls(frozenset(state["sources"]), tuple(state["credits"]))
        beside = checkpoint.with_name(FILE)
        return cls(credits=tuple(json.loads(beside.read_text("utf-8"))) if beside.is_file() else (START,))

    @classmethod
    def together(cls, several: Iterable[Heard]) -> Heard:
        """What several have heard."""
        every = list(several)
        lines = dict.fromkeys(line for one in every for line in one.credits)
        return cls(frozenset().union(*(one.sources for one in every)), tuple(lines))

    def state(self) -> dict[str, list[str]]:
        """As a checkpoint keeps it."""
        return {"sources": sorted(self.sources), "credits": list(self.credits)}

    def lines(self) -> list[str]:
        """The credit lines of all of it.

        Raises:
            FileNotFoundError: a source is not among the sounds any more.
        """
        return list(dict.fromkeys([*self.credits, *credits_of(self.sources)]))


def heard_in(folders: Iterable[Path]) -> Heard:
    """What is heard in folders of rendered stems, and in the folders in them."""
    indexes = [index for folder in folders for index in [*folder.glob("*.json"), *folder.glob("*/*.json")]]
    return Heard(
        frozenset(stem["source"] for index in indexes for stem in json.loads(index.read_text("utf-8"))["stems"])
    )
