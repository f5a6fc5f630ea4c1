"""The JSON beside each result: everything that decided its samples, so that it can be made again.

It is flat: the fields of the request with every default filled in (narrowed to what this one result needs), hashes of
what went in, figures of what came out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.audio.atomic import publish_bytes
from engine.bundle.bundle import Bundle, file_sha256, load_bundle
from engine.bundle.library import find_bundle
from engine.checks import absolute
from engine.errors import AudioError, BundleError, RequestError
from engine.events import StemResult
from engine.file_hash import content_sha256, sampled_sha256
from engine.latents import Slot
from engine.media.reference import example_path
from engine.request import OPTIONS, Request
from engine.runtime.backend import PROVIDERS, batch_windows
from engine.serialization import finite, request_from_json, request_to_json
from engine.tasks import Span, rule_of
from engine.version import engine_version

FORMAT = 1
SIDECAR_LIMIT_BYTES = 16 << 20  # the state of a plug-in may take some of it
_OWN_NAME = {"rest": "rest_input"}  # fields of a request that are called otherwise in a sidecar


@dataclass(frozen=True, slots=True)
class Provenance:
    """What one job was made from and with; the same for all of its results.

    Attributes:
        request: with every default filled in.
        bundle: the checked bundle that ran.
        hashes: of the files that went in, see ``hash_inputs``.
        device: the provider that really ran.
        took_s: wall time of the job so far, seconds.
        timings: seconds by stage.
        chains: names, versions and state hashes of the effects that ran.
    """

    request: Request
    bundle: Bundle
    hashes: dict[str, Any]
    device: str
    took_s: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    chains: dict[str, Any] = field(default_factory=dict)


def hash_inputs(request: Request) -> dict[str, Any]:
    """SHA-256 of input, rest and examples in order, as a sidecar names them; None where there is no file.

    Of a very large file there is ``input_sampled_sha256`` instead, see ``engine.file_hash``.
    """
    hashes: dict[str, Any] = {}
    for name, path in (("input", request.input), ("rest_input", request.rest)):
        hashes[f"{name}_sha256"] = content_sha256(Path(path)) if path else None
        if path and (sampled := sampled_sha256(Path(path))):
            hashes[f"{name}_sampled_sha256"] = sampled
    if request.notes_file:
        hashes["notes_file_sha256"] = file_sha256(Path(request.notes_file))
    hashes["examples_sha256"] = [file_sha256(Path(example_path(example))) for example in request.examples]
    return hashes


_FIGURES: dict[str, Callable[[StemResult, Provenance], Any]] = {  # of one result, after the request
    "prompt": lambda result, made: result.prompt,
    "understood": lambda result, made: result.understood,
    "input_sha256": lambda result, made: made.hashes["input_sha256"],
    "rest_input_sha256": lambda result, made: made.hashes["rest_input_sha256"],
    "examples_sha256": lambda result, made: made.hashes["examples_sha256"],
    "bundle_name": lambda result, made: made.bundle.manifest.name,
    "bundle_version": lambda result, made: made.bundle.manifest.version,
    "bundle_sha256": lambda result, made: made.bundle.sha256,
    "stem": lambda result, made: _name(result.stem),
    "rest": lambda result, made: _name(result.rest),
    "mix": lambda result, made: _name(result.mix),
    "start_samples": lambda result, made: result.start_samples,
    "length_samples": lambda result, made: result.length_samples,
    "rate_hz": lambda result, made: result.rate_hz,
    "null_db": lambda result, made: result.null_db,
    "presence": lambda result, made: result.presence,
    "presence_windows": lambda result, made: result.presence_windows,
    "candidate": lambda result, made: result.candidate if _request_of_one(result, made.request).candidates > 1 else 0,
    "similarity": lambda result, made: result.similarity,
    "fit": lambda result, made: result.fit,
    "made_by": lambda result, made: result.made_by,
    "instrument": lambda result, made: result.instrument,
    "midi": lambda result, made: _name(result.midi),
    "level_db": lambda result, made: result.level_db,
    "gain_db": lambda result, made: result.gain_db,
    "lossless": lambda result, made: result.lossless,
    "file_format": lambda result, made: result.file_format,
    "provider": lambda result, made: made.device,
    "took_s": lambda result, made: round(made.took_s, 3),
    "timings": lambda result, made: {stage: round(seconds, 4) for stage, seconds in made.timings.items()},
}


_SAMPLED = ("input_sampled_sha256", "rest_input_sampled_sha256", "notes_file_sha256", "sampler_sha256")
_CHAINS = ("chain_effects", "chain_before_effects")
_OF_THE_RESULT = {"fluxstem_sidecar", "engine_version", "made_at", "notes", *_FIGURES, *_SAMPLED, *_CHAINS}


def sidecar_json(result: StemResult, made: Provenance) -> dict[str, Any]:
    """What goes into the sidecar of one result."""
    devices = {provider: device for device, provider in PROVIDERS.items()}
    request = replace(
        _request_of_one(result, made.request),
        device=devices.get(made.device, made.request.device),
        batch_windows=batch_windows(made.device, made.request.batch_windows),
    )
    head = {
        "fluxstem_sidecar": FORMAT,
        "engine_version": engine_version(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    asked = {_OWN_NAME.get(name, name): value for name, value in request_to_json(request).items()}
    of_one = replace(made, request=request)
    figures = {name: figure(result, of_one) for name, figure in _FIGURES.items()}
    figures |= {name: made.hashes[name] for name in _SAMPLED if name in made.hashes}
    figures |= made.chains
    figures |= {"notes": result.notes} if result.notes else {}
    return {**head, **asked, **figures} | head  # whatever a request of another version brings along


def _name(path: str | None) -> str | None:
    return Path(path).name if path else None


def write_sidecars(results: tuple[StemResult, ...], made: Provenance) -> tuple[StemResult, ...]:
    """Write the JSON beside each result; when one cannot be written, take all files of the job away again.

    Returns:
        The results with the paths of their sidecars.

    Raises:
        OSError, OutputError: the disk is full or gone; nothing of the job remains.
    """
    written: list[StemResult] = []
    try:
        for result in results:
            written.append(replace(result, sidecar=str(_write_sidecar(result, made))))
    except BaseException:
        for result in (*results, *written):
            for path in (result.mix, result.stem, result.rest, result.sidecar):
                if path:
                    Path(path).unlink(missing_ok=True)
        raise
    return tuple(written)


def _write_sidecar(result: StemResult, made: Provenance) -> Path:
    # The first file of a result: its name was chosen with room for this one. The mix of a piece is that of all stems.
    rule = rule_of(result.task or made.request.task)
    stem, mix, rest = result.stem, result.mix, result.rest
    files = (stem, mix, rest) if rule.together else (rest, stem) if rule.answer is Slot.REST else (mix, stem, rest)
    beside = next((Path(file) for file in files if file), Path(made.request.out) / f"{made.request.task}.wav")
    text = json.dumps(finite(sidecar_json(result, made)), indent=1, allow_nan=False) + "\n"
    return publish_bytes(beside.with_name(beside.stem + ".json"), text.encode("ascii"))


def rerun_request(
    path: Path | str,
    *,
    out: str | None = None,
    input: str | None = None,
    rest: str | None = None,
    bundle: str | None = None,
) -> Request:
    """The request that makes a result again.

    Args:
        out: folder for the new result; None means beside the sidecar.
        input, rest, bundle: where they are now, when they have moved; they must be the same as then.

    Raises:
        RequestError: the file is not a sidecar.
        AudioError: an input is gone or is no longer the same.
        BundleError: the bundle is gone or is no longer the same.
    """
    path = Path(path)
    data = read_sidecar(path)
    request = _request_of(data, path)
    request = replace(
        request,
        out=absolute(str(path.parent)) if out is None else out,
        input=request.input if input is None else input,
        rest=request.rest if rest is None else rest,
        bundle=request.bundle if bundle is None else bundle,
    )
    for what, name, file in (("input", "input", request.input), ("rest", "rest_input", request.rest)):
        _check_same_file(what, file, data.get(f"{name}_sha256"), path)
        _check_same_file(what, file, data.get(f"{name}_sampled_sha256"), path, sampled_sha256)
    _check_same_file("MIDI file", request.notes_file, data.get("notes_file_sha256"), path, file_sha256)
    for example, sha256 in zip(request.examples, _hashes_of_examples(data, request, path), strict=True):
        _check_same_file("example", example_path(example), sha256, path)
    _check_same_bundle(request, data, path)
    return request


def read_sidecar(path: Path) -> dict[str, Any]:
    """What the JSON beside a result says.

    Raises:
        RequestError: there is none, or it is not a sidecar that this version reads.
    """
    if not os.path.isfile(path):
        raise RequestError("there is no file {path}; give the JSON that lies beside a result", path=path)
    if path.stat().st_size > SIDECAR_LIMIT_BYTES:
        raise RequestError("{path} is too large to be a sidecar; give the JSON that lies beside a result", path=path)
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        why = error.strerror
        raise RequestError("{path} cannot be read ({why}); check that it may be read", path=path, why=why) from error
    except (ValueError, RecursionError) as error:
        raise RequestError(
            "{path} is not JSON ({error}); give the JSON that lies beside a result", path=path, error=error
        ) from error
    number = data.get("fluxstem_sidecar") if isinstance(data, dict) else None
    if type(number) is not int or number < 1:  # True is an int
        raise RequestError("{path} is not a Fluxstem sidecar; give the JSON that lies beside a result", path=path)
    if number > FORMAT:
        raise RequestError(
            "{path} has sidecar format {number}, this engine reads up to {newest}; update the engine",
            path=path, number=number, newest=FORMAT,
        )  # fmt: skip
    return dict(data)


def _request_of(data: dict[str, Any], path: Path) -> Request:
    own = {_OWN_NAME.get(name, name): name for name in OPTIONS}
    values = {own.get(key, key): value for key, value in data.items() if key in own or key not in _OF_THE_RESULT}
    values.setdefault("prompts", [data.get("prompt", "")])  # where sidecars of the first engines name it
    try:
        return request_from_json(values)
    except RequestError as error:
        raise RequestError("{path} cannot be run again: {error}", path=path, error=error) from error


def _request_of_one(result: StemResult, request: Request) -> Request:
    """What must be asked to get this result and no other."""
    rule = rule_of(request.task)
    if not rule.together and request.prompts and not request.adds_up:
        request = replace(request, task=result.task or request.task, prompts=(result.prompt,))
    if not rule.together and request.seed + result.candidate <= OPTIONS["seed"].limits[1]:
        request = replace(request, seed=request.seed + result.candidate, candidates=1)
    if rule.span is Span.NO and request.regions_s:
        start, rate_hz = result.start_samples, result.rate_hz
        region_s = start / rate_hz, (start + result.length_samples) / rate_hz
        request = replace(request, region_s=region_s, regions_s=())
    return request


def _hashes_of_examples(data: dict[str, Any], request: Request, path: Path) -> list[str]:
    hashes: list[str] = data.get("examples_sha256", [])
    whole = isinstance(hashes, list) and all(isinstance(sha256, str) for sha256 in hashes)
    if not whole or len(hashes) != len(request.examples):
        raise RequestError("{path} cannot be run again: it does not have one hash for each example", path=path)
    return hashes


def _check_same_file(
    what: str, file: str | None, sha256: str | None, path: Path, hash_of: Callable[[Path], str | None] = file_sha256
) -> None:
    if file is None:
        return
    if not os.path.isfile(file):
        gone = "the {what} {file} that {name} was made from is gone; put it back"
        raise AudioError(
            gone if what == "example" else gone + ", or say where it is now with --{what}",
            what=what, file=file, name=path.name,
        )  # fmt: skip
    if sha256 is not None and hash_of(Path(file)) != sha256:
        raise AudioError(
            "the {what} {file} is no longer the one that {name} was made from (its hash differs); "
            "put the old one back, or make a new result", what=what, file=file, name=path.name,
        )  # fmt: skip


def _check_same_bundle(request: Request, data: dict[str, Any], path: Path) -> None:
    bundle = load_bundle(find_bundle(request.bundle), check_hashes=False)
    asked = data.get("bundle_sha256")
    if asked != bundle.sha256:
        raise BundleError(
            "{name} was made with bundle {then} (hash {then_hash}), but {bundle} is now {now} (hash {now_hash}); "
            "install the old one, or make a new result",
            name=path.name,
            then=f"{data.get('bundle_name')} {data.get('bundle_version')}",
            then_hash=str(asked)[:12],
            bundle=request.bundle,
            now=f"{bundle.manifest.name} {bundle.manifest.version}",
            now_hash=bundle.sha256[:12],
        )
