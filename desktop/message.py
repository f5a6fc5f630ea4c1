"""A sentence for the user that a view can still translate: a template and what goes into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from engine import EngineError, Failed, Sentence


class Message:
    """Reads as the finished English sentence.

    Args:
        template: the sentence, with values in braces as for ``str.format``; without values it is taken as it is.
        values: what goes into the braces; may be messages themselves.

    Attributes:
        template, values: as given.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        self.template = template
        self.values: Mapping[str, object] = values

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template

    @classmethod
    def of(cls, error: EngineError) -> Self:
        """What an error says."""
        return cls(error.template, **error.values) if error.template else cls(str(error))

    @classmethod
    def of_finding(cls, sentence: Sentence) -> Self:
        """What was found on this machine; sentences in it become messages too."""
        values = {
            name: cls.of_finding(value) if isinstance(value, Sentence) else value
            for name, value in sentence.values.items()
        }
        return cls(sentence.template, **values)

    @classmethod
    def of_failed(cls, failed: Failed) -> Self:
        """What the engine says of a job that failed."""
        return cls(failed.template, **failed.values) if failed.template else cls(failed.message)
