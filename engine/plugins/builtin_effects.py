"""The effects that come with pedalboard, as a table: a chain of these alone needs no plug-in to be installed.

Names and units of parameters are pedalboard's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One parameter of an effect.

    Attributes:
        name: as chains spell it.
        unit: "" for none.
        low, high: range of a number, both ends included; None for one that is no number.
        default: what it is when nothing is said.
        step: of a number that has steps, None for one that has none.
        choices: the only texts allowed; empty means that it is no text.
        label: for people; "" means the name.
    """

    name: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    default: float | str | bool = 0.0
    step: float | None = None
    choices: tuple[str, ...] = ()
    label: str = ""

    @property
    def said(self) -> str:
        """How people call it."""
        return self.label or self.name.removesuffix(f"_{self.unit.lower()}").replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class BuiltinEffect:
    """One effect of pedalboard.

    Attributes:
        class_name: in pedalboard.
        doc: a few words.
        parameters: in the order they are shown.
    """

    class_name: str
    doc: str
    parameters: tuple[ParameterSpec, ...]

    def parameter(self, name: str) -> ParameterSpec | None:
        """The parameter of that name, None where there is none."""
        return next((one for one in self.parameters if one.name == name), None)


def _hz(default: float, name: str = "cutoff_frequency_hz") -> ParameterSpec:
    return ParameterSpec(name, "Hz", 20.0, 20_000.0, default)


def _db(name: str, low: float, high: float, default: float) -> ParameterSpec:
    return ParameterSpec(name, "dB", low, high, default)


def _ms(name: str, low: float, high: float, default: float) -> ParameterSpec:
    return ParameterSpec(name, "ms", low, high, default)


def _share(name: str, default: float, low: float = 0.0, high: float = 1.0) -> ParameterSpec:
    return ParameterSpec(name, "", low, high, default)


_GAIN, _Q = _db("gain_db", -40.0, 40.0, 0.0), ParameterSpec("q", "", 0.1, 20.0, 0.7071, label="Q")
_RATE = ParameterSpec("rate_hz", "Hz", 0.01, 20.0, 1.0)
_RATIO = ParameterSpec("ratio", "", 1.0, 100.0, 1.0)

# fmt: off
BUILTINS: dict[str, BuiltinEffect] = {
    "gain": BuiltinEffect("Gain", "louder or softer", (_db("gain_db", -80.0, 40.0, 0.0),)),
    "highpass": BuiltinEffect("HighpassFilter", "takes away what is low, 6 dB per octave", (_hz(50.0),)),
    "lowpass": BuiltinEffect("LowpassFilter", "takes away what is high, 6 dB per octave", (_hz(10_000.0),)),
    "low-shelf": BuiltinEffect("LowShelfFilter", "lifts or lowers the lows", (_hz(200.0), _GAIN, _Q)),
    "high-shelf": BuiltinEffect("HighShelfFilter", "lifts or lowers the highs", (_hz(6000.0), _GAIN, _Q)),
    "peak": BuiltinEffect("PeakFilter", "lifts or lowers around a frequency", (_hz(1000.0), _GAIN, _Q)),
    "compressor": BuiltinEffect("Compressor", "evens out loud and soft", (
        _db("threshold_db", -60.0, 0.0, 0.0), _RATIO, _ms("attack_ms", 0.1, 500.0, 1.0),
        _ms("release_ms", 1.0, 5000.0, 100.0))),
    "gate": BuiltinEffect("NoiseGate", "shuts where it is soft", (
        _db("threshold_db", -100.0, 0.0, -100.0), ParameterSpec("ratio", "", 1.0, 100.0, 10.0),
        _ms("attack_ms", 0.1, 500.0, 1.0), _ms("release_ms", 1.0, 5000.0, 100.0))),
    "limiter": BuiltinEffect("BrickwallLimiter", "lets nothing over a ceiling", (
        _db("ceiling_db", -20.0, 0.0, -1.0), _ms("release_ms", 1.0, 1000.0, 100.0),
        _ms("lookahead_ms", 0.5, 20.0, 5.0), ParameterSpec("true_peak", default=False, label="True peak"))),
    "clipping": BuiltinEffect("Clipping", "cuts off what is over a level", (_db("threshold_db", -40.0, 0.0, -6.0),)),
    "distortion": BuiltinEffect("Distortion", "bends the wave with a tanh curve", (_db("drive_db", 0.0, 60.0, 25.0),)),
    "bitcrush": BuiltinEffect("Bitcrush", "rounds to few bits",
                              (ParameterSpec("bit_depth", "", 1.0, 32.0, 8.0, label="Bits"),)),
    "chorus": BuiltinEffect("Chorus", "several voices of one", (
        _RATE, _share("depth", 0.25), _ms("centre_delay_ms", 1.0, 100.0, 7.0),
        _share("feedback", 0.0, -0.99, 0.99), _share("mix", 0.5))),
    "phaser": BuiltinEffect("Phaser", "notches that sweep", (
        _RATE, _share("depth", 0.5), _hz(1300.0, "centre_frequency_hz"),
        _share("feedback", 0.0, -0.99, 0.99), _share("mix", 0.5))),
    "delay": BuiltinEffect("Delay", "echoes", (
        ParameterSpec("delay_seconds", "s", 0.0, 10.0, 0.5, label="Delay"), _share("feedback", 0.0, 0.0, 0.99),
        _share("mix", 0.5))),
    "reverb": BuiltinEffect("Reverb", "a room around it", (
        _share("room_size", 0.5), _share("damping", 0.5), _share("wet_level", 0.33), _share("dry_level", 0.4),
        _share("width", 1.0))),
}
# fmt: on
