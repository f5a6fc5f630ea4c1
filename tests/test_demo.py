"""The demo's own promises: its figures are the well-known ones, its picture is there, its mistakes are one sentence."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toybundle import write_toy_bundle

from engine import StemResult
from engine.cli import demo

RATE_HZ = 8000


def pair(seed: int = 0, seconds: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Two float32 (2, samples) sources with coloured spectra."""
    generator = np.random.default_rng(seed)
    noise_SCN = generator.standard_normal((2, 2, round(seconds * RATE_HZ))).astype(np.float32)
    low_CN = np.cumsum(noise_SCN[0], axis=1)
    low_CN -= low_CN.mean(axis=1, keepdims=True)
    return 0.2 * low_CN / np.abs(low_CN).max(), 0.05 * noise_SCN[1]


def piece(prompt: str, reference: bool = True) -> demo.DemoStem:
    low_CN, high_CN = pair()
    mix_CN = low_CN + high_CN
    stem_CN = (low_CN + np.float32(0.1) * high_CN).astype(np.float32)
    result = StemResult(
        prompt=prompt, stem="s", rest="r", sidecar="j", null_db=-300.0, presence=1.0, gain_db=0.0, level_db=-1.0
    )
    return demo.DemoStem(result, mix_CN, stem_CN, mix_CN - stem_CN, low_CN if reference else None)


def test_sdr_is_that_of_bss_eval_v3():
    from mir_eval.separation import bss_eval_sources

    one = piece("low")
    true_SN = np.stack([one.reference_CN.mean(0), (one.mix_CN - one.reference_CN).mean(0)]).astype(np.float64)
    got_SN = np.stack([one.stem_CN.mean(0), one.rest_CN.mean(0)]).astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = bss_eval_sources(true_SN, got_SN, compute_permutation=False)[0][0]
    scores = demo.measure(one.stem_CN, one.mix_CN, one.reference_CN)
    assert scores.sdr_db == pytest.approx(expected, abs=0.02)
    assert scores.si_sdr_db > scores.mix_si_sdr_db


def test_scale_does_not_change_either_figure():
    one = piece("low")
    loud = demo.measure(3 * one.stem_CN, one.mix_CN, one.reference_CN)
    plain = demo.measure(one.stem_CN, one.mix_CN, one.reference_CN)
    assert (loud.sdr_db, loud.si_sdr_db) == pytest.approx((plain.sdr_db, plain.si_sdr_db), abs=1e-3)


def test_a_pure_tone_can_be_measured():
    tone_CN = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)[None].astype(np.float32)
    noisy_CN = tone_CN + 0.1 * pair()[1][:1, :RATE_HZ]
    assert 20 < demo.measure(noisy_CN, noisy_CN, tone_CN).sdr_db < 60


def test_silence_has_no_sdr():
    low_CN, _ = pair()
    assert demo.measure(np.zeros_like(low_CN), low_CN, low_CN).sdr_db == float("-inf")


def test_the_null_is_named_as_what_it_is():
    low_CN, high_CN = np.float32([[0.5, -0.25]]), np.float32([[0.25, 0.125]])
    assert demo.null_text(low_CN + high_CN, low_CN, high_CN) == "stem + rest = mix, bit for bit"
    assert "dBFS" in demo.null_text(low_CN + high_CN + np.float32(1e-3), low_CN, high_CN)


@pytest.mark.parametrize("reference", [True, False])
def test_the_picture_is_drawn(tmp_path: Path, reference: bool):
    path = tmp_path / "new folder" / "picture.png"
    demo.draw([piece("low", reference), piece("high", reference)], RATE_HZ, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_tone_stands_at_its_pitch():
    time_N = np.arange(2 * RATE_HZ) / RATE_HZ
    tone_CN = np.sin(2 * np.pi * 1000 * time_N, dtype=np.float64)[None].astype(np.float32)
    level_RL = demo.spectrogram_db(tone_CN, RATE_HZ)
    rows_hz = np.geomspace(demo.LOWEST_HZ, RATE_HZ / 2, demo.ROWS)
    assert rows_hz[level_RL.mean(axis=1).argmax()] == pytest.approx(1000, rel=0.02)


def test_a_mix_without_a_prompt_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert demo.main(["--mix", str(tmp_path / "song.wav"), "--out", str(tmp_path / "out")]) == 2
    assert "PROMPT" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_mix_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert demo.main(["--mix", str(tmp_path / "none.wav"), "--prompt", "bass", "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["m4a", "mp3", "wav"])
def test_whatever_the_engine_reads_can_be_the_mix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fluxstem, suffix: str
):
    """M4A and films are decoded by the engine alone, and an MP3's length is what decodes."""
    bundle = write_toy_bundle(tmp_path / "toy")
    song = tmp_path / "song.wav"
    soundfile.write(song, 0.1 * np.random.default_rng(0).standard_normal((66_150, 2)), 44_100)
    if suffix != "wav":
        words = ("--format", suffix, "--bundle", bundle, "--out", tmp_path / "made", "--json")
        made, said = fluxstem("isolate", song, "everything", "--literal", *words)
        assert made.returncode == 0, made.stderr
        song = Path(said["stem"])
    out = tmp_path / "out"
    assert demo.main(["--mix", str(song), "--prompt", "violin", "--bundle", str(bundle), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "44100 Hz, 2 channels" in said
    assert "null " in said
    assert list(out.glob("*.png"))


def test_stems_that_share_a_mix_are_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bundle = write_toy_bundle(tmp_path / "toy", senses=("asks",))
    song = tmp_path / "song.wav"
    soundfile.write(song, 0.1 * np.random.default_rng(0).standard_normal((22_050, 2)), 44_100)
    words = ["--mix", str(song), "--prompt", "violin", "--prompt", "the rest", "--bundle", str(bundle)]
    assert demo.main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "name one sound at a time" in capsys.readouterr().err


def test_figures_need_no_torch():
    """``make demo`` installs none."""
    code = (
        "import sys; sys.modules['torch'] = None; import numpy as np; from engine.cli import demo; "
        "x, noise = np.random.default_rng(0).standard_normal((2, 2, 44100)).astype(np.float32); "
        "print(round(demo.measure(x + noise / 10, noise, x).si_sdr_db))"
    )
    root = Path(__file__).parents[1]
    said = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "20", said.stderr
