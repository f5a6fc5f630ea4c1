"""Rows on disk come back as they were written, and can be written over."""

import numpy as np
import pytest

from engine.audio.disk_array import DiskArray


def test_rows_can_be_written_over_but_not_past_the_end(tmp_path):
    rows_NK = np.arange(12, dtype=np.float32).reshape(6, 2)
    with DiskArray(tmp_path, 2) as table:
        table.append(rows_NK)
        table.put(2, -rows_NK[:3])
        rows_NK[2:5] = -rows_NK[:3].copy()
        np.testing.assert_array_equal(table.read(0, 6), rows_NK)
        assert table.rows == 6
        with pytest.raises(IndexError, match="not all in a table of 6"):
            table.put(5, rows_NK[:2])
        table.append(rows_NK[:1])
        np.testing.assert_array_equal(table.read(5, 8), [*rows_NK[5:], *rows_NK[:1], [0, 0]])
