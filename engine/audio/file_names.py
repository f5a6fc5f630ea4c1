"""File names: what results are called, hidden ones for unfinished files, free ones, so that nothing is overwritten.

An unfinished file is called ``.NAME.PID.partial``, so the next run can remove what a killed one left behind.
"""

from __future__ import annotations

import os
import re
import string
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RequestError
from engine.live_process import process_lives

DEFAULT_TEMPLATE = "{mix} - {stem}"
NAME_FIELDS = {  # what a template may name, and what stands there
    "mix": "name of the file that went in",
    "stem": "what the result is of",
    "task": "what was done",
    "region": "its part of the mix, as 12.5-20s",
    "n": "number of the result",
    "part": "rest, stem or mix, where a result has several files",
}
TEMPLATE_LIMIT_BYTES = 100
NAME_LIMIT_BYTES = 200  # leaves room for a number, the ending, and what hidden files add, in the usual 255
_LIMITS_BYTES = (120, 80, 40, 20, 8)  # of each field; the first with which a name is short enough
_ENDINGS = re.compile(
    r"(\.(wav|wave|rf64|bwf|w64|aiff?|aifc|caf|flac|mp3|ogg|oga|opus|m4a|aac|mp4|m4v|mov|mkv|mka|webm|wma|ac3|wv|au|snd))+$",
    re.IGNORECASE,
)
# Names that Windows keeps for devices, with any ending.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
_PARTIAL = re.compile(r"^\..*\.(\d+)\.partial$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ResultName:
    """What decides the name of one file of a result.

    Attributes:
        stem: what the result is of, such as the prompt.
        part: ``rest``, ``stem`` or ``mix``; "" for the file that was asked for.
        title: what the title of the file says beside that of the mix; "" means that it follows from the others.
    """

    stem: str
    part: str = ""
    title: str = ""

    @property
    def label(self) -> str:
        """What the title of the file says beside that of the mix: ``vocals``, ``without vocals``."""
        usual = {"": self.stem, "rest": f"without {self.stem}"}.get(self.part, f"{self.stem}, {self.part}")
        return self.title or usual


def check_template(template: str, fields: Sequence[str] = tuple(NAME_FIELDS)) -> None:
    """Check that names can be made from a template such as ``{mix} - {stem}``.

    Args:
        template: text with fields in braces.
        fields: that it may name.

    Raises:
        RequestError: it names something else, holds a folder, or is too long.
    """
    allowed = ", ".join(f"{{{field}}}" for field in fields)
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise RequestError(
            "the name {template!r} cannot be read ({error}); write fields as {allowed}",
            template=template, error=error, allowed=allowed,
        ) from error  # fmt: skip
    for _, field, how, conversion in parts:
        if field is not None and (field not in fields or how or conversion):
            more = (f"!{conversion}" if conversion else "") + (f":{how}" if how else "")
            raise RequestError(
                "the name {template!r} asks for {field}, which there is not; choose from {allowed}",
                template=template, field=f"{{{field}{more}}}", allowed=allowed,
            )  # fmt: skip
    if "/" in template or "\\" in template:
        raise RequestError(
            "the name {template!r} holds a folder; give the folder apart from the name, on the command line with --out",
            template=template,
        )  # fmt: skip
    most = TEMPLATE_LIMIT_BYTES
    if len(template.encode("utf-8", "replace")) > most:
        raise RequestError("the name {name!r} is longer than {most} bytes; shorten it", name=template, most=most)
    if template and not any(field for _, field, _, _ in parts) and not safe_text(template):
        raise RequestError("the name {template!r} has no letter that a file name can hold; add one", template=template)


def result_names(template: str, values: Mapping[str, object], results: Sequence[ResultName], suffix: str) -> list[str]:
    """Names of the files of one result, different from each other and safe on every file system.

    Where the template does not say them, the region follows the name, and the part where it is needed to tell the
    files apart.

    Args:
        template: as ``check_template`` accepts it; "" means the usual one.
        values: of the fields that are the same for all files; what is empty is left out.
        suffix: ending of all of them.
    """
    template = _ENDINGS.sub("", template) or DEFAULT_TEMPLATE
    if "{region}" not in template and values.get("region"):
        template += " {region}"
    if "{part}" not in template:
        with_part = template + " {part}"
        plain = [shaped_name(template, {**values, "stem": one.stem}, suffix) for one in results]
        if len(set(plain)) == len(plain) and not any(one.part for one in results):
            return plain
        template = with_part
    names = [shaped_name(template, {**values, "stem": one.stem, "part": one.part}, suffix) for one in results]
    if len(set(names)) < len(names):  # nothing in them says which is which
        names = [f"{name.removesuffix(suffix)} {number}{suffix}" for number, name in enumerate(names, 1)]
    return names


def shaped_name(template: str, values: Mapping[str, object], suffix: str) -> str:
    """One name from a template; an audio ending that the template or a value brings along is not doubled."""
    for limit in _LIMITS_BYTES:
        held = {field: safe_text(str(value), limit) for field, value in values.items()}
        held = {field: _ENDINGS.sub("", text).rstrip(" .") for field, text in held.items()}
        name = safe_text(template.format_map(_Empty(held)))
        if not all(held.get(field) for _, field, _, _ in string.Formatter().parse(template) if field):
            name = _without_gaps(name)
        if len(name.encode("utf-8", "replace")) <= NAME_LIMIT_BYTES:
            break
    name = _ENDINGS.sub("", safe_text(name, NAME_LIMIT_BYTES)).rstrip(" .") or "stem"
    return ("_" if _RESERVED.match(name) else "") + name + suffix


def region_words(start_s: float, end_s: float) -> str:
    """A part of a mix as file names say it: ``12.5-20s``."""
    start, end = (f"{seconds:.3f}".rstrip("0").rstrip(".") for seconds in (start_s, end_s))
    return f"{start}-{end}s"


def safe_text(text: str, limit_bytes: int | None = None) -> str:
    """A text with only what every file system allows in a name; in Unicode's composed form."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    text = re.sub(r'[<>:"/\\|?*]', " ", text)
    text = " ".join(text.split()).strip(" .")
    encoding = sys.getfilesystemencoding()  # UTF-8 nearly everywhere; what it cannot say is left out
    return text.encode(encoding, "ignore")[:limit_bytes].decode(encoding, "ignore").strip(" .")


class _Empty(dict[str, str]):
    """A field without a value is empty."""

    def __missing__(self, field: str) -> str:
        return ""


def _without_gaps(name: str) -> str:
    """A name without the brackets and dashes that stood around something empty."""
    name = re.sub(r"\(\s*\)|\[\s*\]", "", name)
    name = re.sub(r"(\s[-_–]\s)(?:\s*[-_–]\s)+", r"\1", name)
    return re.sub(r"^[\s\-_–,]+|[\s\-_–,]+$", "", " ".join(name.split()))


def partial_path(final: Path) -> Path:
    """Path for ``final`` until it is complete: beside it, hidden, with the process id in its name."""
    return final.with_name(f".{final.name}.{os.getpid()}.partial")


def free_names(wanted: Path) -> Iterator[Path]:
    """``wanted``, then the same name with a growing number, endlessly."""
    yield wanted
    number = 2
    while True:
        yield wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
        number += 1


def clean_stale(folder: Path) -> list[Path]:
    """Remove partial files in ``folder`` whose writer is no longer alive.

    Returns:
        What was removed; files of living processes stay.
    """
    removed = []
    for path in sorted(folder.glob(".*.partial")):
        match = _PARTIAL.match(path.name)
        if match and path.is_file() and not process_lives(int(match[1])):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def clean_partials_of(folder: Path, pid: int) -> None:
    """Remove the partial files that process ``pid``, known to be dead, left in ``folder``."""
    for path in folder.glob(f".*.{pid}.partial"):
        path.unlink(missing_ok=True)
