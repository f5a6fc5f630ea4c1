"""Each result has a JSON of its own beside it, and that one makes it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clihelp import read, say, write_music

from engine import Engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def made(capsys, engine, bundle, folder, *words) -> dict:
    """Run a task into ``folder / out`` and give its JSON answer back."""
    said = say(capsys, engine, [*words, "--bundle", bundle, "--out", folder / "out", "--json"])
    assert said.code == 0, said.err
    return said.json


def test_every_stem_of_two_arrangements_in_one_folder_lies_beside_its_own_json(engine, toy_bundle, tmp_path, capsys):
    for seed in (1, 2):
        words = ["arrange", "drums", "bass", "--seconds", 0.2, "--seed", seed]
        for result in made(capsys, engine, toy_bundle, tmp_path, *words)["results"]:
            assert Path(result["sidecar"]) == Path(result["stem"]).with_suffix(".json")
            data = json.loads(Path(result["sidecar"]).read_text())
            assert data["seed"] == seed
            assert (data["stem"], data["mix"]) == (Path(result["stem"]).name, Path(result["mix"]).name)
