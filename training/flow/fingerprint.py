"""Fingerprint of everything that decides encoded latents, kept beside them, so that others are refused.

Stems enter it with their labels and a few samples each.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

from torch import nn

from training.codec.model import MixWavCodec
from training.config import Preset
from training.data.stem_cache import StemCache
from training.flow.modalities import Modalities

log = logging.getLogger(__name__)
FINGERPRINT_FILE = "pool.json"
PROBE = 256  # samples from the middle of every stem


def pool_fingerprint(
    preset: Preset, stems: StemCache, codec: MixWavCodec, modalities: Modalities, drawn: str = "as the preset says"
) -> dict[str, str]:
    """Everything that decides what a folder of latents holds: digests, and plain values where they are few.

    Args:
        modalities: make pictures, sounds and words.
        drawn: how mixes are drawn, where the preset does not say.
    """
    flow, masking, grid = preset.flow, preset.masking, preset.grid
    told = modalities.teller is not None
    return {
        "codec": _weights_digest(codec),
        "stems": _stems_digest(stems),
        "scene encoder": _weights_digest(modalities.scene),
        "audio encoder": _weights_digest(modalities.audio_encoder),
        "grid": f"{grid.rate_hz} Hz, {grid.hop_samples}, {grid.latent_channels} x {grid.window_frames}",
        "pool": f"{flow.pool} mixes of {flow.mix_sources or 'drawn'} sources, seed {flow.seed}",
        "mixer": f"{drawn}, varied {flow.vary_share:g}, of one piece {flow.together_share:g}",
        "masking": f"clips {masking.clip_share:g}, still {masking.still_share:g}, twins {masking.twin_share:g}, "
        f"patches hidden {masking.hide_picture:g}, {'captions' if told else 'no captions'}",
        "widths": f"picture {flow.picture_dim}, embedding {preset.prompt.embedding}",
    }


def check_fingerprint(folder: Path, wanted: dict[str, str]) -> None:
    """Write the fingerprint into a new folder; refuse a folder with another one.

    A folder that is older than fingerprints is taken as it is, with a warning.

    Raises:
        ValueError: something differs.
    """
    note = folder / FINGERPRINT_FILE
    if note.is_file():
        found = json.loads(note.read_text("utf-8"))
        if changed := [name for name in wanted if found.get(name) != wanted[name]]:
            raise ValueError(
                f"the latents in {folder} were made with another {', '.join(changed)}; "
                "remove that folder to have them made anew, or give another run's folder"
            )
        return
    if (folder / "latents.npy").is_file():
        log.warning("nothing says what the latents in %s were made with; they are taken as they are", folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(wanted, indent=1) + "\n", "utf-8")


def _weights_digest(module: nn.Module | None) -> str:
    if module is None:
        return "none"
    return _digest(v.detach().cpu().contiguous().numpy().tobytes() for v in module.state_dict().values())


def _stems_digest(cache: StemCache) -> str:
    middle = max(0, cache.samples // 2 - PROBE // 2)
    labels = (json.dumps(cache.label(k), sort_keys=True).encode() for k in range(cache.count))
    probes = (cache.audio(k, middle, PROBE).tobytes() for k in range(cache.count))
    return _digest([*labels, *probes])


def _digest(rows: Iterable[bytes]) -> str:
    state = hashlib.sha256()
    for row in rows:
        state.update(row)
    return state.hexdigest()[:16]
