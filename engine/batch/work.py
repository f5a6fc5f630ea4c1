"""What is asked of every file of a batch, and what came of one of them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Protocol

from engine.batch.find import WorkItem
from engine.bundle.bundle import file_sha256, load_bundle
from engine.bundle.library import find_bundle, list_bundles
from engine.chaining import as_text
from engine.checks import absolute
from engine.errors import EngineError
from engine.events import Done, StemResult
from engine.media.reference import example_path, with_path
from engine.places import PlacedRegion, request_in_seconds
from engine.request import OPTIONS, Request
from engine.serialization import finite, kind_of, plain, request_to_json

Watch = Callable[[WorkItem, float, str], None]  # file, how far it is from 0 to 1, stage in plain words
PARTS = ("mix", "stem", "rest", "sidecar")  # the files of one result
_NOT_IN_DIGEST = ("input", "out", "device", "batch_windows", "cache", "rest", "examples", "bundle")


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request for many files.

    Attributes:
        request: all of it but input and folder; paths are absolute.
        digest: what decides the samples, besides the file: two requests with equal ones need not both be done. Values
            that say nothing new do not count, so that a newer engine with more options goes on where an older one was.
        regions: parts that wait for the rate of each file; none where the request has them in seconds.
    """

    request: Request
    digest: str
    regions: tuple[PlacedRegion, ...] = ()

    @classmethod
    def of(cls, request: Request, regions: tuple[PlacedRegion, ...] = ()) -> BatchRequest:
        """A request with its digest; reads the bundle's manifest, the rest file and the examples.

        Raises:
            BundleError: no such bundle.
        """
        bundle = load_bundle(find_bundle(request.bundle), check_hashes=False)
        request = replace(request, chain=as_text(request.chain), chain_before=as_text(request.chain_before))
        said = request_to_json(request)
        decides = {
            name: said[name]
            for name, row in OPTIONS.items()
            if name not in _NOT_IN_DIGEST and getattr(request, name) != row.default
        }
        decides["bundle"] = bundle.sha256
        files = [file for file in (request.rest, request.notes_file) if file]
        files += [example_path(example) for example in request.examples]
        decides["files"] = [file_sha256(Path(path)) for path in files]
        if regions:
            decides["regions"] = [[(place.number, place.in_samples) for place in region] for region in regions]
        decides["examples"] = [with_path(example, os.path.basename) for example in request.examples]
        is_folder = os.path.isdir(request.bundle) and request.bundle not in list_bundles()
        text = json.dumps(decides, sort_keys=True, ensure_ascii=True)
        ready = replace(
            request,
            input=None,
            rest=absolute(request.rest) if request.rest else request.rest,
            notes_file=absolute(request.notes_file) if request.notes_file else request.notes_file,
            examples=tuple(with_path(example, absolute) for example in request.examples),
            cache=absolute(request.cache) if request.cache else request.cache,
            bundle=absolute(request.bundle) if is_folder else request.bundle,
        )
        return cls(ready, hashlib.sha256(text.encode("ascii")).hexdigest()[:32], regions)

    def of_file(self, item: WorkItem, folder: Path) -> Request:
        """The request for one file, with results in a private folder.

        Raises:
            RequestError, AudioError: a region is in samples, and the rate of the file is not known.
        """
        request = replace(self.request, input=item.source, out=str(folder))
        return request_in_seconds(request, self.regions) if self.regions else request


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOutcome:
    """What came of one file; its results are not in their place yet.

    Attributes:
        item: the file.
        stage: private folder of its results, below the place of the batch.
        results: one for each result, plain values; ``files`` holds names below the stage, by part.
        sha256: of the file that was read; of a very large one of some of its bytes, see ``engine.file_hash``.
        seconds: wall time.
        device: what it ran on.
        worker: which engine did it.
        error: one sentence; "" where all went well.
        error_kind: class of ``engine.errors``.
    """

    item: WorkItem
    stage: str = ""
    results: tuple[dict[str, Any], ...] = ()
    sha256: str = ""
    seconds: float = 0.0
    device: str = ""
    worker: str = ""
    error: str = ""
    error_kind: str = ""


class Runner(Protocol):
    """Does the files of a batch."""

    def run(self, items: Sequence[WorkItem], watch: Watch) -> Generator[ItemOutcome, None, None]:
        """Do all of them, in about this order; each comes out once. Closing the iterator stops what is under way."""


def outcome_of(item: WorkItem, stage: str, done: Done, folder: Path, out: str, worker: str) -> ItemOutcome:
    """What a finished job left in its private folder; its sidecars are told where the results will be.

    Args:
        stage: private folder below the place of the batch.
        done: the end of the job.
        folder: where the private folder is now.
        out: the folder that the results will be in.
    """
    sha256 = ""
    for result in done.results:
        if result.sidecar:
            beside = json.loads(Path(result.sidecar).read_bytes())
            sha256 = beside.get("input_sha256") or beside.get("input_sampled_sha256") or sha256
            Path(result.sidecar).write_bytes(sidecar_bytes(beside | {"out": out}))
    results = tuple(_plain(result, folder) for result in done.results)
    seconds = round(done.seconds, 3)
    return ItemOutcome(
        item=item, stage=stage, results=results, sha256=sha256, seconds=seconds, device=done.device, worker=worker
    )


def failed_outcome(item: WorkItem, error: EngineError, worker: str, seconds: float = 0.0) -> ItemOutcome:
    """What is told of a file that could not be done."""
    words = " ".join(str(error).splitlines())
    return ItemOutcome(
        item=item, worker=worker, seconds=round(seconds, 3), error=words, error_kind=kind_of(error)
    )  # fmt: skip


def sidecar_bytes(values: dict[str, Any]) -> bytes:
    """A sidecar as the engine writes it."""
    return (json.dumps(finite(values), indent=1, allow_nan=False) + "\n").encode("ascii")


def _plain(result: StemResult, folder: Path) -> dict[str, Any]:
    told = {name: value for name, value in finite(plain(result)).items() if name not in PARTS}
    files = {}
    for part in PARTS:
        if path := getattr(result, part):
            with contextlib.suppress(ValueError):
                files[part] = PurePath(path).relative_to(folder).as_posix()
    return told | {"files": files}
