"""Cameras by name, asked of a driver that answers as Video4Linux does."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest

from studio.io.cameras import Camera, Mode, camera_called, list_cameras

MJPG, YUYV = 0x47504A4D, 0x56595559
SIZES = {MJPG: [(1920, 1080), (1280, 720)], YUYV: [(640, 480), (1280, 720)]}
RATES = {(1920, 1080): [(1, 30)], (1280, 720): [(1, 60), (1, 30)], (640, 480): [(1001, 30000)]}


class Driver:
    """Answers ioctl calls by the layout of linux/videodev2.h, counted in bytes here anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stepwise = False

    def __call__(self, file: int, request: int, data: bytearray) -> None:
        name = Path(f"/proc/self/fd/{file}").readlink().name
        size, number = request >> 16 & 0x3FFF, request & 0xFF
        assert request >> 8 & 0xFF == ord("V")
        assert size == len(data) == {0: 104, 2: 64, 74: 44, 75: 52}[number]
        if number == 0:
            data[16:48] = b"Card of the driver".ljust(32, b"\0")
            # The second device of a camera tells of its settings alone.
            caps = 0x0480_0000 if name == "video1" else 0x0420_0001
            struct.pack_into("<II", data, 84, 0x8460_0001, caps)
            return
        index = struct.unpack_from("<I", data)[0]
        if number == 2:
            struct.pack_into("<I", data, 44, self._nth(list(SIZES), index))
            return
        pixels = struct.unpack_from("<I", data, 4)[0]
        if number == 74 and self.stepwise:
            struct.pack_into("<7I", data, 8, 3, 160, 1600, 8, 120, 1200, 8)
        elif number == 74:
            struct.pack_into("<3I", data, 8, 1, *self._nth(SIZES[pixels], index))
        else:
            width, height = struct.unpack_from("<2I", data, 8)
            struct.pack_into("<3I", data, 16, 1, *self._nth(RATES.get((width, height), []), index))

    @staticmethod
    def _nth(values: list, index: int):
        if index >= len(values):
            raise OSError(errno.EINVAL, "Invalid argument")
        return values[index]


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    for number, name in ((0, "Logitech C920"), (1, "Logitech C920"), (10, "")):
        (tmp_path / "class" / f"video{number}").mkdir(parents=True)
        if name:
            (tmp_path / "class" / f"video{number}" / "name").write_text(f"{name}\n")
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / f"video{number}").write_text("")
    (tmp_path / "class" / "v4l-subdev0").mkdir()
    (tmp_path / "class" / "video7").mkdir()  # unplugged meanwhile
    return Driver(tmp_path)


linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads Linux's /proc")


@linux
def test_cameras_with_their_names_and_sizes(driver: Driver) -> None:
    found = list_cameras(driver.folder / "class", driver.folder / "dev", driver)
    assert [(c.index, c.name) for c in found] == [(0, "Logitech C920"), (10, "Card of the driver")]
    assert found[0].path == str(driver.folder / "dev" / "video0")
    assert found[0].modes == (
        Mode(1920, 1080, (30.0,)), Mode(1280, 720, (60.0, 30.0)), Mode(640, 480, (29.97,)),
    )  # fmt: skip


@linux
def test_a_camera_of_any_size_tells_its_ends(driver: Driver) -> None:
    driver.stepwise = True
    found = list_cameras(driver.folder / "class", driver.folder / "dev", driver)
    assert found[0].modes == (Mode(1600, 1200), Mode(160, 120))


def test_a_machine_that_tells_of_none(tmp_path: Path) -> None:
    assert list_cameras(tmp_path / "none", tmp_path, lambda *_: None) == ()


def test_a_name_finds_its_camera_whatever_its_number() -> None:
    cameras = (Camera(0, "Integrated camera", "/dev/video0"), Camera(4, "C920 PRO", "/dev/video4"))
    assert camera_called("c920", cameras) == cameras[1]
    assert camera_called("Integrated Camera", cameras) == cameras[0]
    assert camera_called("other", cameras) is None
