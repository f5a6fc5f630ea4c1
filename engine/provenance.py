"""The JSON beside each result: everything that decided its samples, so that it can be made again.

It is flat: the fields of the request with every default filled in (narrowed to what this one result needs), hashes of
what went in, figures of what came out. Knows nothing of graphs or processes.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.audio.atomic import Draft, publish
from engine.bundle.bundle import Bundle, file_sha256, load_bundle
from engine.bundle.library import find_bundle
from engine.checks import SEED_LIMIT, absolute, check_values
from engine.errors import AudioError, BundleError, RequestError
from engine.media.reference import example_path
from engine.messages import Request, StemResult
from engine.runtime.backend import PROVIDERS, batch_windows
from engine.serialization import request_from_json
from engine.tasks import Span, rule_of
from engine.version import engine_version

FORMAT = 1
SIDECAR_LIMIT_BYTES = 1 << 20
_OWN_NAME = {"rest": "rest_input"}  # fields of a request that are called otherwise in a sidecar


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What one job was made from and with; the same for all of its results.

    Attributes:
        request: with every default filled in.
        bundle: the checked bundle that ran.
        input_sha256, rest_sha256: of the files that went in; None where there was none.
        examples_sha256: of the examples, in order.
        device: the provider that really ran.
        took_s: wall time of the job so far, seconds.
        timings: seconds by stage.
    """

    request: Request
    bundle: Bundle
    input_sha256: str | None
    rest_sha256: str | None
    device: str
    took_s: float
    timings: dict[str, float]
    examples_sha256: tuple[str, ...] = ()


def sidecar_json(result: StemResult, made: Provenance) -> dict[str, Any]:
    """What goes into the sidecar of one result."""
    devices = {provider: device for device, provider in PROVIDERS.items()}
    request = replace(
        _request_of_one(result, made.request),
        device=devices.get(made.device, made.request.device),
        batch_windows=batch_windows(made.device, made.request.batch_windows),
    )
    asked = {_OWN_NAME.get(field.name, field.name): getattr(request, field.name) for field in fields(Request)}
    manifest = made.bundle.manifest
    return {
        "fluxstem_sidecar": FORMAT,
        "engine_version": engine_version(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **asked,
        "prompt": result.prompt,
        "input_sha256": made.input_sha256,
        "rest_input_sha256": made.rest_sha256,
        "examples_sha256": made.examples_sha256,
        "bundle_name": manifest.name,
        "bundle_version": manifest.version,
        "bundle_sha256": made.bundle.sha256,
        "stem": Path(result.stem).name if result.stem else None,
        "rest": Path(result.rest).name if result.rest else None,
        "mix": Path(result.mix).name if result.mix else None,
        "start_samples": result.start_samples,
        "length_samples": result.length_samples,
        "rate_hz": result.rate_hz,
        "null_db": result.null_db,
        "presence": result.presence,
        "presence_windows": result.presence_windows,
        "candidate": result.candidate if request.candidates > 1 else 0,
        "similarity": result.similarity,
        "level_db": result.level_db,
        "gain_db": result.gain_db,
        "provider": made.device,
        "took_s": round(made.took_s, 3),
        "timings": {stage: round(seconds, 4) for stage, seconds in made.timings.items()},
    }


def write_sidecar(result: StemResult, made: Provenance) -> StemResult:
    """Write the JSON beside a result.

    Returns:
        The result with the path of its sidecar.

    Raises:
        OSError, OutputError: it could not be written; no part of it remains.
    """
    # The first file of a result: its name was chosen with room for this one. The mix of a piece is that of all stems.
    together = rule_of(made.request.task).together
    files = (result.stem, result.mix, result.rest) if together else (result.mix, result.stem, result.rest)
    beside = next((Path(file) for file in files if file), Path(made.request.out) / f"{made.request.task}.wav")
    wanted = beside.with_name(beside.stem + ".json")
    text = json.dumps(finite(sidecar_json(result, made)), indent=1, allow_nan=False) + "\n"
    draft = Draft(wanted)
    try:
        draft.stream.write(text.encode("ascii"))
        draft.seal()
        [[name]] = publish([[draft]])
    finally:
        draft.close()
    return replace(result, sidecar=str(name))


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
        path: the sidecar.
        out: folder for the new result; None means beside the sidecar.
        input, rest, bundle: where they are now, when they have moved; they must be the same as then.

    Raises:
        RequestError: the file is not a sidecar, or asks for something impossible.
        AudioError: an input is gone or is no longer the same.
        BundleError: the bundle is gone or is no longer the same.
    """
    path = Path(path)
    data = _read(path)
    request = _request_of(data, path)
    request = replace(
        request,
        out=absolute(str(path.parent)) if out is None else out,
        input=request.input if input is None else input,
        rest=request.rest if rest is None else rest,
        bundle=request.bundle if bundle is None else bundle,
    )
    check_values(request)
    _check_same_file("input", request.input, data.get("input_sha256"), path)
    _check_same_file("rest", request.rest, data.get("rest_input_sha256"), path)
    for example, sha256 in zip(request.examples, _hashes_of_examples(data, request, path), strict=True):
        _check_same_file("example", example_path(example), sha256, path)
    _check_same_bundle(request, data, path)
    return request


def finite(value: Any) -> Any:
    """The same JSON value with null where a number is not finite, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _read(path: Path) -> dict[str, Any]:
    if not os.path.isfile(path):
        raise RequestError(f"there is no file {path}; give the JSON that lies beside a result")
    if path.stat().st_size > SIDECAR_LIMIT_BYTES:
        raise RequestError(f"{path} is too large to be a sidecar; give the JSON that lies beside a result")
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise RequestError(f"{path} cannot be read ({error.strerror}); check that it may be read") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path} is not JSON ({error}); give the JSON that lies beside a result") from error
    number = data.get("fluxstem_sidecar") if isinstance(data, dict) else None
    if not isinstance(number, int):
        raise RequestError(f"{path} is not a Fluxstem sidecar; give the JSON that lies beside a result")
    if number > FORMAT:
        raise RequestError(f"{path} has sidecar format {number}, this engine reads up to {FORMAT}; update the engine")
    return dict(data)


def _request_of(data: dict[str, Any], path: Path) -> Request:
    names = {field.name: _OWN_NAME.get(field.name, field.name) for field in fields(Request)}
    values = {name: data[own] for name, own in names.items() if own in data}
    values.setdefault("prompts", [data.get("prompt", "")])  # where sidecars of the first engines name it
    try:
        return request_from_json(values)
    except RequestError as error:
        raise RequestError(f"{path} cannot be run again: {error}") from error


def _request_of_one(result: StemResult, request: Request) -> Request:
    """What must be asked to get this result and no other."""
    rule = rule_of(request.task)
    if not rule.together and request.prompts:
        request = replace(request, prompts=(result.prompt,))
    if not rule.together and request.seed + result.candidate <= SEED_LIMIT:
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
        raise RequestError(f"{path} cannot be run again: it does not have one hash for each example")
    return hashes


def _check_same_file(what: str, file: str | None, sha256: str | None, path: Path) -> None:
    if file is None:
        return
    if not os.path.isfile(file):
        advice = "put it back" + ("" if what == "example" else f", or say where it is now with --{what}")
        raise AudioError(f"the {what} {file} that {path.name} was made from is gone; {advice}")
    if sha256 is not None and file_sha256(Path(file)) != sha256:
        raise AudioError(
            f"the {what} {file} is no longer the one that {path.name} was made from (its hash differs); "
            "put the old one back, or make a new result"
        )


def _check_same_bundle(request: Request, data: dict[str, Any], path: Path) -> None:
    bundle = load_bundle(find_bundle(request.bundle), check_hashes=False)
    asked = data.get("bundle_sha256")
    if asked != bundle.sha256:
        name = f"{data.get('bundle_name')} {data.get('bundle_version')}"
        raise BundleError(
            f"{path.name} was made with bundle {name} (hash {str(asked)[:12]}), but {request.bundle} is now "
            f"{bundle.manifest.name} {bundle.manifest.version} (hash {bundle.sha256[:12]}); "
            "install the old one, or make a new result"
        )
