"""A bundle's copy whose graphs were rewritten: the same weights in another form, compared with what they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.bundle.bundle import Bundle, Manifest, file_sha256
from export.draft import check_free, copy_files, drafted, write_checked
from export.parity import check_tolerance
from export.write import commit

Rewrite = Callable[[str, Path, Path], float | None]


def write_rewritten(
    base: Bundle, folder: Path, version: str, rewrite: Rewrite, done: str, impossible: str, replaces: bool
) -> Manifest:
    """Write the copy.

    Args:
        base: the bundle.
        folder: of the copy, which is named for it; must not exist unless ``replaces``.
        version: of the copy.
        rewrite: rewrites one graph, given its name, its old file and its copy; returns how far the answers of the two
            lie apart (``export.parity.difference``), or None for a graph that it leaves alone.
        done: for the notes, with ``{graphs}``.
        impossible: why there is no copy when no graph was rewritten.
        replaces: True puts it in the place of an old one, once it is whole.

    Raises:
        ValueError: the folder is taken, or no graph was rewritten.
        export.parity.Disagreement: a graph answers otherwise than before; nothing was written.
    """
    check_free(folder, replaces)
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
    return manifest
