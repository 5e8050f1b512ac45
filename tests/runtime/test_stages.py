"""Overlapping stages: order, bounds, errors, ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from studio.runtime.capture import Capture
from studio.runtime.sources import SourceFrame
from studio.runtime.stages import FinishBehind, MapAhead, ReadAhead, one_opencv_thread


def alive(name: str) -> bool:
    return any(t.name == name for t in threading.enumerate())


def test_reading_ahead_keeps_order_and_stays_bounded() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for i in range(50):
            read.append(i)
            yield i

    with ReadAhead(items(), depth=3, name="ahead-a") as ahead:
        stream = iter(ahead)
        assert next(stream) == 0
        time.sleep(0.1)
        assert len(read) <= 6
        assert list(stream) == list(range(1, 50))
    assert not alive("ahead-a")


def test_work_on_many_threads_keeps_the_order_and_stays_bounded() -> None:
    begun: list[int] = []
    gate = threading.Barrier(2, timeout=20)

    def work(number: int) -> int:
        begun.append(number)
        if number < 2:
            gate.wait()  # only two at once get through
        return number * number

    with MapAhead(work, range(50), workers=2, depth=5, name="map-a") as ahead:
        stream = iter(ahead)
        assert next(stream) == 0
        assert len(begun) <= 7
        assert list(stream) == [n * n for n in range(1, 50)]
    assert not any(t.name.startswith("map-a") for t in threading.enumerate())


def test_an_error_on_one_of_many_threads_comes_out_in_its_place() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError(number)
        return number

    with MapAhead(work, range(10), workers=2) as ahead:
        got: list[int] = []
        with pytest.raises(ValueError, match="3"):
            got.extend(ahead)
    assert got == [0, 1, 2]


def test_opencv_has_its_threads_again_afterwards() -> None:
    import cv2

    before = cv2.getNumThreads()
    with one_opencv_thread():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before


def test_reading_may_be_left_early() -> None:
    with ReadAhead(iter(range(10**9)), name="ahead-b") as ahead:
        assert next(iter(ahead)) == 0
    assert not alive("ahead-b")


def test_an_error_while_reading_comes_after_what_was_read() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with ReadAhead(items()) as ahead:
        stream = iter(ahead)
        assert next(stream) == 1
        with pytest.raises(OSError, match="gone"):
            next(stream)


def test_finishing_behind_handles_everything_in_order() -> None:
    done: list[int] = []
    with FinishBehind(done.append, depth=2, name="behind-a") as behind:
        for i in range(20):
            behind.put(i)
    assert done == list(range(20))
    assert not alive("behind-a")


def test_an_error_while_finishing_is_raised_and_ends_the_thread() -> None:
    def handle(item: int) -> None:
        if item == 1:
            raise OSError("disk full")

    def put_all() -> None:
        with FinishBehind(handle, name="behind-b") as behind:
            for i in range(100):
                behind.put(i)

    with pytest.raises(OSError, match="disk full"):
        put_all()
    assert not alive("behind-b")


class Frames:
    """A source of numbered frames that come every `every` seconds."""

    kind: str = "camera"
    name: str = "frames"
    size: tuple[int, int] = (0, 0)
    count: int = 0

    def __init__(self, count: int, every: float, *, live: bool, fps: float = 0.0) -> None:
        self.live = live
        self.fps = fps
        self._count = count
        self._every = every
        self.closed = False

    def __iter__(self) -> Iterator[SourceFrame]:
        for i in range(self._count):
            time.sleep(self._every)
            yield SourceFrame(i, i * self._every, self.name, None)

    def close(self) -> None:
        self.closed = True


def taken(capture: Capture, slow: float = 0.0) -> list[int]:
    seen: list[int] = []
    while (frame := capture.take(20.0)) is not None:
        seen.append(frame.index)
        time.sleep(slow)
    return seen


def test_of_a_live_source_the_newest_frame_wins() -> None:
    source = Frames(40, 0.005, live=True)
    capture = Capture(source)
    seen = taken(capture, slow=0.03)
    capture.close()
    assert len(seen) < 20
    assert seen == sorted(seen)
    assert capture.dropped == 40 - len(seen)
    assert source.closed


def test_a_file_gives_every_frame_at_its_pace() -> None:
    capture = Capture(Frames(11, 0.0, live=False, fps=50.0))
    started = time.perf_counter()
    assert taken(capture) == list(range(11))
    assert time.perf_counter() - started > 0.19
    assert capture.dropped == 0
    capture.close()


def test_nobody_waits_longer_than_asked() -> None:
    capture = Capture(Frames(5, 60.0, live=True))
    assert capture.take(0.0) is None
    assert capture.take(0.05) is None
    assert not capture.ended


def test_what_the_source_raises_comes_out() -> None:
    class Broken(Frames):
        def __iter__(self) -> Iterator[SourceFrame]:
            raise OSError("unplugged")

    capture = Capture(Broken(1, 0, live=True))
    with pytest.raises(OSError, match="unplugged"):
        capture.take(20.0)
    capture.close()
