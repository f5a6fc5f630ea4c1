"""A bundle's copy whose graphs were rewritten: the same weights in another form, compared with what they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.bundle.bundle import Bundle, Manifest, file_sha256
from export import guard
from export.draft import check_free, copy_files, drafted, write_checked
from export.parity import check_tolerance
from export.write import commit

Rewrite = Callable[[str, Path, Path], float | None]


@dataclass(frozen=True, slots=True)
class CopyTarget:
    """What may be in the place of a copy.

    Attributes:
        replaces: True lets the copy take the place of an old bundle, once it is whole.
        comparison: what ``training bench --compare`` wrote; needed to replace a bundle that ships.
    """

    replaces: bool = False
    comparison: Path | None = None


def write_rewritten(
    base: Bundle, folder: Path, version: str, rewrite: Rewrite, done: str, impossible: str, place: CopyTarget
) -> Manifest:
    """Write the copy.

    Args:
        base: the bundle.
        folder: of the copy, which is named for it; must not exist unless ``place`` says that it may be replaced.
        version: of the copy.
        rewrite: rewrites one graph, given its name, its old file and its copy; returns how far the answers of the two
            lie apart (``export.parity.difference``), or None for a graph that it leaves alone.
        done: for the notes, with ``{graphs}``.
        impossible: why there is no copy when no graph was rewritten.
        place: what the copy may replace.

    Raises:
        ValueError: the folder is taken, no graph was rewritten, or the copy may not replace what is there.
        export.parity.Disagreement: a graph answers otherwise than before; nothing was written.
    """
    check_free(folder, place.replaces)
    wanted = guard.wanted_fingerprint(folder, place.comparison)
    with drafted(folder) as draft:
        copy_files(base, draft, {"manifest.json.minisig"})
        graphs, changed = dict(base.manifest.graphs), list[str]()
        for name, graph in base.manifest.graphs.items():
            copy = draft / graph.file
            worst = rewrite(name, base.folder / graph.file, copy)
            if worst is not None:
                check_tolerance(worst, "fp32", f"in {graph.file}", "the graph and its copy")
                graphs[name] = replace(graph, sha256=file_sha256(copy))
                changed.append(name)
        if not changed:
            raise ValueError(impossible)
        notes = f"{base.manifest.notes} {done.format(graphs=', '.join(changed))}".strip()
        manifest = replace(
            base.manifest, name=folder.name, version=version, graphs=graphs, training_commit=commit(), notes=notes
        )
        write_checked(draft, manifest, str(folder))
        guard.check(manifest, wanted, place.comparison)
    return manifest
