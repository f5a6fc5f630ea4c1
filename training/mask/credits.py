"""Whose sounds the mask decoder was trained on: one line of licence and credit for each source of its stems."""

from __future__ import annotations

import json
from pathlib import Path

from training.data.credits import credits_of

FILE = "credits.json"
START = "Spleeter's pretrained 2-stem networks, where training began: MIT, Copyright 2019-present Deezer SA"


def credits(folders: list[Path]) -> list[str]:
    """Credit lines of all stems in some folders, and of the weights that training began with.

    Raises:
        FileNotFoundError: a source is not among the sounds any more.
    """
    indexes = [index for folder in folders for index in [*folder.glob("*.json"), *folder.glob("*/*.json")]]
    stems = (stem for index in indexes for stem in json.loads(index.read_text("utf-8"))["stems"])
    return [START, *credits_of(stem["source"] for stem in stems)]
