"""What is checked of a bundle before anything in it is used: hashes, signature, graphs, tokenizer.

A bundle comes from strangers. ``resources/docs/BUNDLE.md`` lists what is refused.
"""

from __future__ import annotations

from engine.bundle.bundle import Bundle, check_files, read_named
from engine.bundle.graph_check import FILE_LIMIT_BYTES as GRAPH_LIMIT_BYTES
from engine.bundle.graph_check import check_graph
from engine.bundle.signature import check_signature
from engine.bundle.tokenizer_check import FILE_LIMIT_BYTES as TOKENIZER_LIMIT_BYTES
from engine.bundle.tokenizer_check import check_tokenizer
from engine.errors import BundleError


def check_bundle(bundle: Bundle) -> None:
    """Check a bundle whose manifest has been read.

    Raises:
        BundleDamaged: a file is missing, or differs from its hash or from the signature.
        BundleError: a graph or the tokenizer must not be used.
    """
    check_files(bundle)
    check_signature(bundle)
    check_contents(bundle)


def check_contents(bundle: Bundle) -> None:
    """Look into the graphs and the tokenizer of a bundle; what is looked at has the hash of the manifest.

    Raises:
        BundleDamaged: a file differs from its hash.
        BundleError: one of them must not be used.
    """
    manifest = bundle.manifest
    for graph in manifest.graphs.values():
        raw = read_named(bundle, graph.file, graph.sha256, GRAPH_LIMIT_BYTES)
        try:
            check_graph(raw, graph.inputs, graph.outputs)
        except ValueError as error:
            raise _refused(bundle, graph.file, error) from error
    for encoder in manifest.encoders.values():
        if encoder.tokenizer:
            raw = read_named(bundle, encoder.tokenizer, encoder.tokenizer_sha256, TOKENIZER_LIMIT_BYTES)
            try:
                check_tokenizer(raw)
            except ValueError as error:
                raise _refused(bundle, encoder.tokenizer, error) from error


def _refused(bundle: Bundle, file: str, error: ValueError) -> BundleError:
    return BundleError(
        "bundle {name}: {file} is not used, because {reason}; choose another bundle",
        name=bundle.manifest.name, file=file, reason=error,
    )  # fmt: skip
