"""The MCP server: what the command line can do, as tools for an assistant. Needs the extra of that name.

``tools`` derives the tools from the tables of tasks and options, ``calls`` does what they ask, ``jobs`` remembers what
is under way, ``places`` says which files may be touched, and ``server`` speaks the protocol over standard input and
output.
"""

from engine.mcp.server import McpSettings, serve

__all__ = ["McpSettings", "serve"]
