"""The tools, derived: one for each row of the task table, with an argument for each option that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine import EXAMPLE_KINDS, IN_SAMPLES, OPTIONS, SESSION_FORMATS, TASKS, Option, TaskRule

Schema = dict[str, Any]

# The tool is the task; regions come as a list; the others are the machine's business.
NOT_ARGUMENTS = ("task", "region_s", "batch_windows", "cache", "cache_gb")
FILES = ("input", "rest", "notes_file")  # options whose value is a file
CHAINS = ("chain", "chain_before")
_TYPES: dict[str, Schema] = {
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "region": {
        "anyOf": [
            {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            {"type": "string"},
        ]
    },
}
_JOB: Schema = {"job": {"type": "string", "description": "number of the job"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """One tool.

    Attributes:
        name: how it is called.
        doc: what it does.
        arguments: JSON schema of each argument.
        required: those that must be given.
        task: the row of ``TASKS`` that it asks for, "" for none.
        reads_only: True means that it changes nothing.
    """

    name: str
    doc: str
    arguments: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    task: str = ""
    reads_only: bool = False

    @property
    def schema(self) -> Schema:
        """JSON schema of all its arguments."""
        return {
            "type": "object", "properties": dict(self.arguments), "required": list(self.required),
            "additionalProperties": False,
        }  # fmt: skip


def argument_of(row: Option, rule: TaskRule) -> Schema:
    """JSON schema of an option, as a task takes it."""
    one: Schema = dict(_TYPES.get(row.kind, {"type": "string"}))
    if row.numbered:
        one["pattern"] = rf"^({'|'.join(row.choices)})(:\d{{1,3}})?$"
    elif row.choices:
        one["enum"] = list(row.choices)
    if row.low is not None and row.kind in ("whole", "number"):
        one["minimum"] = row.low
    if row.high is not None and row.kind in ("whole", "number"):
        one["maximum"] = row.high
    doc = row.help(rule)
    if row.kind == "example":
        kinds = "; ".join(f"{kind}: {words}" for kind, words in EXAMPLE_KINDS.items())
        doc += f"; each as KIND:FILE or KIND:FILE#t=12,20, with KIND {kinds}; a part is in seconds, or in samples as "
        doc += f"4410{IN_SAMPLES},8820{IN_SAMPLES}"
    elif row.kind == "region":
        doc += "; each as such a text, or as [start, end] in seconds"
    if not row.many:
        return {**one, "description": doc}
    many: Schema = {"type": "array", "items": one, "description": doc}
    return many | ({} if row.most is None else {"maxItems": row.most})


def _task_tool(task: str, rule: TaskRule) -> ToolSpec:
    rows = [row for name, row in OPTIONS.items() if name not in NOT_ARGUMENTS and row.takes(rule)]
    wait: Schema = {"type": "boolean", "description": "false answers at once with the job's number; default true"}
    return ToolSpec(
        name=task,
        doc=f"{rule.doc[0].upper()}{rule.doc[1:]}. Answers with the paths of the files, or with what went wrong.",
        arguments={**{row.name: argument_of(row, rule) for row in rows}, "wait": wait},
        required=tuple(row.name for row in rows if row.needs(rule) or (row.name == "prompts")),
        task=task,
    )


def _others() -> tuple[ToolSpec, ...]:
    formats = "; ".join(f"{name}: {row.words}" for name, row in SESSION_FORMATS.items())
    text: Callable[[str], Schema] = lambda doc: {"type": "string", "description": doc}  # noqa: E731
    session: dict[str, Schema] = {
        "stems": {
            "type": "array", "items": {"type": "string"}, "minItems": 1,
            "description": "stems, JSONs beside results, or folders of results; what a stem left over comes with it",
        },
        "format": {"type": "string", "enum": list(SESSION_FORMATS), "description": formats},
        "name": text("of the session; it goes where results go"),
        "bpm": {"type": "number", "description": "quarter notes per minute; default: what the files' tags say"},
    }  # fmt: skip
    return (
        ToolSpec(name="jobs", doc="All jobs of this server, with how far they are.", arguments={}, reads_only=True),
        ToolSpec(name="job", doc="How far it is, or what it made.", arguments=_JOB, required=("job",), reads_only=True),
        ToolSpec(name="cancel", doc="Stop a job; it leaves nothing behind.", arguments=_JOB, required=("job",)),
        ToolSpec(name="bundles", doc="The installed models.", arguments={}, reads_only=True),
        ToolSpec(name="doctor", doc="What works on this machine, and what does not.", arguments={}, reads_only=True),
        ToolSpec(
            name="export_session", doc="Put results into a project that a DAW opens, every stem at its place.",
            arguments=session, required=("stems", "format", "name"),
        ),
    )  # fmt: skip


TOOLS: dict[str, ToolSpec] = {
    tool.name: tool for tool in (*(_task_tool(task, rule) for task, rule in TASKS.items()), *_others())
}
