"""Plug-ins and chains over OSC: what can be asked for, and that a message names no file to load."""

import json

import numpy as np
import pytest
import soundfile
from clihelp import write_music

from engine import BUILTINS, ChainEffect, EffectChain, chain_text, list_chains
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import at

SOFTER = chain_text(EffectChain((ChainEffect(builtin="gain", parameters={"gain_db": -6.0}),)))


def rows(caller, address, *args):
    """The replies before the last one, which says how many there were."""
    found = [caller.ask(address, *args)]
    while not found[-1][0].endswith(".end"):
        found.append(caller.next())
    assert found[-1][1] == len(found) - 1
    return found[:-1]


def asked(**named):
    """The arguments of isolate up to the last one that is named."""
    args = [{"id": "j", **named}.get(arg.name, arg.default) for arg in ROWS[at("isolate")].args]
    last = max(place for place, arg in enumerate(ROWS[at("isolate")].args) if arg.name in named)
    return args[: last + 1]


def test_effects_and_chains_can_be_asked_for(caller):
    assert [row[1] for row in rows(caller, at("plugins/list")) if row[2] == "builtin"] == list(BUILTINS)
    assert [row[1] for row in rows(caller, at("plugins/chains"))] == list(list_chains())
    [cutoff] = rows(caller, at("plugins/show"), "highpass")
    assert cutoff[1:4] == ("cutoff_frequency_hz", "Hz", 20.0)
    assert caller.ask(at("plugins/show"), "nothing of that name")[0] == at("error")


def test_a_scan_says_how_many_there_are(caller):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    assert caller.ask(at("plugins/scan")) == (at("plugins/scanned"), 0, 0)


def test_a_job_goes_through_its_chain(caller, settings):
    pytest.importorskip("pedalboard", reason="chains need the extra plugins")
    mix = write_music(settings.roots[0] / "mix.wav")
    caller.say(at("isolate"), *asked(input=str(mix), prompt="violin", chain=SOFTER))
    answer = caller.until(at("done"), at("fail"))
    assert answer[0] == at("done")
    stem_path = answer[3]
    beside = json.loads(open(stem_path.replace(".wav", ".json"), encoding="ascii").read())  # noqa: SIM115
    assert [one["name"] for one in beside["chain_effects"]] == ["gain"]
    assert np.isfinite(soundfile.read(stem_path)[0]).all()


@pytest.mark.parametrize("chain", ["/etc/passwd", "no-such-chain", "../lo-fi"])
def test_a_path_is_no_chain(chain, caller, settings):
    mix = write_music(settings.roots[0] / "mix.wav")
    caller.say(at("isolate"), *asked(input=str(mix), prompt="violin", chain=chain))
    answer = caller.until(at("done"), at("fail"))
    assert answer[0] == at("fail")
    assert answer[2] == "request"
