"""Fixtures of the engine's tests: the toy bundle of ``tests/toybundle.py``, written once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the helpers beside the test folders


@pytest.fixture(scope="session")
def toy_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with perfect codec and known answers."""
    from toybundle import write_toy_bundle

    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy")
