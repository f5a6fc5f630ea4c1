"""What each tool does: checks where a call may reach, then asks the engine as every client does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine import (
    Engine,
    RequestError,
    examine,
    example_in_seconds,
    export_session,
    list_bundles,
    list_chains,
    region_fields,
    region_in_seconds,
    region_of,
    request_from_json,
    session_of,
)
from engine.mcp.jobs import OnStep, ServedJobs
from engine.mcp.places import AllowedPlaces
from engine.mcp.tools import CHAINS, FILES, TOOLS, ToolSpec

Arguments = dict[str, Any]
Answer = dict[str, Any]


class ToolCalls:
    """Answers calls of tools.

    Args:
        places: which files may be touched.
        bundle: taken when a call names none.
    """

    def __init__(self, engine: Engine, places: AllowedPlaces, bundle: str) -> None:
        self._places, self._bundle = places, bundle
        self.jobs = ServedJobs(engine)
        self._by_name: dict[str, Callable[[Arguments], Awaitable[Answer]]] = {
            "jobs": self._jobs, "job": self._job, "cancel": self._cancel, "bundles": self._bundles,
            "doctor": self._doctor, "export_session": self._export_session,
        }  # fmt: skip

    async def answer(self, name: str, arguments: Arguments, on_step: OnStep) -> Answer:
        """Do what a tool says.

        Raises:
            EngineError: it cannot be done; its sentence says why.
        """
        tool = TOOLS.get(name)
        if tool is None:
            raise RequestError("there is no tool {name}; choose one of {tools}", name=name, tools=", ".join(TOOLS))
        _check(tool, arguments)
        if tool.task:
            return await self._task(tool, dict(arguments), on_step)
        return await self._by_name[name](arguments)

    async def _task(self, tool: ToolSpec, arguments: Arguments, on_step: OnStep) -> Answer:
        wait = arguments.pop("wait", True)
        for name in FILES:
            if isinstance(arguments.get(name), str):
                arguments[name] = self._places.path(arguments[name])
        if isinstance(arguments.get("examples"), list):
            examples = [self._places.example(str(one)) for one in arguments["examples"]]
            arguments["examples"] = [example_in_seconds(one, arguments.get("input")) for one in examples]
        arguments["out"] = self._places.path(str(arguments.get("out") or self._places.out))
        arguments["bundle"] = _installed(arguments.get("bundle") or self._bundle, self._bundle)
        for name in CHAINS:
            _check_chain(str(arguments.get(name) or ""))
        arguments |= region_fields(_regions_s(arguments.pop("regions_s", None) or (), arguments.get("input")))
        job = self.jobs.submit(request_from_json({"task": tool.task, **arguments}))
        if wait:
            await self.jobs.follow(job, on_step)
        return job.told()

    async def _jobs(self, arguments: Arguments) -> Answer:
        return {"jobs": [job.told() for job in self.jobs.all()]}

    async def _job(self, arguments: Arguments) -> Answer:
        return self.jobs.find(str(arguments["job"])).told()

    async def _cancel(self, arguments: Arguments) -> Answer:
        job = self.jobs.find(str(arguments["job"]))
        self.jobs.cancel(job)
        await self.jobs.follow(job, _silent)
        return job.told()

    async def _bundles(self, arguments: Arguments) -> Answer:
        return {"bundles": list(list_bundles())}

    async def _doctor(self, arguments: Arguments) -> Answer:
        return dict(await asyncio.to_thread(examine))

    async def _export_session(self, arguments: Arguments) -> Answer:
        stems = [self._places.path(str(stem)) for stem in arguments["stems"]]
        out = self._places.path(str(self._places.out / str(arguments["name"])))

        def export() -> Answer:
            session = session_of(stems, bpm=arguments.get("bpm"))
            for track in session.tracks:  # also what a JSON beside a stem names, which may be a link
                self._places.path(str(track.file))
            place = export_session(session, str(arguments["format"]), out)
            tracks = [{"name": track.name, "start_s": track.start_s, "muted": track.muted} for track in session.tracks]
            return {"session": str(place), "bpm": session.bpm, "tracks": tracks, "notes": list(session.notes)}

        return await asyncio.to_thread(export)


def _regions_s(regions: Sequence[Any], input: str | None) -> list[Any]:
    """Regions in seconds; those that are no text stay as they are, for the checks of requests.

    Raises:
        RequestError, AudioError: a text is no region, or in samples of a file whose rate is not known.
    """
    return [region_in_seconds(region_of(one), input) if isinstance(one, str) else one for one in regions]


async def _silent(fraction: float, stage: str) -> None:
    """Follow without telling anybody."""


def _check(tool: ToolSpec, arguments: Arguments) -> None:
    """Refuse arguments that the tool does not have; their values are checked where requests are.

    Raises:
        RequestError: a name that there is not, or one that is missing.
    """
    unknown = [name for name in arguments if name not in tool.arguments]
    if unknown:
        raise RequestError(
            "{tool} has no argument {name}; it takes {names}",
            tool=tool.name, name=unknown[0], names=", ".join(tool.arguments) or "none",
        )  # fmt: skip
    missing = [name for name in tool.required if name not in arguments]
    if missing:
        raise RequestError("{tool} needs {names}", tool=tool.name, names=", ".join(missing))


def _installed(name: str, usual: str) -> str:
    """A bundle by the name it is installed under; the user's own choice may be a folder.

    Raises:
        RequestError: there is none of that name.
    """
    if name != usual and name not in list_bundles():
        raise RequestError("there is no bundle {name}; the tool bundles lists them", name=name)
    return name


def _check_chain(name: str) -> None:
    """Only a chain with a name: a file of one could load any plug-in.

    Raises:
        RequestError: there is none of that name.
    """
    chains = list_chains()
    if name and name not in chains:
        raise RequestError("there is no chain {name}; choose one of {names}", name=name, names=", ".join(chains))
