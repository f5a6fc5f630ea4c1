"""Chains of real plug-ins, Debian's zam-plugins: length, place, the same again, bounded memory."""

import numpy as np
import psutil
import pytest
from pluginhelp import click

from engine.audio.disk_array import DiskArray
from engine.plugins.chain import ChainEffect, EffectChain
from engine.plugins.plugin_library import find_plugin, scan_plugins
from engine.plugins.render import plugin_settings, render_rows

THREE = ("ZaMaximX2", "ZamEQ2", "ZamCompX2")  # with a delay of its own; mono only; stereo


def test_a_chain_of_three_puts_a_click_where_it_was(zam, render):
    scan_plugins(zam(*THREE))
    assert find_plugin("ZaMaximX2").delay_samples > 0
    assert find_plugin("ZamEQ2").channels == 1
    made_CN, report = render(tuple(ChainEffect(plugin=name) for name in THREE), click(12_345))
    assert made_CN.shape == (2, 30_000)
    assert np.abs(made_CN).argmax(axis=1).tolist() == [12_345] * 2
    assert [one["version"] != "" and len(one["state_sha256"]) for one in report.effects] == [64] * 3


def test_a_chain_of_three_gives_the_same_twice(zam, render):
    scan_plugins(zam(*THREE))
    noise_CN = np.random.default_rng(3).uniform(-0.3, 0.3, (2, 100_001)).astype(np.float32)
    effects = (
        ChainEffect(plugin="ZamCompX2", parameters={"threshold_db": -30.0}),
        ChainEffect(plugin="ZamEQ2", parameters={"boost_cut_1_db": 6.0}),
        ChainEffect(plugin="ZaMaximX2", parameters={"threshold_db": -12.0}),
    )
    first_CN, first = render(effects, noise_CN)
    again_CN, again = render(first.chain.effects, noise_CN)  # from the states that were saved
    assert np.array_equal(first_CN, again_CN)
    assert not np.allclose(first_CN, noise_CN, atol=0.01)
    assert first.effects == again.effects


def test_presets_go_out_and_in(zam):
    scan_plugins(zam("ZamCompX2"))
    made = plugin_settings(ChainEffect(plugin="ZamCompX2", parameters={"threshold_db": -33.0, "ratio": 7.0}))
    assert made.preset.startswith(b"VST3")
    back = plugin_settings(ChainEffect(plugin="ZamCompX2", state=made.preset))
    values = {row.name: row.default for row in back.parameters}
    # pedalboard reads a value to one of a thousand steps.
    assert values["threshold_db"] == pytest.approx(-33.0, abs=0.1)
    assert values["ratio"] == pytest.approx(7.0, abs=0.03)
    assert back.effect.state_sha256 == made.effect.state_sha256
    [threshold] = [row for row in back.parameters if row.name == "threshold_db"]
    assert (threshold.unit, threshold.low, threshold.high) == ("dB", -80.0, 0.0)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(zam, tmp_path):
    scan_plugins(zam(*THREE))
    chain = EffectChain(tuple(ChainEffect(plugin=name) for name in THREE))
    peaks = []
    for seconds in (5, 60):
        with DiskArray(tmp_path, 2) as given:
            for second in range(seconds):
                given.append(np.random.default_rng(second).uniform(-0.3, 0.3, (44_100, 2)).astype(np.float32))
            peak = _PeakOfChildren()
            made, _ = render_rows(chain, given, 44_100, tmp_path, lambda done: None, peak)
            with made:
                assert made.rows == seconds * 44_100
            peaks.append(peak.bytes)
    assert peaks[1] < peaks[0] + (60 << 20), peaks


class _PeakOfChildren:
    """Looks at the memory of the chain's process whenever it is asked whether to go on."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self) -> None:
        for child in psutil.Process().children():
            try:
                self.bytes = max(self.bytes, child.memory_info().rss)
            except psutil.Error:
                continue
