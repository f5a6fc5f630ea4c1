"""The demo: take stems out of a mix, draw what happened, print how good it is. Run by ``make demo``.

It uses the engine's front door and reads the files that come back. Where references are known, the stems are measured
against them. Needs the ``demo`` extra.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from tqdm import tqdm

from engine import AudioError, Done, Engine, EngineError, Event, Progress, Request, StemResult

Audio = npt.NDArray[np.float32]
Levels = npt.NDArray[np.float64]

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"
SHOWN_LIMIT_S = 60.0  # a picture of more than this shows nothing
DIAGONAL = 1e-10  # added to a normalised autocorrelation, so that pure tones have a distortion filter too
FFT_SAMPLES, COLUMNS = 4096, 900  # columns: time steps in a picture
LOWEST_HZ, ROWS = 40.0, 320  # the frequency axis is logarithmic
RANGE_DB = 80.0
TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)
BACKGROUND, INK, MUTED = "#0d1117", "#e6edf3", "#8b949e"


@dataclass(frozen=True, slots=True)
class DemoStem:
    """One prompt of the demo and its result.

    Attributes:
        result: what the engine says of it.
        mix_CN, stem_CN, rest_CN: float32 (channels, samples).
        reference_CN: the true stem; None where it is not known.
        mix_is_sum: True means that the mix is a file that only the engine decodes, so the sum of both stands for it.
    """

    result: StemResult
    mix_CN: Audio
    stem_CN: Audio
    rest_CN: Audio
    reference_CN: Audio | None
    mix_is_sum: bool = False


@dataclass(frozen=True, slots=True)
class StemScores:
    """Quality of one stem against its reference, in dB; ``mix_`` is the untouched mix measured in the same way.

    Attributes:
        sdr_db, mix_sdr_db: BSS-Eval v3 (512-tap distortion filter) of the mono sum.
        si_sdr_db, mix_si_sdr_db: scale-invariant SDR of the mono sum.
    """

    sdr_db: float
    mix_sdr_db: float
    si_sdr_db: float
    mix_si_sdr_db: float


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    args = _parser().parse_args(arguments)
    try:
        import fast_bss_eval  # noqa: F401  (before minutes of work, not after)
        import matplotlib.pyplot  # noqa: F401
    except ImportError as error:
        print(
            f"the demo needs {error.name}; run it by 'make demo' or install the extra: fluxstem[demo]", file=sys.stderr
        )
        return 2
    if args.mix is not None and not args.prompt:
        print('name what to take out of the mix, for example: make demo MIX=song.wav PROMPT="bass"', file=sys.stderr)
        return 2
    mix = args.mix or DEMO / "mix.flac"
    try:
        references = _references() if args.mix is None else {}
        prompts = tuple(args.prompt or references)
        done = _isolate(mix, prompts, args.out, args.bundle, args.device)
        stems = [_stem(mix, result, references.get(result.prompt)) for result in done.results]
    except EngineError as error:
        print(f"fluxstem: {error}", file=sys.stderr)
        return 2
    picture = args.picture or args.out / f"{mix.stem}.png"
    draw(stems, done.results[0].rate_hz, picture)
    _report(done, stems, mix, picture)
    return 0


def measure(stem_CN: Audio, mix_CN: Audio, reference_CN: Audio) -> StemScores:
    """Compare a stem with its reference; silence scores minus infinity.

    Args:
        stem_CN, mix_CN, reference_CN: float32 (channels, samples), all of one shape.

    Source: Vincent, Gribonval, Févotte 2006 (BSS-Eval); Le Roux et al. 2019 (SI-SDR); Scheibler 2021 (fast_bss_eval).
    """
    from fast_bss_eval import numpy as bss_eval  # the package itself wants torch to choose between both

    true_N, stem_N, mix_N = (
        np.asarray(x_CN.mean(axis=0, dtype=np.float64)) for x_CN in (reference_CN, stem_CN, mix_CN)
    )
    if not (true_N.any() and stem_N.any()):
        return StemScores(*[float("-inf")] * 4)
    sdr_2 = [bss_eval.sdr(true_N[None], x_N[None], load_diag=DIAGONAL).item() for x_N in (stem_N, mix_N)]
    si_sdr_2 = [bss_eval.si_sdr(true_N[None], x_N[None]).item() for x_N in (stem_N, mix_N)]
    return StemScores(*sdr_2, *si_sdr_2)


def null_text(mix_CN: Audio, stem_CN: Audio, rest_CN: Audio) -> str:
    """How far stem + rest is from the mix, in words, measured on the written files."""
    difference = np.abs(stem_CN + rest_CN - mix_CN).max(initial=0.0)
    if difference == 0.0:
        return "stem + rest = mix, bit for bit"
    return f"stem + rest - mix peaks at {20 * np.log10(difference):.1f} dBFS"


def _null(stem: DemoStem) -> str:
    if stem.mix_is_sum and stem.result.null_db is not None:
        return f"stem + rest - mix, as the engine measured it: {stem.result.null_db:.1f} dB"
    return null_text(stem.mix_CN, stem.stem_CN, stem.rest_CN)


def spectrogram_db(audio_CN: Audio, rate_hz: int) -> Levels:
    """Level over logarithmic frequency (rows, low to high) and time (columns), in dB."""
    from scipy.signal import spectrogram

    mono_N = np.pad(audio_CN.mean(axis=0, dtype=np.float64), FFT_SAMPLES // 2)
    overlap = FFT_SAMPLES - max(1, (len(mono_N) - FFT_SAMPLES) // COLUMNS)
    bins_hz, _, power_FL = spectrogram(
        mono_N, rate_hz, np.hanning(FFT_SAMPLES), noverlap=overlap, detrend=False, mode="magnitude"
    )
    rows_hz = np.geomspace(LOWEST_HZ, rate_hz / 2, ROWS)
    power_RL = np.stack([np.interp(rows_hz, bins_hz, power_F) for power_F in power_FL.T**2], axis=1)
    return 10.0 * np.log10(power_RL + 1e-16)


def draw(stems: list[DemoStem], rate_hz: int, path: Path) -> None:
    """Draw mix, stem, rest and reference of every prompt into one PNG, all on one dB scale.

    Args:
        stems: one row each; the reference column is there when any of them has one.
        rate_hz: sample rate of all of them.
        path: the PNG; an older one is replaced.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [_panels(stem, rate_hz) for stem in stems]
    columns = max(len(row) for row in rows)
    with plt.style.context("dark_background"), plt.rc_context({"font.size": 10, "figure.facecolor": BACKGROUND}):
        figure, axes = plt.subplots(
            len(rows), columns, figsize=(4.0 * columns + 1, 2.7 * len(rows) + 0.8), squeeze=False, layout="constrained"
        )
        top_db = max(float(level.max()) for row in rows for _, level, _ in row)
        for row, panels in enumerate(rows):
            for column, axis in enumerate(axes[row]):
                if column >= len(panels):
                    axis.set_axis_off()
                    continue
                image = _draw_panel(axis, *panels[column], top_db, rate_hz)
                axis.tick_params(labelleft=column == 0, labelbottom=row == len(rows) - 1)
                if row == len(rows) - 1:
                    axis.set_xlabel("seconds", color=MUTED)
            axes[row][0].set_ylabel("kHz", color=MUTED)
        bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.01, label="dB below the loudest point")
        bar.outline.set_visible(False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=90)
        plt.close(figure)


def _panels(stem: DemoStem, rate_hz: int) -> list[tuple[str, Levels, float]]:
    named = [("mix", stem.mix_CN), (f"stem: {stem.result.prompt}", stem.stem_CN), ("rest", stem.rest_CN)]
    if stem.reference_CN is not None:
        named.append((f"reference: {stem.result.prompt}", stem.reference_CN))
    shown = round(SHOWN_LIMIT_S * rate_hz)
    seconds = min(stem.mix_CN.shape[1], shown) / rate_hz
    return [(title, spectrogram_db(audio_CN[:, :shown], rate_hz), seconds) for title, audio_CN in named]


def _draw_panel(axis: Any, title: str, level_db: Levels, seconds: float, top_db: float, rate_hz: int) -> Any:
    octaves = float(np.log2(rate_hz / 2 / LOWEST_HZ))
    image = axis.imshow(
        level_db - top_db,
        origin="lower",
        aspect="auto",
        extent=(0.0, seconds, 0.0, octaves),
        cmap="magma",
        vmin=-RANGE_DB,
        vmax=0.0,
        interpolation="antialiased",
    )
    ticks_hz = [tick for tick in TICKS_HZ if LOWEST_HZ <= tick <= rate_hz / 2]
    axis.set_yticks([float(np.log2(tick / LOWEST_HZ)) for tick in ticks_hz], [f"{tick / 1000:g}" for tick in ticks_hz])
    axis.set_title(title, color=INK, fontsize=11)
    axis.tick_params(colors=MUTED, length=3)
    axis.spines[:].set_visible(False)
    return image


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine.cli.demo", description="Isolate stems and draw what happened"
    )
    parser.add_argument("--mix", type=Path, help="your own file; left out: the mix that ships")
    parser.add_argument("--prompt", action="append", help="what to take out; may be given more than once")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="folder for the results")
    parser.add_argument(
        "--picture", type=Path, help="where to draw the picture; in the folder of the results if not given"
    )
    parser.add_argument("--bundle", default="small")
    parser.add_argument("--device", default="auto", help="what to run on, as fluxstem takes it")
    return parser


def _references() -> dict[str, Path]:
    """Prompts of the demo mix and the files that hold the true stems."""
    path = DEMO / "demo.json"
    if not path.is_file():
        raise AudioError(
            "the demo mix is not at {demo}; run this from a checkout, or give a mix of your own", demo=DEMO
        )
    rows = json.loads(path.read_text("utf-8"))["stems"]
    return {row["prompt"]: DEMO / row["reference"] for row in rows if "reference" in row}


def _isolate(mix: Path, prompts: tuple[str, ...], out: Path, bundle: str, device: Any) -> Done:
    with tqdm(total=100, desc="isolating", unit="%", bar_format="{l_bar}{bar}| {elapsed}", disable=None) as bar:

        def show(event: Event) -> None:
            if isinstance(event, Progress):
                bar.update(max(0, int(100 * event.fraction) - bar.n))

        request = Request(
            task="isolate", prompts=prompts, input=str(mix), out=str(out), bundle=bundle, device=device, format="wav32f"
        )
        with Engine(on_event=show) as engine:
            return engine.wait(engine.submit(request))


def _stem(mix: Path, result: StemResult, reference: Path | None) -> DemoStem:
    if result.stem is None or result.rest is None:
        raise EngineError(
            "the demo draws a stem and its rest, and {prompt!r} has none: stems that were asked for together share the "
            "mix; name one sound at a time", prompt=result.prompt,
        )  # fmt: skip
    stem_CN, rest_CN = _read(result.stem), _read(result.rest)
    mix_CN = _plain(mix, stem_CN.shape)
    whole_CN = stem_CN + rest_CN if mix_CN is None else mix_CN
    true_CN = None if reference is None else _read(reference)
    return DemoStem(result, whole_CN, stem_CN, rest_CN, true_CN, mix_is_sum=mix_CN is None)


def _plain(path: Path, shape: tuple[int, ...]) -> Audio | None:
    """A sound file; None where libsndfile cannot read it, or reads another length than the engine."""
    try:
        audio_CN = _read(path)
    except soundfile.LibsndfileError:
        return None
    return audio_CN if audio_CN.shape == shape else None


def _read(path: Path | str) -> Audio:
    audio_NC, _ = soundfile.read(str(path), dtype="float32", always_2d=True)
    return np.ascontiguousarray(audio_NC.T, dtype=np.float32)


def _report(done: Done, stems: list[DemoStem], mix: Path, picture: Path) -> None:
    rate_hz, (channels, samples) = done.results[0].rate_hz, stems[0].mix_CN.shape
    seconds = samples / rate_hz
    print(f"{mix.name}: {seconds:.1f} s, {rate_hz} Hz, {channels} channels")
    for stem in stems:
        result = stem.result
        print(f"\n{result.prompt}: {result.stem}")
        print(f"  rest      {result.rest}")
        print(f"  presence  {result.presence:.2f}")
        print(f"  null      {_null(stem)}")
        if stem.reference_CN is None:
            continue
        scores = measure(stem.stem_CN, stem.mix_CN, stem.reference_CN)
        for name, got, before in (
            ("SDR", scores.sdr_db, scores.mix_sdr_db),
            ("SI-SDR", scores.si_sdr_db, scores.mix_si_sdr_db),
        ):
            print(f"  {name:8}  {got:.1f} dB; the mix itself {before:.1f} dB; gained {got - before:+.1f} dB")
    if any(stem.reference_CN is not None for stem in stems):
        print("\nSDR: BSS-Eval v3, 512-tap distortion filter; SI-SDR: scale-invariant; both of the mono sum")
    speed, count = seconds / done.seconds, "1 stem" if len(stems) == 1 else f"{len(stems)} stems"
    print(f"\n{count} in {done.seconds:.2f} s: {speed:.1f} times real time on {done.device}, bundle {done.bundle}")
    print(f"picture: {picture}")


if __name__ == "__main__":
    sys.exit(main())
