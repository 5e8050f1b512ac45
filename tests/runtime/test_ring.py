"""Frames through shared memory, between real processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import FileProblem, FormatError
from studio.runtime.ring import FrameRing, remove_orphans

SHM = Path("/dev/shm")
WRITER = """
import sys, time
import numpy as np
from studio.runtime.ring import FrameRing
ring = FrameRing.create(4, 60 * 80 * 3)
print(ring.name, flush=True)
for value in (10, 20, 30):
    print(*ring.write(np.full((60, 80, 3), value, np.uint8)), flush=True)
sys.stdin.readline()
ring.close()
print("closed", flush=True)
"""
READER = """
import sys
from studio.runtime.ring import FrameRing
with FrameRing.attach(sys.argv[1]) as ring:
    frame = ring.read(int(sys.argv[2]), int(sys.argv[3]))
    print(frame.shape, frame.dtype, int(frame[0, 0, 0]))
"""


def start_writer() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def frame(value: int, shape: tuple[int, int, int] = (6, 8, 3)) -> np.ndarray:
    return np.full(shape, value, np.uint8)


def test_frames_of_another_process() -> None:
    writer = start_writer()
    assert writer.stdout is not None
    name = writer.stdout.readline().strip()
    places = [tuple(map(int, writer.stdout.readline().split())) for _ in range(3)]
    with FrameRing.attach(name) as ring:
        for (slot, seq), value in zip(places, (10, 20, 30), strict=True):
            found = ring.read(slot, seq)
            assert found is not None
            assert found.shape == (60, 80, 3)
            assert (found == value).all()
    # A reader that ends does not take the memory from its maker.
    slot, seq = places[-1]
    command = [sys.executable, "-c", READER, name, str(slot), str(seq)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["(60,", "80,", "3)", "uint8", "30"]
    assert said.stderr == ""
    FrameRing.attach(name).close()
    out, errors = writer.communicate("go\n", timeout=60)
    assert (out.strip(), errors) == ("closed", "")
    with pytest.raises(FileProblem, match="gone"):
        FrameRing.attach(name)


@pytest.mark.skipif(not SHM.is_dir(), reason="Windows removes a mapping with its last user")
def test_a_killed_maker_leaves_nothing() -> None:
    writer = start_writer()
    assert writer.stdout is not None
    name = writer.stdout.readline().strip()
    place = tuple(map(int, writer.stdout.readline().split()))
    ring = FrameRing.attach(name)
    writer.kill()
    writer.communicate()
    remove_orphans()
    assert not (SHM / name).exists()
    assert ring.read(place[0], place[1]) is not None, "who is attached reads on"
    ring.close()


def test_an_overwritten_frame_is_not_given() -> None:
    with FrameRing.create(2, 1000) as ring:
        first, second = ring.write(frame(1)), ring.write(frame(2))
        assert ring.read(*first) is not None
        third = ring.write(frame(3))
        assert third[0] == first[0]
        assert ring.read(*first) is None
        found = ring.read(*second)
        assert found is not None
        assert (found == 2).all()


def test_frames_of_other_sizes_and_too_large_ones() -> None:
    with FrameRing.create(2, 144) as ring:
        place = ring.write(frame(5, (2, 3, 3)))
        found = ring.read(*place)
        assert found is not None
        assert found.shape == (2, 3, 3)
        with pytest.raises(FormatError, match="does not fit"):
            ring.write(frame(5, (7, 8, 3)))
        assert ring.read(9, 2) is None


def test_no_frame_is_ever_torn() -> None:
    shape = (240, 320, 3)
    done = threading.Event()
    with FrameRing.create(2, 240 * 320 * 3) as ring, FrameRing.attach(ring.name) as reader:
        places: list[tuple[int, int]] = [ring.write(frame(0, shape))]

        def write() -> None:
            for number in range(1, 600):
                places[0] = ring.write(frame(number % 251, shape))
                time.sleep(0.0003)
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        read = 0
        while not done.is_set():
            found = reader.read(*places[0])
            if found is not None:
                read += 1
                assert (found == found[0, 0, 0]).all()
        thread.join()
    assert read > 0


def test_a_closed_ring_gives_nothing_and_closes_twice() -> None:
    ring = FrameRing.create(2, 1000)
    place = ring.write(frame(1))
    reader = FrameRing.attach(ring.name)
    reader.close()
    assert reader.read(*place) is None
    ring.close()
    ring.close()


def test_foreign_memory_is_refused() -> None:
    from multiprocessing import shared_memory

    memory = shared_memory.SharedMemory(create=True, size=4096)
    try:
        with pytest.raises(FormatError, match="no frames of ours"):
            FrameRing.attach(memory.name)
    finally:
        memory.close()
        memory.unlink()
