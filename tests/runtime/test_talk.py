"""Arrays through a pipe, and an end in the middle of one."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest

from studio.runtime.engines.talk import Closed, receive, send


def test_arrays_and_problems_arrive_as_they_were_sent() -> None:
    stream = io.BytesIO()
    first, second = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4), np.uint8)
    send(stream, [first, second])
    send(stream, problem="It is odd.")
    stream.seek(0)
    arrays, problem = receive(stream)
    assert problem == ""
    assert np.array_equal(arrays[0], first)
    assert arrays[1].shape == (0, 4)
    assert arrays[1].dtype == np.uint8
    assert receive(stream) == ([], "It is odd.")
    with pytest.raises(Closed):
        receive(stream)


@pytest.mark.parametrize("kept", [5, 40, 150])
def test_an_end_in_the_middle_is_told(kept: int) -> None:
    stream = io.BytesIO()
    send(stream, [np.arange(20.0)])
    with pytest.raises(Closed):
        receive(io.BytesIO(stream.getvalue()[:kept]))


def test_nothing_is_unpickled() -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        send(io.BytesIO(), [np.array([object()])])


def test_through_a_pipe() -> None:
    """Files and pipes are read in different ways."""
    reading, writing = os.pipe()
    sent = np.arange(1000, dtype=np.float32).reshape(1, 10, 100)
    with os.fdopen(reading, "rb") as entry, os.fdopen(writing, "wb") as leave:
        send(leave, [sent, sent])
        arrays, _ = receive(entry)
    assert all(np.array_equal(array, sent) for array in arrays)
