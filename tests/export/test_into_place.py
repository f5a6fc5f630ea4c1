"""A new bundle takes the place of an old one, or the old one stays."""

import os

import pytest

from export.draft import move_into_place


@pytest.fixture
def folders(tmp_path):
    draft, folder = tmp_path / ".bundle.partial", tmp_path / "bundle"
    for path, version in ((draft, "new"), (folder, "old")):
        path.mkdir()
        (path / "manifest.json").write_text(version)
    return draft, folder


def test_a_new_bundle_takes_the_place_of_the_old_one_and_leaves_nothing_beside_it(folders):
    draft, folder = folders
    move_into_place(draft, folder)
    assert (folder / "manifest.json").read_text() == "new"
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("error", [OSError("no room"), KeyboardInterrupt()], ids=["full", "stopped"])
def test_the_old_bundle_stays_when_the_new_one_cannot_take_its_place(folders, monkeypatch, error):
    draft, folder = folders
    rename = os.replace

    def refuses(source, target):
        if source == draft:
            raise error
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuses)
    with pytest.raises(type(error)):
        move_into_place(draft, folder)
    assert (folder / "manifest.json").read_text() == "old"
    assert (draft / "manifest.json").read_text() == "new"
