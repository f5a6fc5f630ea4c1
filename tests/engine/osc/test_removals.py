"""What no job needs any more is gone when the bridge is, also where the disk had no time for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from engine.osc.removals import Removals


def test_a_folder_that_the_disk_had_no_time_for_is_removed_at_the_end(tmp_path):
    disk, busy = ThreadPoolExecutor(1), threading.Event()
    removals = Removals(disk)
    waiting, late = tmp_path / "waiting", tmp_path / "late"
    for folder in (waiting, late):
        (folder / "in").mkdir(parents=True)
        (folder / "in" / "mix.wav").write_bytes(b"a user's own sound")
    disk.submit(busy.wait)
    removals.remove(waiting)
    assert waiting.is_dir()
    threading.Timer(0.1, busy.set).start()
    disk.shutdown(wait=True, cancel_futures=True)
    assert waiting.is_dir(), "the disk's thread drops what waits"
    removals.remove(late)
    assert not late.exists()
    removals.close()
    assert not waiting.exists()


def test_a_folder_is_removed_by_the_disk_meanwhile(tmp_path):
    disk = ThreadPoolExecutor(1)
    (tmp_path / "spool").mkdir()
    Removals(disk).remove(tmp_path / "spool")
    disk.shutdown(wait=True)
    assert not (tmp_path / "spool").exists()
