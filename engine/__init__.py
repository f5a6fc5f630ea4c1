"""The front door of the engine: everything a client needs, and nothing that loads a runtime.

A whole program: ``with Engine() as engine: print(engine.wait(engine.submit(Request(task="isolate", ...))))``.

A name is loaded when somebody asks for it: a decoder's process, which reads one file and ends, would else begin by
reading the whole engine. Type checkers follow the imports, the program follows the table; a test compares the two.
"""

# mypy: implicit-reexport
# ruff: noqa: F401

import importlib
from typing import TYPE_CHECKING, Any

from engine.telemetry import turn_off_telemetry

if TYPE_CHECKING:
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
        NotHeard,
        OutputError,
        RequestError,
    )
    from engine.events import BIT_FOR_BIT_DB, Accepted, CancelledJob, Done, Event, Failed, Progress, StemResult
    from engine.generation.voice_notes import VOICE_NOTES
    from engine.host.client import Engine
    from engine.latents import Slot
    from engine.notes.beats import KEY_NAMES, TempoEstimate, can_estimate, estimate_from_text, estimate_text
    from engine.notes.listen import listening_command, listening_error
    from engine.notes.midi import midi_bytes, read_midi_bytes
    from engine.notes.note import DrumHit, NoteEvent
    from engine.notes.stem_analysis import STEM_KINDS, StemAnalysis, analysis_of_json
    from engine.notes.time_map import BPM_LIMITS, METER_LIMITS, TimeMap
    from engine.notes.transcribe import SURE_ENOUGH
    from engine.notes.write import write_new
    from engine.optional_packages import require_librosa, require_mido
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
    from engine.plugins.render_file import ChainedFile, render_file
    from engine.plugins.render_sandboxed import render_file_sandboxed
    from engine.provenance import rerun_request
    from engine.receipt import Receipt, settle_receipt
    from engine.request import EXAMPLE_KINDS, OPTIONS, Format, Request, region_fields
    from engine.runtime.device_notes import DEVICE_NOTES
    from engine.serialization import request_from_json, request_to_json
    from engine.session.collect import music_of, session_of
    from engine.session.export import SESSION_FORMATS, SessionFormat, export_session
    from engine.session.plan import DawSession, SessionMarker, SessionTrack
    from engine.stem_sets import STEM_SETS, StemSet
    from engine.tasks import TASKS, TaskRule, rule_of
    from engine.version import engine_version

# Module -> what comes from it; "a:b" is its ``a`` under the name ``b``.
_HOMES = {
    "audio.riff": "read_extras time_reference",
    "bundle.bundle": "Bundle Manifest load_bundle",
    "bundle.library": "find_bundle list_bundles user_cache_folder user_data_folder",
    "checks": "check_values",
    "doctor": "Sentence examine sentences:findings_sentences",
    "errors": (
        "AudioError BundleDamaged BundleError BundleTooNew Cancelled DeviceError EngineError ExampleError "
        "HostError HostHung NotHeard OutputError RequestError"
    ),
    "events": "BIT_FOR_BIT_DB Accepted CancelledJob Done Event Failed Progress StemResult",
    "generation.voice_notes": "VOICE_NOTES",
    "host.client": "Engine",
    "latents": "Slot",
    "notes.beats": "KEY_NAMES TempoEstimate can_estimate estimate_from_text estimate_text",
    "notes.listen": "listening_command listening_error",
    "notes.midi": "midi_bytes read_midi_bytes",
    "notes.note": "DrumHit NoteEvent",
    "notes.stem_analysis": "STEM_KINDS StemAnalysis analysis_of_json",
    "notes.transcribe": "SURE_ENOUGH",
    "notes.time_map": "BPM_LIMITS METER_LIMITS TimeMap",
    "notes.write": "write_new",
    "optional_packages": "require_librosa require_mido",
    "options": "Option",
    "places": "IN_SAMPLES Place example_in_seconds length_of rate_of region_in_seconds region_of without_part",
    "plugins.builtin_effects": "BUILTINS ParameterSpec",
    "plugins.chain": (
        "ChainEffect EffectChain chain_json chain_of_json chain_text list_chains read_chain read_preset "
        "user_chains_folder"
    ),
    "plugins.editor": "editor_obstacle",
    "plugins.plugin_library": "PluginInfo PluginLibrary load_plugin_library scan_plugins",
    "plugins.render": "ChainReport PluginSettings plugin_settings",
    "plugins.render_sandboxed": "render_file_sandboxed",
    "plugins.render_file": "ChainedFile render_file",
    "provenance": "rerun_request",
    "receipt": "Receipt settle_receipt",
    "request": "EXAMPLE_KINDS OPTIONS Format Request region_fields",
    "runtime.device_notes": "DEVICE_NOTES",
    "serialization": "request_from_json request_to_json",
    "session.collect": "music_of session_of",
    "session.export": "SESSION_FORMATS SessionFormat export_session",
    "session.plan": "DawSession SessionMarker SessionTrack",
    "stem_sets": "STEM_SETS StemSet",
    "tasks": "TASKS TaskRule rule_of",
    "version": "engine_version",
}
_PLACES = {
    name.rpartition(":")[2]: (f"engine.{home}", name.partition(":")[0])
    for home, names in _HOMES.items()
    for name in names.split()
}
__all__ = [*_PLACES]

turn_off_telemetry()

if not TYPE_CHECKING:  # with it, type checkers would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home, there = _PLACES[name]
        found = globals()[name] = getattr(importlib.import_module(home), there)
        return found
