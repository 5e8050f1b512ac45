"""Memory for frames that is used again, and never while somebody looks at it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.io.buffers import Buffers


def _address(array: npt.NDArray[np.uint8]) -> int:
    return int(array.__array_interface__["data"][0])


def test_what_nobody_holds_is_taken_again() -> None:
    buffers = Buffers()
    first = buffers.take((4, 5, 3))
    place = _address(first)
    assert first.shape == (4, 5, 3)
    assert first.dtype == np.uint8
    second = buffers.take((4, 5, 3))
    assert _address(second) != place
    del first
    assert _address(buffers.take((4, 5, 3))) == place
    assert buffers.take((2, 2, 3)).shape == (2, 2, 3)


def test_a_view_holds_its_buffer() -> None:
    buffers = Buffers()
    whole = buffers.take((8, 8, 3))
    place, part = _address(whole), whole[2:4][1:, :3]
    del whole
    assert _address(buffers.take((8, 8, 3))) != place
    assert part.shape == (1, 3, 3)
    del part
    assert _address(buffers.take((8, 8, 3))) == place


def test_only_the_newest_are_kept() -> None:
    buffers = Buffers(2)
    held = [buffers.take((2, 2, 3)) for _ in range(5)]
    assert len({_address(a) for a in held}) == 5
    places = {_address(a) for a in held[-2:]}
    held.clear()
    again = [buffers.take((2, 2, 3)) for _ in range(2)]
    assert {_address(a) for a in again} == places
