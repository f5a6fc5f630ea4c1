"""Fetching encoders: safetensors first, pickled weights where there is nothing else. The hub is a folder here."""

import fnmatch
import shutil

import pytest
import torch

from training.pretrained.sources import download, open_source


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A repository's files, and the patterns it was asked for; what matches is copied as the hub would."""
    there, here, asked = tmp_path / "there", tmp_path / "here", []
    there.mkdir()
    here.mkdir()

    def snapshot_download(repository, allow_patterns):
        asked.append(allow_patterns)
        for path in there.iterdir():
            if any(fnmatch.fnmatch(path.name, pattern) for pattern in allow_patterns):
                shutil.copyfile(path, here / path.name)
        return str(here)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    (there / "config.json").write_text("{}")
    return there, here, asked


def test_a_repository_with_pickled_weights_alone_is_fetched_whole(hub):
    there, here, _ = hub
    torch.save({"weight": torch.ones(2)}, there / "pytorch_model.bin")
    source = open_source("some/repository", may_download=True)
    assert torch.equal(source.state["weight"], torch.ones(2))
    assert source.settings["config.json"] == {}
    assert (here / "config.json").is_file()


def test_pickled_weights_beside_safetensors_are_not_fetched(hub):
    there, here, asked = hub
    for name in ("pytorch_model.bin", "model.safetensors"):
        (there / name).write_bytes(b"weights")
    assert download("some/repository") == here
    assert sorted(path.name for path in here.iterdir()) == ["config.json", "model.safetensors"]
    assert len(asked) == 1
