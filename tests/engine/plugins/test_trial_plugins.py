"""A plug-in that aborts, hangs, chatters or lies costs one effect and one sentence, never this process."""

import numpy as np
import pytest
from pluginhelp import RATE_HZ, click

from engine.errors import RequestError
from engine.plugins.chain import ChainEffect, EffectChain, chain_text, read_chain
from engine.plugins.plugin_library import find_plugin, load_plugin_library, scan_plugins
from engine.plugins.render import plugin_settings

BAD_SAMPLE = 0.875  # at which trial plug-ins turn bad


def loud(samples: int = 30_000) -> np.ndarray:
    audio_CN = click(1000, samples)
    audio_CN[:, 12_000] = BAD_SAMPLE
    return audio_CN


def test_a_scan_survives_what_aborts_and_what_hangs_and_does_not_try_it_again(trial, monkeypatch):
    trial("Abort-load", "Hang-load", "Fast-0-0")
    monkeypatch.setattr("engine.plugins.plugin_library.SCAN_LIMITS_S", {"load": 5.0})
    library = scan_plugins()
    why = {file.name: file.quarantine for file in library.files.values()}
    assert [one.name for one in library.plugins] == ["Fast-0-0"]
    assert "SIGABRT" in why["Abort-load"]
    assert "did not move" in why["Hang-load"]
    monkeypatch.setattr("engine.plugins.plugin_library.scan_file", lambda path, check: pytest.fail(f"loaded {path}"))
    assert scan_plugins() == library == load_plugin_library()


def test_a_plug_in_that_changed_is_scanned_again(trial, monkeypatch):
    [path] = trial("Fast-0-0")
    scan_plugins()
    monkeypatch.setenv("FLUXSTEM_TRIAL_VERSION", "2.0.0")
    assert find_plugin("Fast-0-0").version == "1.0.0"
    (path / "Contents" / "moduleinfo.json").write_text("{}")
    scan_plugins()
    assert find_plugin("Fast-0-0").version == "2.0.0"


@pytest.mark.parametrize(("name", "words"), [("Abort-work", "SIGABRT"), ("Nan-work", "no numbers")])
def test_an_effect_that_breaks_is_left_out_and_said(name, words, trial, render):
    trial(name, "Fast-0-0")
    scan_plugins()
    good = ChainEffect(plugin="Fast-0-0", parameters={"gain": 0.25})
    made_CN, report = render((ChainEffect(plugin=name), good), loud())
    assert np.array_equal(made_CN, loud() * np.float32(0.5))
    assert [one.name for one in report.chain.heard] == ["Fast-0-0"]
    assert words in report.notes[0]
    assert "left out" in report.notes[0]
    with pytest.raises(RequestError, match="quarantine"):
        find_plugin(name)


@pytest.mark.parametrize("name", ["Hang-work", "Chatter-work"])
def test_an_effect_that_does_not_end_is_given_up(name, trial, render, monkeypatch):
    trial(name)
    scan_plugins()
    monkeypatch.setattr("engine.plugins.child.WORDS_LIMIT_BYTES", 1 << 20)
    made_CN, report = render((ChainEffect(plugin=name),), loud(), render=4.0 if name == "Hang-work" else 60.0)
    assert np.array_equal(made_CN, loud())
    assert name in report.notes[0]


@pytest.mark.parametrize(
    ("name", "delay", "lands"),
    [
        ("Late-300-300", None, 0),
        ("Late-100-512", None, 412),  # what it does not say cannot be known
        ("Late-512-100", None, -412),
        ("Late-100-512", 512, 0),
        ("Late-512-100", 100, 0),
    ],
)
def test_delays_are_taken_out_and_lies_can_be_put_right(name, delay, lands, trial, render):
    trial(name)
    scan_plugins()
    at = 10_000
    made_CN, report = render((ChainEffect(plugin=name, delay_samples=delay),), click(at))
    assert made_CN.shape == (2, 30_000)
    assert np.abs(made_CN).argmax(axis=1).tolist() == [at + lands] * 2
    said, real = (int(one) for one in name.split("-")[1:])
    told = any("a click came out" in note for note in report.notes)
    assert told == (said != real and delay is None)


def test_wet_and_dry_are_in_step(trial, render):
    trial("Late-300-300")
    scan_plugins()
    made_CN, _ = render((ChainEffect(plugin="Late-300-300", wet=0.5),), click(10_000))
    assert np.flatnonzero(made_CN[0]).tolist() == [10_000]
    assert made_CN[0, 10_000] == np.float32(0.25)


def test_a_tail_is_as_long_as_asked_and_a_cut_one_is_not_there(render):
    echo = ChainEffect(builtin="delay", parameters={"delay_seconds": 0.5, "feedback": 0.0, "mix": 1.0})
    made_CN, _ = render((echo,), click(29_000), tail_s=1.0)
    assert made_CN.shape == (2, 30_000 + RATE_HZ)
    assert np.abs(made_CN).argmax(axis=1).tolist() == [29_000 + RATE_HZ // 2] * 2
    made_CN, _ = render((echo,), click(29_000))
    assert made_CN.shape == (2, 30_000)
    assert not made_CN.any()


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("name", ["Mono-0-0", "Fast-0-0"])
def test_every_channel_goes_through_its_own_place(name, channels, trial, render):
    trial(name)
    scan_plugins()
    audio_CN = np.random.default_rng(1).uniform(-0.5, 0.5, (channels, 20_000)).astype(np.float32)
    made_CN, _ = render((ChainEffect(plugin=name, parameters={"gain": 0.25}),), audio_CN)
    np.testing.assert_allclose(made_CN, audio_CN * 0.5, rtol=0, atol=1e-7)


def test_what_is_set_is_what_is_saved_and_it_comes_back(trial):
    trial("Fast-0-0")
    scan_plugins()
    usual = plugin_settings(ChainEffect(plugin="Fast-0-0"))
    settings = plugin_settings(ChainEffect(plugin="Fast-0-0", parameters={"gain": 0.75}))
    assert settings.effect.state_sha256 != usual.effect.state_sha256
    for state in (settings.effect.state, settings.preset):
        again = plugin_settings(ChainEffect(plugin="Fast-0-0", state=state))
        assert [row.default for row in again.parameters] == [pytest.approx(0.75)]
        assert again.effect.state_sha256 == settings.effect.state_sha256


def test_it_is_said_when_a_plug_in_is_another_than_the_saved_chain_had(trial, render, monkeypatch):
    trial("Fast-0-0")
    scan_plugins()
    _, report = render((ChainEffect(plugin="Fast-0-0"),), click(100))
    saved = read_chain(chain_text(report.chain))
    _, same = render(saved.effects, click(100))
    assert not same.notes
    monkeypatch.setenv("FLUXSTEM_TRIAL_VERSION", "2.0.0")
    _, other = render(saved.effects, click(100))
    assert "version 2.0.0 now and was 1.0.0" in other.notes[0]


def test_settings_that_it_does_not_have_are_refused_and_it_stays_out_of_quarantine(trial, render):
    trial("Fast-0-0")
    scan_plugins()
    with pytest.raises(RequestError, match="has no parameter 'loud'; it has gain"):
        render((ChainEffect(plugin="Fast-0-0", parameters={"loud": 1.0}),), click(100))
    with pytest.raises(RequestError, match="does not take gain=7"):
        render((ChainEffect(plugin="Fast-0-0", parameters={"gain": 7.0}),), click(100))
    assert find_plugin("Fast-0-0")


def test_a_chain_loads_no_file_that_no_scan_found(trial, tmp_path, monkeypatch, render):
    [path] = trial("Fast-0-0")
    monkeypatch.setattr("engine.plugins.plugin_library.plugin_folders", lambda: [])
    with pytest.raises(RequestError, match="no plug-in Fast-0-0 was found"):
        render((ChainEffect(plugin="Fast-0-0", file=str(path)),), click(100))


def test_what_is_off_need_not_be_installed(render):
    made_CN, report = render((ChainEffect(plugin="Gone", on=False),), click(100))
    assert np.array_equal(made_CN, click(100))
    assert report.effects == []
    assert EffectChain(report.chain.effects).words == "nothing"
