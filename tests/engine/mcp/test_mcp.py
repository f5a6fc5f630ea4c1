"""The MCP server, spoken to by the SDK's own client: tools as the tables say, a real job, and nothing out of bounds."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from clihelp import say, write_music

from engine import OPTIONS, TASKS
from engine.mcp.tools import NOT_ARGUMENTS, TOOLS

pytest.importorskip("mcp")
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

ROOT = Path(__file__).parents[3]
Talk = Callable[[Callable[[Client], Awaitable[Any]]], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_music(tmp_path / "songs" / "mix.wav", seconds=0.25)
    write_music(tmp_path / "private" / "mix.wav", seconds=0.25)
    (tmp_path / "songs" / "linked.wav").symlink_to(tmp_path / "private" / "mix.wav")
    (tmp_path / "songs" / "linked.json").write_text('{"fluxstem_sidecar": 1, "stem": "linked.wav"}')
    return tmp_path / "songs"


@pytest.fixture
def talk(toy_bundle: Path, folder: Path) -> Talk:
    """Start ``fluxstem mcp`` over pipes, hand its client to a coroutine, and end it."""
    places = ["--root", str(folder), "--out", str(folder / "out"), "--bundle", "toy"]
    home = {"HOME": str(folder.parent), "XDG_DATA_HOME": str(folder.parent / "data")}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "engine", "mcp", *places], cwd=str(ROOT),
        env={**os.environ, **home, "FLUXSTEM_BUNDLES": str(toy_bundle.parent)},
    )  # fmt: skip

    def run(with_client: Callable[[Client], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            async with Client(stdio_client(command)) as client:
                return await with_client(client)

        return asyncio.run(asyncio.wait_for(whole(), 300))

    return run


def test_every_task_is_a_tool_with_its_own_options():
    assert set(TASKS) <= set(TOOLS)
    for task, rule in TASKS.items():
        options = {name for name, row in OPTIONS.items() if row.takes(rule)} - set(NOT_ARGUMENTS)
        assert set(TOOLS[task].arguments) == options | {"wait"}
        assert ("input" in TOOLS[task].required) == (rule.input_slot is not None)
    assert TOOLS["isolate"].arguments["sensitivity"]["maximum"] == OPTIONS["sensitivity"].high


def test_an_assistant_lists_the_tools_and_has_a_stem_taken_out(talk, folder):
    heard: list[float] = []
    inet: list[Any] = []

    async def ask(client: Client) -> Any:
        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            heard.append(progress)

        listed = await client.list_tools()
        words = {"input": "mix.wav", "prompts": ["violin"], "regions_s": ["1001smp-3002smp"]}
        made = await client.call_tool("isolate", words, progress_callback=on_progress)
        for process in psutil.Process().children(recursive=True):
            inet.extend(process.net_connections(kind="inet"))
        session = {"stems": [made.structured_content["results"][0]["stem"]], "format": "rpp", "name": "song", "bpm": 90}
        return listed, made, await client.call_tool("export_session", session)

    listed, made, session = talk(ask)
    assert {tool.name for tool in listed.tools} == set(TOOLS)
    assert not made.is_error, made.content
    [result] = made.structured_content["results"]
    assert made.structured_content["state"] == "done"
    assert result["null_db"] <= -150
    assert (result["start_samples"], result["length_samples"]) == (1001, 2001)
    assert all(Path(result[part]).parent == folder / "out" for part in ("stem", "rest", "sidecar"))
    assert heard
    assert heard == sorted(heard)
    assert inet == [], "nothing but the pipe"
    assert [track["name"] for track in session.structured_content["tracks"]] == ["violin", "without violin"]
    assert Path(session.structured_content["session"]).is_file()


def test_a_job_that_is_not_waited_for_is_looked_at_and_cancelled(talk, folder):
    write_music(folder / "long.wav", seconds=20)

    async def ask(client: Client) -> Any:
        words = {"input": "long.wav", "prompts": ["violin"], "render": "flow", "steps": 1000, "wait": False}
        begun = (await client.call_tool("isolate", words)).structured_content
        listed = (await client.call_tool("jobs", {})).structured_content
        ended = (await client.call_tool("cancel", {"job": begun["job"]})).structured_content
        return begun, listed, ended, (await client.call_tool("job", {"job": begun["job"]})).structured_content

    begun, listed, ended, after = talk(ask)
    assert begun["state"] in ("waiting", "running")
    assert [job["job"] for job in listed["jobs"]] == [begun["job"]]
    assert ended["state"] == after["state"] == "cancelled"
    assert not [path for path in (folder / "out").rglob("*") if path.is_file()]


OUTSIDE, MIX = "outside the folders", {"input": "mix.wav", "prompts": ["x"]}
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a file elsewhere": ("isolate", {"input": "../private/mix.wav", "prompts": ["x"]}, OUTSIDE),
    "a folder elsewhere": ("isolate", {**MIX, "out": "/"}, OUTSIDE),
    "a stem elsewhere": ("export_session", {"stems": ["/etc/x.wav"], "format": "rpp", "name": "x"}, OUTSIDE),
    "a stem that a JSON names and that leads elsewhere": (
        "export_session", {"stems": ["linked.json"], "format": "rpp", "name": "x"}, OUTSIDE,
    ),
    "no path": ("isolate", {"input": "a\0b", "prompts": ["x"]}, "is not a path"),
    "a session elsewhere": (
        "export_session", {"stems": ["mix.wav"], "format": "rpp", "name": "../../x"}, OUTSIDE,
    ),
    "an example elsewhere": (
        "isolate", {**MIX, "examples": ["audio:/etc/x.wav#t=1,2"]}, OUTSIDE,
    ),
    "a bundle by its path": ("isolate", {**MIX, "bundle": "/tmp/b"}, "there is no bundle"),
    "a chain by its path": ("isolate", {**MIX, "chain": "/tmp/c"}, "there is no chain"),
    "no prompt": ("isolate", {"input": "mix.wav"}, "isolate needs prompts"),
    "another name": ("isolate", {**MIX, "volume": 1}, "no argument volume"),
    "no region": ("isolate", {**MIX, "regions_s": ["chorus"]}, "is not a region"),
    "no number": ("isolate", {**MIX, "seed": "many"}, "seed"),
    "no file": ("isolate", {"input": "gone.wav", "prompts": ["x"]}, "there is no file"),
    "no job": ("job", {"job": "7"}, "there is no job 7"),
    "no tool": ("mix_down", {}, "no tool mix_down"),
}  # fmt: skip


def test_what_cannot_be_done_is_an_error_with_a_sentence_and_the_server_goes_on(talk, folder):
    async def ask(client: Client) -> dict[str, Any]:
        return {name: await client.call_tool(tool, words) for name, (tool, words, _) in REFUSED.items()}

    for name, answer in talk(ask).items():
        assert answer.is_error, name
        assert REFUSED[name][2] in answer.content[0].text, name
    assert not list(folder.parent.glob("x*"))


def test_without_the_extra_it_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "engine.mcp.server", None)
    monkeypatch.delitem(sys.modules, "engine.mcp", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    monkeypatch.delitem(sys.modules, "engine.mcp.server")
    said = say(capsys, None, ["mcp"])
    assert said.code == 2
    assert "pip install 'fluxstem[mcp]'" in said.err
