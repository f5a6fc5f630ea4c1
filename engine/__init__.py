"""The front door of the engine: everything a client needs, and nothing that loads a runtime.

A whole program: ``with Engine() as engine: print(engine.wait(engine.submit(Request(task="isolate", ...))))``.
"""

from engine.audio.riff import read_extras, time_reference
from engine.bundle.bundle import Bundle, Manifest, load_bundle
from engine.bundle.library import find_bundle, list_bundles, user_cache_folder, user_data_folder
from engine.checks import check_values
from engine.doctor import Sentence, examine
from engine.doctor import sentences as findings_sentences
from engine.errors import (
    AudioError,
    BundleDamaged,
    BundleError,
    BundleTooNew,
    Cancelled,
    DeviceError,
    EngineError,
    ExampleError,
    HostError,
    OutputError,
    RequestError,
)
from engine.events import BIT_FOR_BIT_DB, Accepted, CancelledJob, Done, Event, Failed, Progress, StemResult
from engine.host.client import Engine
from engine.latents import Slot
from engine.options import Option
from engine.provenance import rerun_request
from engine.request import EXAMPLE_KINDS, OPTIONS, Request, region_fields
from engine.serialization import request_from_json, request_to_json
from engine.session.collect import session_of
from engine.session.export import SESSION_FORMATS, SessionFormat, export_session
from engine.session.plan import DawSession, SessionMarker, SessionTrack
from engine.stem_sets import STEM_SETS, StemSet
from engine.tasks import TASKS, Rule, rule_of
from engine.telemetry import turn_off_telemetry
from engine.version import engine_version

turn_off_telemetry()

__all__ = [
    "BIT_FOR_BIT_DB",
    "EXAMPLE_KINDS",
    "OPTIONS",
    "SESSION_FORMATS",
    "STEM_SETS",
    "TASKS",
    "Accepted",
    "AudioError",
    "Bundle",
    "BundleDamaged",
    "BundleError",
    "BundleTooNew",
    "Cancelled",
    "CancelledJob",
    "DawSession",
    "DeviceError",
    "Done",
    "Engine",
    "EngineError",
    "Event",
    "ExampleError",
    "Failed",
    "HostError",
    "Manifest",
    "Option",
    "OutputError",
    "Progress",
    "Request",
    "RequestError",
    "Rule",
    "Sentence",
    "SessionFormat",
    "SessionMarker",
    "SessionTrack",
    "Slot",
    "StemResult",
    "StemSet",
    "check_values",
    "engine_version",
    "examine",
    "export_session",
    "find_bundle",
    "findings_sentences",
    "list_bundles",
    "load_bundle",
    "read_extras",
    "region_fields",
    "request_from_json",
    "request_to_json",
    "rerun_request",
    "rule_of",
    "session_of",
    "time_reference",
    "user_cache_folder",
    "user_data_folder",
]
