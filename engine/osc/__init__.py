"""The OSC bridge: a DAW sends a clip, and gets audio files back. Needs the extra ``osc``.

A host makes an ``Engine`` and a ``Bridge`` over it; ``BridgeClient`` is the other side.
"""

from engine.osc.bridge import Bridge
from engine.osc.client import BridgeClient, BridgeResult
from engine.osc.home import BridgeState, read_secret, read_state
from engine.osc.job_log import JOB_LOG
from engine.osc.settings import BridgeSettings

__all__ = [
    "JOB_LOG",
    "Bridge",
    "BridgeClient",
    "BridgeResult",
    "BridgeSettings",
    "BridgeState",
    "read_secret",
    "read_state",
]
