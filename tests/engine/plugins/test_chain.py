"""A chain as a value and as JSON: what is read is what was written, and what cannot be is refused in one sentence."""

import json
from pathlib import Path

import pytest

from engine.errors import EngineError, RequestError
from engine.plugins.builtin_effects import BUILTINS
from engine.plugins.chain import (
    ChainEffect,
    EffectChain,
    chain_json,
    chain_of_json,
    chain_text,
    list_chains,
    read_chain,
    user_chains_folder,
)

FULL = EffectChain(
    (
        ChainEffect(builtin="highpass", parameters={"cutoff_frequency_hz": 80.0}, wet=0.5),
        ChainEffect(plugin="Comp", file="/x/Comp.vst3", version="1.2", state=b"\0\1", state_sha256="ab", on=False),
        ChainEffect(plugin="Late", delay_samples=100, parameters={"mode": "Tape", "sync": True}),
    ),
    "mine",
    1.5,
)


def test_a_chain_comes_back_from_its_json():
    assert chain_of_json(chain_json(FULL), "it") == FULL
    assert read_chain(chain_text(FULL)) == FULL


def test_chains_that_ship_need_no_plug_in():
    chains = list_chains()
    assert {"vocal-clean-up", "drum-punch", "bass-tighten", "de-ess", "lo-fi", "master-safe"} <= set(chains)
    for name in chains:
        assert all(effect.builtin and effect.on for effect in read_chain(name).effects)


def test_a_chain_of_the_users_stands_before_one_that_ships():
    user_chains_folder().mkdir(parents=True)
    (user_chains_folder() / "lo-fi.json").write_text(json.dumps(chain_json(FULL)))
    assert read_chain("lo-fi") == FULL


def test_defaults_of_builtins_are_in_their_ranges():
    for effect in BUILTINS.values():
        for row in effect.parameters:
            assert isinstance(row.default, bool) if row.low is None else row.low <= row.default <= row.high


BAD = {
    "nothing at all": [],
    "no format": {"effects": []},
    "of a newer program": {"fluxstem_chain": 2, "effects": []},
    "a format that is no number": {"fluxstem_chain": True, "effects": []},
    "no effects": {"fluxstem_chain": 1},
    "a key that no chain has": {"fluxstem_chain": 1, "effects": [], "gain": 3},
    "too many effects": {"fluxstem_chain": 1, "effects": [{"builtin": "gain"}] * 33},
    "a tail without end": {"fluxstem_chain": 1, "effects": [], "tail_s": 1e9},
    **{
        f"an effect that is {what}": {"fluxstem_chain": 1, "effects": [effect]}
        for what, effect in {
            "a text": "gain",
            "nameless": {},
            "both": {"builtin": "gain", "plugin": "x"},
            "unknown": {"builtin": "echo"},
            "set to what it does not have": {"builtin": "gain", "parameters": {"loud": 1}},
            "set out of range": {"builtin": "gain", "parameters": {"gain_db": 999}},
            "set to no number": {"builtin": "gain", "parameters": {"gain_db": "loud"}},
            "set to a number where it is a switch": {"builtin": "limiter", "parameters": {"true_peak": 1}},
            "wetter than wet": {"builtin": "gain", "wet": 1.1},
            "neither on nor off": {"builtin": "gain", "on": 1},
            "late by a part of a sample": {"plugin": "x", "delay_samples": 1.5},
            "in a state that is no base64": {"plugin": "x", "state": "!!"},
            "set by a preset elsewhere": {"plugin": "x", "preset": "../secret.vstpreset"},
            "called by a number": {"plugin": 3},
            "said more of than there is": {"plugin": "x", "code": "y"},
        }.items()
    },
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_chain_is_refused(data, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))
    with pytest.raises(RequestError):
        read_chain(str(path))


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    (tmp_path / "torn.json").write_text('{"fluxstem_chain": 1, "eff')
    (tmp_path / "empty.json").write_text("")
    for asked in ("torn.json", "empty.json", "not-there.json", "."):
        with pytest.raises(EngineError):
            read_chain(str(tmp_path / asked))
    with pytest.raises(RequestError, match="vocal-clean-up"):
        read_chain("no-such-chain")
