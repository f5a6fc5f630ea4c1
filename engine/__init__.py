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
    HostHung,
    OutputError,
    RequestError,
)
from engine.events import BIT_FOR_BIT_DB, Accepted, CancelledJob, Done, Event, Failed, Progress, StemResult
from engine.host.client import Engine
from engine.latents import Slot
from engine.notes.beats import KEY_NAMES, TempoEstimate, can_estimate, estimate_from_text, estimate_text
from engine.notes.listen import listening_command, listening_error
from engine.notes.midi import midi_bytes
from engine.notes.note import DrumHit, NoteEvent
from engine.notes.stem_analysis import STEM_KINDS, StemAnalysis, analysis_of_json
from engine.notes.time_map import BPM_LIMITS, METER_LIMITS, TimeMap
from engine.notes.write import write_new
from engine.options import Option
from engine.places import (
    IN_SAMPLES,
    Place,
    example_in_seconds,
    length_of,
    rate_of,
    region_in_seconds,
    region_of,
    without_part,
)
from engine.plugins.builtin_effects import BUILTINS, ParameterSpec
from engine.plugins.chain import (
    ChainEffect,
    EffectChain,
    chain_json,
    chain_of_json,
    chain_text,
    list_chains,
    read_chain,
    read_preset,
    user_chains_folder,
)
from engine.plugins.editor import editor_obstacle
from engine.plugins.plugin_library import PluginInfo, PluginLibrary, load_plugin_library, scan_plugins
from engine.plugins.render import ChainReport, PluginSettings, plugin_settings
from engine.plugins.render_apart import render_file_apart
from engine.plugins.render_file import ChainedFile, render_file
from engine.provenance import rerun_request
from engine.receipt import Receipt, settle_receipt
from engine.request import EXAMPLE_KINDS, OPTIONS, Format, Request, region_fields
from engine.runtime.device_notes import DEVICE_NOTES
from engine.serialization import request_from_json, request_to_json
from engine.session.collect import music_of, session_of
from engine.session.export import SESSION_FORMATS, SessionFormat, export_session
from engine.session.plan import DawSession, SessionMarker, SessionTrack
from engine.stem_sets import STEM_SETS, StemSet
from engine.tasks import TASKS, Rule, rule_of
from engine.telemetry import turn_off_telemetry
from engine.version import engine_version

turn_off_telemetry()

__all__ = [
    "BIT_FOR_BIT_DB",
    "BPM_LIMITS",
    "BUILTINS",
    "DEVICE_NOTES",
    "EXAMPLE_KINDS",
    "IN_SAMPLES",
    "KEY_NAMES",
    "METER_LIMITS",
    "OPTIONS",
    "SESSION_FORMATS",
    "STEM_KINDS",
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
    "ChainEffect",
    "ChainReport",
    "ChainedFile",
    "DawSession",
    "DeviceError",
    "Done",
    "DrumHit",
    "EffectChain",
    "Engine",
    "EngineError",
    "Event",
    "ExampleError",
    "Failed",
    "Format",
    "HostError",
    "HostHung",
    "Manifest",
    "NoteEvent",
    "Option",
    "OutputError",
    "ParameterSpec",
    "Place",
    "PluginInfo",
    "PluginLibrary",
    "PluginSettings",
    "Progress",
    "Receipt",
    "Request",
    "RequestError",
    "Rule",
    "Sentence",
    "SessionFormat",
    "SessionMarker",
    "SessionTrack",
    "Slot",
    "StemAnalysis",
    "StemResult",
    "StemSet",
    "TempoEstimate",
    "TimeMap",
    "analysis_of_json",
    "can_estimate",
    "chain_json",
    "chain_of_json",
    "chain_text",
    "check_values",
    "editor_obstacle",
    "engine_version",
    "estimate_from_text",
    "estimate_text",
    "examine",
    "example_in_seconds",
    "export_session",
    "find_bundle",
    "findings_sentences",
    "length_of",
    "list_bundles",
    "list_chains",
    "listening_command",
    "listening_error",
    "load_bundle",
    "load_plugin_library",
    "midi_bytes",
    "music_of",
    "plugin_settings",
    "rate_of",
    "read_chain",
    "read_extras",
    "read_preset",
    "region_fields",
    "region_in_seconds",
    "region_of",
    "render_file",
    "render_file_apart",
    "request_from_json",
    "request_to_json",
    "rerun_request",
    "rule_of",
    "scan_plugins",
    "session_of",
    "settle_receipt",
    "time_reference",
    "user_cache_folder",
    "user_chains_folder",
    "user_data_folder",
    "without_part",
    "write_new",
]
