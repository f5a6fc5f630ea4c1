"""``python -m export RUN BUNDLE_DIR``: a finished training run becomes a bundle, checked against torch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from export.parity import Disagreement
from export.write import write_bundle


def main(argv: list[str]) -> int:
    """Export and say what came of it; 2 for a wrong request, 3 when torch and ONNX disagree."""
    parser = argparse.ArgumentParser(prog="python -m export", description="turn a training run into a bundle")
    parser.add_argument("run", type=Path, help="finished flow run")
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("--name", help="name of the bundle; that of its folder when not given")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--precision", choices=["fp16", "fp32"], default="fp16", help="of the weights on disk")
    parser.add_argument("--replace", action="store_true", help="take the place of an old bundle")
    parser.add_argument("--comparison", type=Path, help="comparison.json of the bench; to replace a bundle that ships")
    args = parser.parse_args(argv)
    name = args.name or args.bundle.name
    try:
        half = args.precision == "fp16"
        manifest = write_bundle(args.run, args.bundle, name, args.version, half, args.replace, args.comparison)
    except (ValueError, FileNotFoundError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    except Disagreement as error:
        print(f"export: {error}", file=sys.stderr)
        return 3
    size = sum(path.stat().st_size for path in args.bundle.iterdir())
    print(
        f"{args.bundle}: {manifest.name} {manifest.version}, {size / 1e6:.1f} MB, "
        f"torch and ONNX differ by {manifest.parity['measured']:.1e} (allowed {manifest.parity['tolerance']:.0e})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
