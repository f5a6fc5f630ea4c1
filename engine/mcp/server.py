"""The server itself: the Model Context Protocol over standard input and output, and over nothing else.

Source: the official SDK's low-level server.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

from engine import Engine, EngineError, engine_version
from engine.mcp.calls import ToolCalls
from engine.mcp.places import AllowedPlaces
from engine.mcp.tools import TOOLS

INSTRUCTIONS = (
    "Fluxstem takes named stems out of music, changes them and makes new ones, on this machine. A prompt is words, "
    "as 'violin'. Files are named by their paths. A job may take minutes: ask with wait=false, then use the tool job."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpSettings:
    """Settings of a server.

    Attributes:
        roots: folders whose files may be used.
        out: folder of the results.
        bundle: taken when a call names none.
    """

    roots: tuple[Path, ...]
    out: Path
    bundle: str = "small"


def serve(engine: Engine, settings: McpSettings) -> None:
    """Answer one client, until it hangs up."""
    asyncio.run(_serve(engine, settings))


async def _serve(engine: Engine, settings: McpSettings) -> None:
    calls = ToolCalls(engine, AllowedPlaces(settings.roots, settings.out), settings.bundle)
    server = server_of(calls)
    try:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    finally:
        calls.jobs.close()


def server_of(calls: ToolCalls) -> Server[Any]:
    """The SDK's server over the tools."""

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name, description=tool.doc, input_schema=tool.schema,
                    annotations=types.ToolAnnotations(
                        read_only_hint=tool.reads_only, destructive_hint=False, open_world_hint=False
                    ),
                )
                for tool in TOOLS.values()
            ]
        )  # fmt: skip

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        async def on_step(fraction: float, stage: str) -> None:
            await context.session.report_progress(fraction, 1.0, stage)

        try:
            answer = await calls.answer(params.name, params.arguments or {}, on_step)
        except EngineError as error:
            return _said({"error": str(error), "kind": type(error).__name__}, failed=True)
        return _said(answer, failed=answer.get("state") == "failed")

    return Server(
        "fluxstem", version=engine_version(), instructions=INSTRUCTIONS, on_list_tools=list_tools,
        on_call_tool=call_tool,
    )  # fmt: skip


def _said(answer: dict[str, Any], failed: bool) -> types.CallToolResult:
    """An answer as text for the assistant and as data for its program."""
    plain = json.loads(json.dumps(answer, default=str))
    text = str(plain["error"]) if failed and "error" in plain else json.dumps(plain, indent=1, ensure_ascii=False)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=plain, is_error=failed
    )
