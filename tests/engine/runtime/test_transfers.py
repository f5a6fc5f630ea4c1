"""Page-locked buffers for copies to a card; CUDA's runtime library is a fake over the host's own memory."""

import gc

import numpy as np
import pytest
from fakecudart import LOST, MEMORY, FakeCudart

from engine.errors import DeviceLost
from engine.runtime import transfers
from engine.runtime.backend import OutOfDeviceMemory
from engine.runtime.onnx import open_session
from engine.runtime.settings import SessionSettings
from engine.runtime.transfers import LEAST_BYTES, PinnedTransfers, PlainTransfers, transfers_for

RESIDENT = SessionSettings(resident=True)
WIDE = (3, LEAST_BYTES)


def test_a_buffer_is_used_again_once_no_array_refers_to_it():
    library = FakeCudart()
    pinned = PinnedTransfers(library, 1)
    first = pinned.array(WIDE, np.float32)
    row = first[1]
    del first
    gc.collect()
    assert pinned.array(WIDE, np.float32).ctypes.data != row.ctypes.data - row.nbytes  # a part of it is still in use
    del row
    gc.collect()
    before = library.allocated
    pinned.array(WIDE, np.float32)
    assert library.allocated == before == 2
    assert library.cards == {1}
    pinned.give_back()
    assert not library.pinned
    pinned.array(WIDE, np.float32)
    assert library.allocated == 3


def test_small_arrays_and_what_cannot_be_pinned_are_ordinary_memory(monkeypatch):
    library = FakeCudart(most_bytes=4 * LEAST_BYTES)
    pinned = PinnedTransfers(library, 0)
    pinned.array((4,), np.float32)
    assert not library.pinned
    held = [pinned.array((LEAST_BYTES,), np.float32) for _ in range(2)]
    assert len(library.pinned) == 1  # there was no room for the second
    held[1][:] = 1
    monkeypatch.setattr(transfers, "MOST_PINNED_BYTES", LEAST_BYTES)
    assert pinned.array((LEAST_BYTES // 4 + 1,), np.float32).size
    assert len(library.pinned) == 1


@pytest.mark.parametrize("make", [PlainTransfers, lambda: PinnedTransfers(FakeCudart(), 0)], ids=["plain", "pinned"])
def test_what_goes_up_comes_down(toy_bundle, make):
    session = open_session(toy_bundle / "decode.onnx", RESIDENT, make())
    values = np.random.default_rng(0).random((5, 64, 64), np.float32)
    tensor = session.put(values[:, :, ::-1])  # not contiguous
    np.testing.assert_array_equal(tensor.numpy(), values[:, :, ::-1])
    np.testing.assert_array_equal(tensor.numpy(2), values[:2, :, ::-1])
    np.testing.assert_array_equal(tensor.rows(1, 4).rows(1, 3).numpy(), values[2:4, :, ::-1])
    tensor.update(values)
    np.testing.assert_array_equal(tensor.rows(4, 5).numpy(), values[4:])
    assert session.put(np.array(2.5, np.float32)).numpy() == 2.5
    with pytest.raises(IndexError, match="rows 4 to 6 are not all among 5"):
        tensor.rows(4, 6)
    with pytest.raises(ValueError, match="are written by graphs alone"):
        tensor.rows(0, 2).update(values[:2])


def test_a_graph_reads_and_writes_some_rows_of_a_tensor(toy_bundle):
    session = open_session(toy_bundle / "encode.onnx", RESIDENT)
    audio = np.random.default_rng(0).standard_normal((3, 1, 4_096), np.float32)
    expected = session.run({"audio": audio})["latents"]
    sounds, latents = session.put(audio), session.put(np.full((5, *expected.shape[1:]), 7, np.float32))
    session.run_resident({"audio": sounds.rows(1, 3)}, {"latents": latents.rows(2, 4)})
    np.testing.assert_array_equal(latents.numpy(), [*latents.numpy()[:2], *expected[1:], latents.numpy()[4]])
    assert (latents.numpy()[[0, 1, 4]] == 7).all()


@pytest.mark.parametrize(("number", "error"), [(MEMORY, OutOfDeviceMemory), (LOST, DeviceLost)])
def test_a_copy_that_fails_is_told_as_ours(toy_bundle, number, error):
    library = FakeCudart()
    session = open_session(toy_bundle / "encode.onnx", RESIDENT, PinnedTransfers(library, 0))
    audio = np.zeros((2, 1, 4_096), np.float32)
    there = session.run_tensors({"audio": audio})["latents"]
    library.fails = number
    with pytest.raises(error):
        session.put(audio)
    with pytest.raises(error):
        there.numpy()


def test_another_device_and_a_machine_without_cuda_copy_plainly():
    assert isinstance(transfers_for("cpu", 0), PlainTransfers)
    assert isinstance(transfers_for("cuda", 0, ["libno-such-cudart.so.13"]), PlainTransfers)
