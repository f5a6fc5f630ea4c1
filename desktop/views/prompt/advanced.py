"""The part of the prompt bar that opens over it: a control for every option of a request that is seldom needed.

Ranges, defaults, choices and tooltips come from the engine's table of options; only what the task takes is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from desktop.models.bundles import BundleRow
from desktop.views.prompt.controls import (
    ChoiceBox,
    FlagBox,
    NumberBox,
    SeedField,
    SeveralButton,
    WholeBox,
    WordsField,
    choice_rows,
    reset,
    tell_changes,
    words_of,
)
from desktop.views.sliders import ShareSlider
from desktop.views.text import tr
from engine import OPTIONS, Option, Slot, TaskRule, list_chains

COLUMNS, COLUMN_PIXELS = 4, 165  # at most so many columns, each at least so wide
DEVICES = {
    "auto": "Fastest available", "cpu": "CPU", "cuda": "CUDA", "tensorrt": "TensorRT", "rtx": "TensorRT for RTX",
    "openvino": "OpenVINO", "webgpu": "WebGPU", "coreml": "Core ML", "directml": "DirectML",
}  # fmt: skip
CHOICES_WORDS = {
    "device": DEVICES,
    "render": {
        "masked": "Your own audio, filtered", "flow": "Filtered by the flow model", "decoded": "The model's own audio"
    },
    "slot": {"": "A stem", "mix": "The song", "rest": "The rest"},
    "format": {
        "same": "As the input", "wav16": "WAV 16 bit", "wav24": "WAV 24 bit", "wav32f": "WAV 32 bit float",
        "flac": "FLAC 24 bit", "aiff": "AIFF 24 bit", "mp3": "MP3", "ogg": "Ogg Vorbis", "opus": "Opus",
        "m4a": "AAC (M4A)",
    },
    "precision": {"float32": "Exact (float32)", "tf32": "TF32", "float16": "float16", "bfloat16": "bfloat16"},
    "start": {"": "Auto", "zeros": "From zeros", "noise": "From noise"},
    "guide": {
        "prompt": "The prompt", "mix-prompt": "Words about the whole mix", "rest-prompt": "Words about the others",
        "picture": "Image",
    },
    "expert": {"": "Whichever fits the prompt", "none": "None"},
    "keep_order": {"1": "As named"},
    "voice": {"": "Auto", "flow": "The model", "sampled": "Recorded instruments"},
    "chain_on": {"": "What the task gives", "stem": "The stem", "rest": "The rest"},
    "literal": {"1": "As it is spelled"},
    "anyway": {"1": "Replace it anyway"},
    "other": {"1": "They share the mix"},
    "stems": {
        "": "Those named", "2": "Vocals, other", "4": "Vocals, drums, bass, other",
        "6": "Vocals, drums, bass, guitar, piano, other", "karaoke": "Vocals, instrumental",
        "drums": "Kick, snare, hats, cymbals, toms, other",
    },
}  # fmt: skip
CHAINS = ("chain", "chain_before")  # options that name a chain of effects
ENDS = {"example_weight": ("Words", "Examples"), "sensitivity": ("Clean", "Full")}  # of sliders from 0 to 1
WITH = {  # name, tooltip and placeholder of the words about what goes with what is made
    Slot.REST: ("Describe the rest", "What the others play, if that helps", "e.g. piano and drums"),
    Slot.STEM: ("Describe the stem", "What the stem plays, if that helps", "e.g. violin"),
}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One control of the grid.

    Attributes:
        option: a row of ``engine.OPTIONS``.
        label: above the control.
        tip: tooltip, where the words of the option are about the command line.
    """

    option: str
    label: str
    tip: str = ""


FIELDS = (
    FieldRow("seed", "Seed"),
    FieldRow(
        "candidates",
        "Candidates",
        "How many versions, from consecutive seeds; they become takes of one lane, best first",
    ),
    FieldRow("steps", "Steps"),
    FieldRow("guidance", "Guidance"),
    FieldRow("guide", "Guided by", "What the guidance pushes towards"),
    FieldRow("temperature", "Temperature"),
    FieldRow("start", "Start"),
    FieldRow("seconds", "Seconds"),
    FieldRow("voice", "Voice", "What makes the sound: the model, or recorded instruments that play its notes"),
    FieldRow("notes_file", "MIDI file", "Path of a MIDI file whose notes the recorded instruments play"),
    FieldRow("keep_order", "Order"),
    FieldRow("render", "Sound"),
    FieldRow("sensitivity", "Sensitivity"),
    FieldRow("expert", "Expert"),
    FieldRow("stems", "Stems", "A ready-made set of stems that add up to the mix"),
    FieldRow("other", "Stems together", "No sound is in two stems, and one more lane holds what they leave of the mix"),
    FieldRow("slot", "Output", "What to make: a stem, the whole mix, or the rest around a stem (Ctrl+Shift+M)"),
    FieldRow("bundle", "Bundle", "The model to use; more under Settings"),
    FieldRow("device", "Device", "Where to run; the status line says where it really ran"),
    FieldRow("precision", "Precision", "What an NVIDIA card computes with: coarser is faster"),
    FieldRow("format", "File format"),
    FieldRow("quality", "Bit rate", "Of MP3, Ogg Vorbis, Opus and AAC files, in kbit/s"),
    FieldRow("name", "File names"),
    FieldRow("literal", "Spelling", "Correct no word, and refuse none for being unknown"),
    FieldRow("anyway", "If it is not heard", "Replace even what seems not to be in the mix"),
    FieldRow("mix_prompt", "Describe the song", "What the whole mix sounds like, if that helps"),
    FieldRow("rest_prompt", "Describe the rest", "What the others play, if that helps"),
    FieldRow("example_weight", "Words or examples"),
    FieldRow("chain", "Effects after", "A chain of effects that the result goes through"),
    FieldRow("chain_on", "Effects on", "What the effects after are on"),
    FieldRow(
        "chain_before",
        "Effects before",
        "A chain of effects that only the model hears the input through; the sound itself stays as it is",
    ),
)


class Advanced(QWidget):
    """Labelled controls in rows of at most ``COLUMNS``.

    Args:
        bundle: place of the one that is chosen.
        device: the one that is chosen.

    Signals:
        changed: a choice that decides which other controls make sense.
        touched: any value changed.
    """

    changed = Signal()
    touched = Signal()

    def __init__(self, bundles: dict[str, str], bundle: str, device: str) -> None:
        super().__init__()
        self.bundle = ChoiceBox((), "")
        self.controls: dict[str, Any] = {
            row.option: self.bundle if row.option == "bundle" else _control(OPTIONS[row.option]) for row in FIELDS
        }
        self.seed, self.candidates, self.device = (self.controls[name] for name in ("seed", "candidates", "device"))
        self.seconds, self.slot = self.controls["seconds"], self.controls["slot"]
        self.render_choice, self.expert = self.controls["render"], self.controls["expert"]
        self.weight = self.controls["example_weight"]
        self.mix_words, self.rest_words = self.controls["mix_prompt"], self.controls["rest_prompt"]
        self.mix_words.setPlaceholderText(tr("e.g. slow jazz trio"))
        self.show_device(device)
        self._offered: frozenset[str] = frozenset(self.controls)
        self._said_why: frozenset[str] = frozenset()  # shown and off, with the reason
        self._columns = COLUMNS
        self.set_bundles(bundles, bundle)
        self._lay_out()
        self._usual = {name: control.chosen for name, control in self.controls.items()}
        for box in (self.slot, self.render_choice):
            box.currentIndexChanged.connect(self.changed)
        for control in self.controls.values():
            tell_changes(control, self.touched.emit)

    def show_device(self, device: str) -> None:
        """Choose a device; one of several, as ``cuda:1``, gets a row of its own."""
        kind, colon, number = device.partition(":")
        if colon and kind in DEVICES and self.device.findData(device) < 0:
            self.device.addItem(f"{tr(DEVICES[kind])} {number}", device)
        self.device.setCurrentIndex(max(self.device.findData(device), 0))

    def _lay_out(self) -> None:
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 6, 0, 2)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(10)
        self._cells: dict[str, QWidget] = {}
        self._labels: dict[str, QLabel] = {}
        self._no_take = QLabel(tr("Not on what is left, which has no take"))
        self._no_take.setObjectName("caption")
        self._no_take.setWordWrap(True)
        for row in FIELDS:
            control, words = self.controls[row.option], tr(row.label)
            label = self._labels[row.option] = QLabel(words)
            label.setObjectName("caption")
            label.setBuddy(control)
            control.setAccessibleName(words)
            cell = self._cells[row.option] = QWidget(self)
            column = QVBoxLayout(cell)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(3)
            column.addWidget(label)
            column.addWidget(control)
            if row.option == "chain":
                column.addWidget(self._no_take)

    def fit(self, task: TaskRule, rule: TaskRule, bundle: BundleRow, has_examples: bool) -> None:
        """Show what makes sense, without gaps.

        Args:
            task: the row of the task.
            rule: the same for the slot that is made.
            bundle: the one that is chosen.
            has_examples: True means there are some.
        """
        leaves_rest = task.masked and task.answer is Slot.REST
        by_mask = task.masked and bundle.has_mask_decoder and self.render_choice.chosen == "masked"
        unwanted = {
            "candidates": by_mask,  # the mask decoder has one answer to a prompt
            "expert": not bundle.experts or self.render_choice.chosen != "masked",
            "mix_prompt": rule.prompt_slot is Slot.MIX,
            "example_weight": not has_examples,
            # The effects after are on the stem, as a take beside the dry one; what is left is no take of its own.
            "chain_on": task.masked,
            "chain": leaves_rest,
        }
        names = (row.option for row in FIELDS)
        self._offered = frozenset(n for n in names if OPTIONS[n].takes(task) and not unwanted.get(n, False))
        self._offer_experts(bundle.experts)
        self._said_why = frozenset({"chain"} if leaves_rest else ())
        for row in FIELDS:
            self._cells[row.option].setVisible(row.option in self._offered | self._said_why)
            _set_tip(self.controls[row.option], tr(row.tip or OPTIONS[row.option].words(task)))
        self._tell_why(leaves_rest)
        self._fill_grid()
        self._name_rest(*WITH[rule.rest_slot])

    def _tell_why(self, leaves_rest: bool) -> None:
        """Switch the effects after off, with the reason, where what comes out is computed from the mix."""
        self.controls["chain"].setEnabled(not leaves_rest)
        self._no_take.setVisible(leaves_rest)
        if leaves_rest:
            why = tr("What is left is computed and has no take; export it and drop the file here to put effects on it")
            _set_tip(self.controls["chain"], why)

    def fit_width(self, width: int) -> None:
        """Use as many columns as fit into so many pixels."""
        columns = min(max(width // COLUMN_PIXELS, 1), COLUMNS)
        if columns != self._columns:
            self._columns = columns
            self._fill_grid()

    def _fill_grid(self) -> None:
        for cell in self._cells.values():
            self._grid.removeWidget(cell)
        shown = [row.option for row in FIELDS if row.option in self._offered | self._said_why]
        for place, name in enumerate(shown):
            self._grid.addWidget(self._cells[name], place // self._columns, place % self._columns)
        for column in range(COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < self._columns else 0)

    def _offer_experts(self, experts: tuple[str, ...]) -> None:
        self.expert.set_rows(choice_rows(("", "none", *experts), CHOICES_WORDS["expert"]), self.expert.chosen)

    def _name_rest(self, name: str, tip: str, hint: str) -> None:
        self._labels["rest_prompt"].setText(tr(name))
        self.rest_words.setAccessibleName(tr(name))
        self.rest_words.setToolTip(tr(tip))
        self.rest_words.setPlaceholderText(tr(hint))

    def changes(self) -> dict[str, str]:
        """Options that count now and are not as at first -> words for each; bundle and device stand elsewhere."""
        found = {}
        for row in FIELDS:
            control = self.controls[row.option]
            kept = row.option in ("bundle", "device") or row.option not in self._offered
            if not kept and control.chosen != self._usual[row.option]:
                found[row.option] = f"{self._labels[row.option].text()} {words_of(control)}".strip()
        return found

    def reset(self, option: str) -> None:
        """Give an option its first value again."""
        reset(self.controls[option], self._usual[option])

    def set_bundles(self, bundles: dict[str, str], bundle: str) -> None:
        """Set the bundles to choose from."""
        rows = [(place, words) for words, place in bundles.items()]
        if bundle not in bundles.values():
            rows.append((bundle, bundle))
        self.bundle.set_rows(rows, bundle)

    def values(self) -> dict[str, Any]:
        """Fields of a ``Request``; what makes no sense while it is hidden has its default."""
        values = {name: control.chosen for name, control in self.controls.items()}
        for name in ("start", "stems", "voice"):
            values[name] = values[name] or None
        for name in ("candidates", "expert", "chain_on", *CHAINS):
            if name not in self._offered:
                values[name] = OPTIONS[name].default
        return values


def _control(option: Option) -> Any:
    """The control for an option, by its kind."""
    if option.name in ENDS:
        left, right = ENDS[option.name]
        return ShareSlider(tr(left), tr(right), option.default, "")
    if option.name == "seed":
        low, high = option.limits
        return SeedField(int(low), int(high))
    if option.kind == "whole":
        low, high = option.limits
        unset = tr("Auto")
        return WholeBox(int(low), int(high), unset if option.optional else "")
    if option.kind == "number":
        return NumberBox(*option.limits, tr("Auto"))
    if option.kind == "flag":
        return FlagBox(tr(CHOICES_WORDS[option.name]["1"]))
    if option.name in CHAINS:
        return ChoiceBox(choice_rows(["", *list_chains()], {"": "None"}), "")
    if option.many:
        return SeveralButton(choice_rows(option.choices, CHOICES_WORDS[option.name]), tr("All"))
    if option.name in CHOICES_WORDS:
        words = CHOICES_WORDS[option.name]
        values = [value for value in ("", *option.choices) if value in words and (value or not option.default)]
        return ChoiceBox(choice_rows(values, words), option.default or "")
    return WordsField()


def _set_tip(control: QWidget, tip: str) -> None:
    control.setToolTip(tip)
    if isinstance(control, ShareSlider):
        control.slider.setToolTip(tip)
