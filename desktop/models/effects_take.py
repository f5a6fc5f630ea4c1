"""A take through a chain of effects: another take beside it, which says what it was made from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from desktop.audio.read import Check
from desktop.audio.store import AudioStore
from desktop.models.project import LaneTake
from engine import ChainReport, EffectChain, chain_text, render_file

CHAIN_TASK = "chain"  # of the takes that are made here


def take_with_effects(
    dry: LaneTake, chain: EffectChain, store: AudioStore, folder: Path, check: Check
) -> tuple[LaneTake, ChainReport]:
    """Render a take. Slow: for a worker.

    Args:
        dry: the take; it stays as it is.
        store: holds its sound, and the new one.
        folder: for files in between; made here and removed.
        check: raises to stop.

    Returns:
        The new take, and what really ran.

    Raises:
        EngineError: the chain cannot be used, or there is no room.
    """
    try:
        made = render_file(str(store.path(dry.audio)), chain, folder, lambda done, stage: None, check, wanted="wav32f")
        audio = store.add(made.path, check)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    origin = replace(dry.made, task=CHAIN_TASK, chain=chain_text(made.report.chain), dry_take=dry.id, null_db=None)
    return LaneTake(audio=audio, start=dry.start, made=origin), made.report
