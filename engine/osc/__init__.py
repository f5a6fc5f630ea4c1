"""The OSC bridge: a DAW sends a clip, and gets audio files back. Needs the extra ``osc``.

A host makes an ``Engine`` and a ``Bridge`` over it; ``BridgeClient`` is the other side.
"""

from engine.osc.bridge import Bridge
from engine.osc.client import BridgeClient, Made
from engine.osc.home import State, read_state
from engine.osc.settings import Settings

__all__ = ["Bridge", "BridgeClient", "Made", "Settings", "State", "read_state"]
