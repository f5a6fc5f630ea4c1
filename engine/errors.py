"""All errors a user can meet, as one tree. They are worded where they are raised.

    EngineError               catch this to catch them all
      BundleError             the model folder is unusable
        BundleTooNew            written by a newer exporter
        BundleDamaged           a file is missing or its hash differs
      RequestError            the caller asked for something impossible
        AudioError              the audio file cannot be used
        ExampleError            a picture, video or sound given as an example cannot be used
        NotHeard                what is to be replaced seems not to be in the mix
      OutputError             a result could not be written
      DeviceError             the accelerator or its driver refused
        DeviceLost            it broke down; only a new process can use it again
      HostError               the engine process died or never answered
        HostHung                it was there and did nothing, so it was ended
      Cancelled               the caller asked to stop; not a failure

Every message says what was asked, what is allowed and what to do. Its German, for the window, is found by its template
in ``desktop/resources/fluxstem_de.ts``.
"""

from __future__ import annotations

import re

_FIELD = re.compile(r"\{[a-z]\w*(?:![ra])?(?::,?(?:\.\d)?[gfd]?)?\}")


class EngineError(Exception):
    """Base of every error a caller of the engine can meet.

    ``AudioError("there is no file {path}; check the path", path=path)`` reads as the finished sentence, and a window
    that speaks another language finds its own sentence by the template.

    Args:
        template: the sentence, with values in braces as for ``str.format``; without values it is taken as it is.
        values: what goes into the braces.

    Attributes:
        template, values: as given.
    """

    def __init__(self, template: str = "", /, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values


class BundleError(EngineError):
    """The model folder is unusable."""


class BundleTooNew(BundleError):
    """The bundle was written by a newer exporter than this engine understands."""


class BundleDamaged(BundleError):
    """A file of the bundle is missing, or its contents differ from the manifest."""


class RequestError(EngineError):
    """The caller asked for something impossible."""


class AudioError(RequestError):
    """An audio file cannot be used: missing, not audio, empty, or outside what is allowed."""


class ExampleError(RequestError):
    """A picture, video or sound that was given as an example cannot be used: not one, damaged, or too large."""


class NotHeard(RequestError):
    """What is to be replaced seems not to be in the mix; ``Request.anyway`` replaces it all the same."""


class OutputError(EngineError):
    """A result could not be written."""


class DeviceError(EngineError):
    """The accelerator, its driver or its memory refused."""


class DeviceLost(DeviceError):
    """The accelerator broke down in the middle of a job, and answers no more in this process."""


class HostError(EngineError):
    """The engine process died or never answered."""


class HostHung(HostError):
    """The engine process was there, but stopped, silent or without an end, so it was ended."""


class Cancelled(EngineError):
    """The caller asked to stop."""


def error_of_another_process(kind: object, template: object, values: object) -> EngineError | None:
    """An error that a process told which strangers' files may have hijacked; None where it makes no sense.

    Braces in the template may hold names of values and nothing that reaches into them or asks for a width.

    Args:
        kind: name of one of the classes above.
        template, values: as of ``EngineError``.
    """
    known = globals().get(kind) if isinstance(kind, str) else None
    if not (isinstance(known, type) and issubclass(known, EngineError) and isinstance(template, str)):
        return None
    if not isinstance(values, dict) or not len(_FIELD.findall(template)) == template.count("{") == template.count("}"):
        return None
    try:
        return known(template, **values)
    except (LookupError, TypeError, ValueError):  # a value is missing, or of another kind
        return None
