"""Audio through a bundle's codec and back: ``python -m export.roundtrip BUNDLE IN.npy OUT.npy``.

For measuring what the codec alone costs. ``IN.npy`` is float32 ``(B, N)`` at the bundle's rate, ``N`` at most a window.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from engine.bundle.bundle import load_bundle
from export.cpu_session import session

ROWS = 8


def main(argv: list[str]) -> int:
    """Encode and decode every row."""
    bundle = load_bundle(Path(argv[0]))
    samples = bundle.manifest.grid.window_samples
    given = np.load(argv[1])
    padded = np.pad(given, ((0, 0), (0, samples - given.shape[1]))).astype(np.float32)[:, None]
    encode, decode = (session(bundle.path(bundle.manifest.graphs[name].file)) for name in ("encode", "decode"))
    rows = []
    for first in range(0, len(padded), ROWS):
        latents = encode.run(None, {"audio": padded[first : first + ROWS]})[0]
        rows.append(decode.run(None, {"latents": latents})[0])
    np.save(argv[2], np.concatenate(rows)[:, 0, : given.shape[1]])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
