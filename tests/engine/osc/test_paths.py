"""Hostile paths are all refused with one and the same text, and nothing is ever written outside the output folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from clihelp import everything_in, write_music
from oschelp import Caller

from engine import Cancelled
from engine.osc import Bridge, BridgeSettings
from engine.osc.paths import REFUSED, PathRefused, Roots, pin, resolve_path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the hostile paths are made with links, pipes and modes")

SECRET = "secret.wav"


@pytest.fixture
def yard(tmp_path: Path) -> Path:
    """An allowed folder ``in`` with one good clip and many traps, beside a secret it must not reach."""
    inside = tmp_path / "in"
    write_music(inside / "mix.wav", seconds=0.1)
    write_music(tmp_path / "outside" / SECRET, seconds=0.1)
    write_music(tmp_path / "in-not" / "near.wav", seconds=0.1)
    secret = tmp_path / "outside" / SECRET
    (inside / "link.wav").symlink_to(secret)
    (inside / "relative link.wav").symlink_to(f"../outside/{SECRET}")
    (inside / "chain.wav").symlink_to(inside / "link.wav")
    (inside / "folder").symlink_to(tmp_path / "outside")
    (inside / "top").symlink_to("/")
    (inside / "loop a").symlink_to(inside / "loop b")
    (inside / "loop b").symlink_to(inside / "loop a")
    (inside / "dangling.wav").symlink_to(inside / "nowhere.wav")
    (inside / "null.wav").symlink_to("/dev/null")
    (inside / "zero.wav").symlink_to("/dev/zero")
    (inside / "self.wav").symlink_to("/proc/self/environ")
    os.mkfifo(inside / "pipe.wav")
    (inside / "sub").mkdir()
    other = write_music(inside / "other user.wav", seconds=0.1)
    other.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(other, 12345, 12345)
    else:
        other.chmod(0o000)
    hidden = inside / "closed"
    write_music(hidden / "mix.wav", seconds=0.1).chmod(0o000 if os.geteuid() else 0o600)
    if os.geteuid() == 0:
        os.chown(hidden / "mix.wav", 12345, 12345)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(inside / "socket.wav"))
    listener.close()
    return tmp_path


def hostile(yard: Path) -> list[str]:
    """At least sixty paths that must not be used."""
    i, o = f"{yard}/in", f"{yard}/outside"
    return [
        f"{o}/{SECRET}", f"{i}/../outside/{SECRET}", f"{i}/sub/../../outside/{SECRET}", f"{i}/./../outside/{SECRET}",
        f"{i}//..//outside/{SECRET}", f"{i}/../in/mix.wav", f"{i}/%2e%2e/outside/{SECRET}",
        f"{i}/..%2foutside/{SECRET}",
        f"{i}/..\\outside\\{SECRET}", f"{i}\\..\\outside\\{SECRET}", f"{i}/....//outside/{SECRET}",
        f"../outside/{SECRET}", "mix.wav", "./mix.wav", "in/mix.wav", "~/mix.wav", "~root/mix.wav", "$HOME/mix.wav",
        f"{i}/link.wav", f"{i}/relative link.wav", f"{i}/chain.wav", f"{i}/folder/{SECRET}", f"{i}/top{o}/{SECRET}",
        f"{i}/top/etc/passwd", f"{i}/loop a", f"{i}/loop a/mix.wav", f"{i}/dangling.wav", f"{i}/null.wav",
        f"{i}/zero.wav", f"{i}/self.wav", f"{i}/pipe.wav", f"{i}/socket.wav", f"{i}/other user.wav",
        f"{i}/closed/mix.wav", f"{i}/sub", f"{i}/sub/", f"{i}", f"{i}/", f"{i}/mix.wav/", f"{i}/mix.wav/more",
        f"{i}/nowhere.wav", f"{yard}/in-not/near.wav", f"{yard}", "/", "", " ", ".", "..",
        f"{i}/mix.wav\0", f"{i}/\0mix.wav", f"{i}/mix.wav\n", f"{i}/\x1b[2Jmix.wav", f"{i}/mix.wav\u202e",
        f"//{i}/mix.wav", "//host/share/mix.wav", "\\\\host\\share\\mix.wav", "\\\\?\\C:\\mix.wav",
        "\\\\.\\COM1", "/\\host\\share", "C:\\mix.wav", "C:mix.wav",
        "/dev/null", "/dev/zero", "/dev/stdin", "/dev/fd/0", "/dev/tty", "/proc/self/environ", "/proc/self/mem",
        "/proc/self/root/etc/passwd", f"/proc/self/cwd/{SECRET}", "/sys/kernel/vmcoreinfo", "/etc/passwd",
        "/etc/shadow", f"file://{i}/mix.wav", "http://localhost/mix.wav", "clip", f"{i}/" + "a" * 300,
        f"{i}/" + "a/" * 600 + "mix.wav", "/" + "a" * 5000, f"{i}/mix.wav:stream", f"{i}/mix.wav\udc80",
    ]  # fmt: skip


def test_sixty_hostile_paths_get_one_and_the_same_text(yard):
    roots = Roots([yard / "in"])
    asked = hostile(yard)
    assert len(set(asked)) >= 60
    before = everything_in(yard)
    for text in asked:
        with pytest.raises(PathRefused) as refused:
            pin(roots, text, yard / "spool" / "one")
        assert str(refused.value) == REFUSED, text
    assert everything_in(yard) == before


def test_the_good_clip_beside_the_traps_is_taken(yard):
    private = pin(Roots([yard / "in"]), f"{yard}/in/mix.wav", yard / "spool" / "one")
    assert private.read_bytes() == (yard / "in" / "mix.wav").read_bytes()
    assert private.name == "mix.wav"


@pytest.mark.parametrize("name", ["aux.wav", "con/take.wav", "NUL.wav", "com1.wav"])
def test_names_of_windows_devices_are_names_like_any_other_here(yard, name):
    clip = write_music(yard / "in" / name, seconds=0.1)
    assert pin(Roots([yard / "in"]), str(clip), yard / "spool" / "one").read_bytes() == clip.read_bytes()


def test_a_link_that_stays_inside_is_taken(yard):
    (yard / "in" / "good link.wav").symlink_to(yard / "in" / "mix.wav")
    private = pin(Roots([yard / "in"]), f"{yard}/in/good link.wav", yard / "spool" / "one")
    assert private.read_bytes() == (yard / "in" / "mix.wav").read_bytes()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_swapped_in_between_check_and_open_is_refused(yard, what):
    (yard / "in" / "deep").mkdir()
    clip = write_music(yard / "in" / "deep" / SECRET, seconds=0.1)

    def resolve_then_swap(text: str) -> Path:
        found = resolve_path(text)
        if what == "file":
            clip.unlink()
            clip.symlink_to(yard / "outside" / SECRET)
        else:
            clip.parent.rename(yard / "in" / "away")
            clip.parent.symlink_to(yard / "outside")
        return found

    with pytest.raises(PathRefused, match="this path cannot be used"):
        pin(Roots([yard / "in"], resolve_then_swap), str(clip), yard / "spool" / "one")


def test_a_link_swapped_in_after_the_open_changes_nothing(yard):
    clip = yard / "in" / "mix.wav"
    sound = clip.read_bytes()
    private = pin(Roots([yard / "in"]), str(clip), yard / "spool" / "one")
    clip.unlink()
    clip.symlink_to(yard / "outside" / SECRET)
    assert private.read_bytes() == sound
    assert not private.is_symlink()


def test_another_disk_means_a_copy(yard, monkeypatch):
    def other_disk(*args: object, **kwargs: object) -> None:
        raise OSError(18, "another disk")

    monkeypatch.setattr(os, "link", other_disk)
    private = pin(Roots([yard / "in"]), f"{yard}/in/mix.wav", yard / "spool" / "one")
    assert private.read_bytes() == (yard / "in" / "mix.wav").read_bytes()


def test_a_copy_to_another_disk_can_be_stopped_and_leaves_nothing(yard, monkeypatch):
    def other_disk(*args: object, **kwargs: object) -> None:
        raise OSError(18, "another disk")

    def closed() -> None:
        raise Cancelled("the bridge is closed")

    monkeypatch.setattr(os, "link", other_disk)
    with pytest.raises(Cancelled):
        pin(Roots([yard / "in"]), f"{yard}/in/mix.wav", yard / "spool" / "one", closed)
    assert not (yard / "spool" / "one").exists()


def test_over_osc_hostile_paths_are_refused_and_nothing_is_written(yard, toy_engine, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    before = everything_in(yard)
    results = yard / "results"
    settings = BridgeSettings(port=0, roots=(yard / "in",), out=results, bundle="toy", home=home, no_token=True)
    sayable = [text for text in hostile(yard) if "\0" not in text and "\udc80" not in text]
    with Bridge(toy_engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        texts = set()
        for number, text in enumerate(sayable):
            message = caller.ask("/fluxstem/isolate", f"job {number}", text, "bass")
            assert message[:2] == ("/fluxstem/fail", f"job {number}")
            if len(text) <= 1024 and message[2] != "arguments":
                texts.add(message[2:])
        caller.socket.close()
    assert texts == {("path", REFUSED)}
    after = everything_in(yard)
    after.pop("results")
    assert after == before
    assert not list((home / "spool").iterdir())


def test_existing_files_are_never_replaced(caller, mix, tmp_path):
    (tmp_path / "out").mkdir(exist_ok=True)
    mine = tmp_path / "out" / "mix - bass.wav"
    mine.write_bytes(b"mine")
    for number in range(2):
        caller.say("/fluxstem/isolate", f"again {number}", str(mix), "bass")
        done = caller.until("/fluxstem/done", "/fluxstem/fail")
        assert done[0] == "/fluxstem/done", done
        assert all(Path(path).parent == tmp_path / "out" and Path(path).is_file() for path in done[3:5])
    assert mine.read_bytes() == b"mine"
    wavs = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".wav"]
    assert len(wavs) == 5
