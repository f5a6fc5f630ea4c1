"""A request: one thing to do, and everything that decides the samples of its result.

Each field is a row of the options table; see ``engine.options.Option`` for what a row says.
"""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal

from engine.latents import Slot
from engine.options import Option, option, options_of
from engine.stem_sets import STEM_SETS
from engine.tasks import SLOT_NAMES, TASKS, KnownPart, Span, TaskRule, turned

Render = Literal["masked", "flow", "decoded"]
Precision = Literal["float32", "tf32", "float16", "bfloat16"]
Device = str  # one of ``DEVICES``, or one of several of its kind: ``cuda:1``
DEVICES = ("auto", "cpu", "cuda", "tensorrt", "rtx", "openvino", "webgpu", "coreml", "directml")
Start = Literal["zeros", "noise"]
Voice = Literal["flow", "sampled"]
Format = Literal["same", "wav16", "wav24", "wav32f", "flac", "aiff", "mp3", "ogg", "opus", "m4a"]

EXAMPLE_KINDS = {
    "image": "picture of what you want; of a video, its first frame",
    "video": "video that runs along with the input and shows who plays when",
    "audio": "sound like the one you want; of a video, its soundtrack",
}
CONDITIONS = ("prompt", "mix-prompt", "rest-prompt", "picture")  # what can be said besides the audio that is given
SHORTEST_REGION_S = 0.01

_TIMES = "in seconds or samples, e.g. 12.5-20.0, 1:05-1:20 or 480000smp-960000smp"
_REGION_DOC = {
    Span.NO: f"part to work on, {_TIMES}; repeat it for several, each with files of its own",
    Span.OPTIONAL: f"part to change, {_TIMES}; repeat it for several",
    Span.REQUIRED: f"part to fill, {_TIMES}; repeat it for several",
}
_INPUT_DOC = {"MIX": "the mix", "STEM": "the stem", "REST": "the music that the new stem has to fit"}
_BUNDLE = "default: the bundle's"


def _takes_input(rule: TaskRule) -> bool:
    return rule.input_slot is not None


def _masked(rule: TaskRule) -> bool:
    return rule.masked


def _separates(rule: TaskRule) -> bool:
    return rule.masked or rule.replaces


def _hears(rule: TaskRule) -> bool:
    return rule.input_slot is not None or rule.rest_optional


def _isolates(rule: TaskRule) -> bool:
    return rule.masked and rule.answer is Slot.STEM


def _has_voice(rule: TaskRule) -> bool:
    """Whole sounds are made, and no gap of one is filled: recorded instruments can play those."""
    return not rule.masked and (rule.stem is KnownPart.NONE or rule.strength is not None)


def _keeps_length(rule: TaskRule) -> bool:
    return rule.makes_s is None


def _input_doc(rule: TaskRule) -> str:
    """The file that is given, and what it is where another slot is made."""
    assert rule.input_slot is not None
    given = {name: turned(rule, slot).input_slot for name, slot in SLOT_NAMES.items() if rule.any_slot}
    others = {name: slot.name.lower() for name, slot in given.items() if slot is not None and slot != rule.input_slot}
    doc = f"audio file with {_INPUT_DOC[rule.input_slot.name]}"
    return doc + "".join(f"; with --slot {name}, the {slot}" for name, slot in others.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing to do. Everything that decides the samples of the result is in here.

    With a ``slot``, STEM and that slot change places in the task's row, and so in what ``input``, ``rest`` and the
    prompts are about. ``regions_s`` are several parts in one call, in order and apart, and stand instead of
    ``region_s``. Of the ``candidates`` the first has ``seed``, the second ``seed + 1`` and so on. None leaves a choice
    to the bundle, or to the task. A bundle without a mask decoder answers the render ``masked`` as ``flow``.

    Attributes:
        unknown: what another version of the program asks for beside this; kept, and nothing is done about it.
    """

    task: str = option(MISSING, "what to do", choices=tuple(TASKS), flag="")
    input: str | None = option(
        None, _input_doc, kind="file", flag="", takes=_takes_input, needs=_takes_input,
        metavar=lambda rule: "" if rule.input_slot is None else rule.input_slot.name,
        refusal="{task} makes sound from the prompt alone and takes no file; leave {value} out",
    )  # fmt: skip
    prompts: tuple[str, ...] = option(
        MISSING, "what you want, in a few words, e.g. violin", otherwise="one result for each", most=64, flag="",
        metavar="PROMPT",
    )  # fmt: skip
    literal: bool = option(
        False, "take every word as it is spelled: correct nothing, and refuse nothing for being unknown"
    )
    replacement: str = option(
        "", "what to put in its place, in a few words, e.g. trumpet", flag="--with", metavar="PROMPT",
        takes=lambda rule: rule.replaces,
        refusal="{task} puts nothing in the place of its prompt; leave the replacement out",
    )  # fmt: skip
    anyway: bool = option(False, "replace the prompt even where it is not heard", takes=lambda rule: rule.replaces)
    strength: float | None = option(
        None, "how far to go from the old sound: 0 keeps it, 1 makes it new", low=0.0, high=1.0, metavar="S",
        otherwise=lambda rule: f"{_BUNDLE}, else {rule.strength:g}", takes=lambda rule: rule.strength is not None,
    )  # fmt: skip
    voice: Voice | None = option(
        None,
        lambda rule: "what makes the sound: flow, the model; sampled, recorded instruments that play "
        + ("a part that fits" if rule.strength is None else "the notes of the line that is there"),
        otherwise=f"{_BUNDLE}, else flow", takes=_has_voice, idle="flow",
    )  # fmt: skip
    notes_file: str | None = option(
        None, "MIDI file with the notes that recorded instruments play, in the place of their own", kind="file",
        flag="--notes", metavar="FILE", label="MIDI file of notes", takes=_has_voice,
    )  # fmt: skip
    keep_order: bool = option(
        False, "make the stems in the order given, instead of drums, bass, harmony, lead",
        takes=lambda rule: rule.together,
        refusal="{task} makes each stem by itself, in the order of the prompts; leave the order out",
    )  # fmt: skip
    slot: str = option(
        "", "what to make, and what PROMPT describes: a stem, a whole mix, or the rest around a stem",
        choices=tuple(SLOT_NAMES), otherwise="default stem", takes=lambda rule: rule.any_slot,
    )  # fmt: skip
    rest: str | None = option(
        None,
        lambda rule: "audio file with the music that the stem has to fit"
        + ("; with --slot rest, the stem" if rule.any_slot else ""),
        kind="file", metavar="FILE", takes=lambda rule: rule.rest_optional,
        refusal="{task} takes no rest file; leave it out",
    )  # fmt: skip
    seconds: float | None = option(
        None, "how many seconds to make", low=SHORTEST_REGION_S, high=600.0, unit="s", metavar="S",
        otherwise=lambda rule: f"default {rule.makes_s:g}" + (", or as many as --rest" if rule.together else ""),
        takes=lambda rule: rule.makes_s is not None,
        refusal="{task} keeps the length of its file; leave seconds out, or give a region",
    )  # fmt: skip
    region_s: tuple[float, float] | None = option(
        None, "part to work on", kind="region", unit="s", otherwise="default all", flag="", takes=_keeps_length,
        refusal="{task} takes no region; leave it out",
    )  # fmt: skip
    regions_s: tuple[tuple[float, float], ...] = option(
        (), lambda rule: _REGION_DOC[rule.span], kind="region", unit="s", label="regions", most=64,
        otherwise=lambda rule: "" if rule.span is Span.REQUIRED else "default all", flag="--region", metavar="A-B",
        takes=_keeps_length, needs=lambda rule: rule.span is Span.REQUIRED,
        refusal="{task} takes no region; leave it out",
    )  # fmt: skip
    render: Render = option(
        "masked",
        "masked: your own audio, filtered; flow: filtered as the flow model hears it; decoded: the model's own audio",
        takes=_separates, refusal="",
    )  # fmt: skip
    sensitivity: float = option(
        0.5, "how much of what is in doubt goes to the stem: 0 for the cleanest, 1 for the fullest", low=0.0,
        high=1.0, metavar="S", takes=_masked,
    )  # fmt: skip
    expert: str = option(
        "", "which separator of the bundle to use, or none of them", kind="name", metavar="NAME",
        otherwise="default: the one that knows the prompt, if any", takes=_separates,
    )  # fmt: skip
    stems: str | None = option(
        None, "ready-made set of stems that add up to the mix: "
        + "; ".join(f"{name} is {', '.join(stems.names)}" for name, stems in STEM_SETS.items()),
        choices=tuple(STEM_SETS), otherwise="default: the prompts alone", label="set of stems", takes=_isolates,
    )  # fmt: skip
    other: bool = option(
        False, "share the mix out among the stems, and put what is left into one more file: together they are the mix",
        takes=_isolates,
    )  # fmt: skip
    out: str = option(".", "folder for the results", kind="folder", otherwise="default: the current one", metavar="DIR")
    bundle: str = option("small", "model to use: name or folder of a bundle", kind="name", metavar="NAME")
    device: Device = option(
        "auto", "what to run on; a number behind it chooses one of several, as in cuda:1", choices=DEVICES,
        numbered=True, otherwise="default: the fastest that works",
    )  # fmt: skip
    precision: Precision = option(
        "float32", "what an NVIDIA card computes with: the others are faster, and DEVICES.md says how exact; "
        "bfloat16 by TensorRT alone",
    )  # fmt: skip
    format: Format = option("same", "file format of the results", otherwise="default: the input's")
    quality: int | None = option(
        None, "bit rate of mp3, ogg, opus and m4a files, in kbit/s", low=64, high=320, unit="kbit/s",
        otherwise="default 256", metavar="K",
    )  # fmt: skip
    name: str = option(
        "", "name of the files; {mix}, {stem}, {task}, {region}, {n} and {part} are filled in",
        kind="name", otherwise="default {mix} - {stem}", metavar="TEMPLATE",
    )  # fmt: skip
    steps: int | None = option(
        None, "number of sampler steps", low=1, high=1000, otherwise=f"{_BUNDLE} for this task", metavar="N"
    )
    guidance: float | None = option(
        None, "how strictly to follow the prompt: 0 not at all, 1 as the model does by itself, more is stricter",
        low=0.0, high=20.0, metavar="W",
    )  # fmt: skip
    guide: tuple[str, ...] = option(
        (), "what --guidance applies to; repeat it for several", choices=CONDITIONS,
        label="condition to guide by", otherwise="default all of them",
    )  # fmt: skip
    temperature: float | None = option(
        None, "level of the noise that new sound starts from: lower is safer, higher is wilder, 1 is as in training",
        low=0.0, high=2.0,
        otherwise=f"{_BUNDLE}; 1 for several candidates", metavar="T",
    )  # fmt: skip
    start: Start | None = option(
        None, "what the sampler starts from: zeros, always the same answer; noise, another one for each seed",
        otherwise=_BUNDLE,
    )  # fmt: skip
    examples: tuple[str, ...] = option(
        (), "images, videos or sounds of what you want", kind="example", most=16, flag="--prompt-KIND",
        metavar="FILE",
    )  # fmt: skip
    example_weight: float = option(
        0.5, "balance of words and examples: 0 follows only the words, 1 only the examples", low=0.0, high=1.0,
        metavar="W",
    )  # fmt: skip
    mix_prompt: str = option("", "description of the whole mix, e.g. slow ballad", metavar="TEXT")
    rest_prompt: str = option("", "description of what plays with the stem, e.g. piano and drums", metavar="TEXT")
    candidates: int = option(
        1, "how many versions to make of each prompt, from consecutive seeds; the best comes first", low=1, high=32,
        metavar="K",
    )  # fmt: skip
    seed: int = option(0, "random seed; the same seed gives the same result", low=0, high=2**63 - 1, metavar="S")
    batch_windows: int | None = option(
        None, "windows in one run of a graph", low=1, high=4096, otherwise="default: chosen from the device", flag=""
    )

    chain: str = option(
        "", "chain of effects that the result goes through: a file, a name, or its JSON", kind="name",
        otherwise="default: none", metavar="CHAIN",
    )  # fmt: skip
    chain_on: str = option(
        "", "what --chain is on", choices=("stem", "rest"), otherwise="default: what the task gives",
        takes=_separates,
    )  # fmt: skip
    chain_before: str = option(
        "", "chain of effects that the model hears the input through; the sound itself stays as it is", kind="name",
        label="chain before", otherwise="default: none", metavar="CHAIN", takes=_hears,
    )  # fmt: skip

    cache: str = option(
        "", "folder that keeps what was computed for a mix, so that the next prompt for it is quicker", kind="folder",
        otherwise="default: nothing is kept", metavar="DIR", takes=_separates, refusal="",
    )  # fmt: skip
    cache_gb: float = option(
        10.0, "how many GB --cache may hold; what was used longest ago is deleted first", low=0.001, high=100_000.0,
        label="cache size", flag="--cache-size", metavar="GB", takes=_separates, refusal="",
    )  # fmt: skip

    unknown: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def adds_up(self) -> bool:
        """True means that the stems share the mix and a remainder comes with them."""
        return self.other or self.stems is not None

    @property
    def regions(self) -> tuple[tuple[float, float], ...]:
        """All regions that were asked for, one or several; none means the whole clip."""
        return self.regions_s or (() if self.region_s is None else (self.region_s,))


def region_fields(regions_s: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The fields that regions go to: one, several or none."""
    is_one = len(regions_s) == 1
    return {"region_s": regions_s[0] if is_one else None, "regions_s": () if is_one else tuple(regions_s)}


OPTIONS: dict[str, Option] = options_of(Request)
