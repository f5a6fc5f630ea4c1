"""``fluxstem mcp``: the MCP server. The protocol's package is an extra, so it is loaded when it is needed."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from engine.errors import RequestError
from engine.host.client import Engine


def add_to(sub: argparse.ArgumentParser) -> None:
    """Describe the command to argparse, without ``--debug``."""
    words = "folder whose files may be used, repeat it for several; default your home folder"
    sub.add_argument("--root", action="append", default=[], metavar="DIR", help=words)
    words = "folder for the results; default Fluxstem in your home folder"
    sub.add_argument("--out", metavar="DIR", help=words)
    sub.add_argument("--bundle", metavar="NAME", default="small", help="taken when a call names none")
    sub.set_defaults(command=run)


def run(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem mcp``: ends when its client hangs up."""
    try:
        from engine.mcp import McpSettings, serve
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise RequestError(
            "the MCP server needs the package mcp; install it with: pip install 'fluxstem[mcp]'"
        ) from None
    roots = tuple(map(Path, arguments.root)) or (Path.home(),)
    for root in roots:
        if not root.is_dir():
            raise RequestError("there is no folder {folder}; give a folder that files may be used from", folder=root)
    out = Path(arguments.out) if arguments.out else Path.home() / "Fluxstem"
    with contextlib.ExitStack() as stack:
        if engine is None:
            engine = stack.enter_context(Engine(writable=(out,)))
            engine.warm(arguments.bundle)
        serve(engine, McpSettings(roots=roots, out=out, bundle=arguments.bundle))
    return 0
