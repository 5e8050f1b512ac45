"""A small video keypoint set with known answers: a bright disc and a square that move."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.core.skeleton import Skeleton
from studio.io.images import write_image
from studio.io.video_keypoints import (
    Row,
    frame_name,
    in_a_row,
    rows_text,
    write_categories,
)

SIZE = (48, 64)
"""(height, width) of a frame."""
DISC = Skeleton("disc", ("middle", "top"), edges=((0, 1),), category="disc")
SQUARE = Skeleton("square", ("corner",), category="square")


def place(video: int, number: int) -> tuple[float, float]:
    """Where the disc's middle is."""
    return 12 + 5 * number + 2.5 * video, 16 + 2 * number + 3.0 * video


def picture(video: int, number: int) -> np.ndarray:
    """A textured ground, the disc and, to its right below, the square."""
    rng = np.random.default_rng(video)
    frame = rng.integers(30, 70, (*SIZE, 3), dtype=np.uint8)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    px, py = place(video, number)
    frame[(x - px) ** 2 + (y - py) ** 2 <= 36] = (40, 220, 240)
    frame[(abs(x - px - 12) <= 3) & (abs(y - py - 8) <= 3)] = (230, 60, 40)
    return frame


def rows(video: int, number: int) -> list[Row]:
    px, py = place(video, number)
    disc = np.array([[px, py, 2], [px, py - 6, 1]])
    return [Row(number, 1, 0, disc), Row(number, 2, 1, np.array([[px + 9, py + 5, 2.0]]))]


def mask(video: int, number: int) -> np.ndarray:
    """0 ground, 1 disc, 2 square."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    px, py = place(video, number)
    found = np.zeros(SIZE, np.uint8)
    found[(x - px) ** 2 + (y - py) ** 2 <= 36] = 1
    found[(abs(x - px - 12) <= 3) & (abs(y - py - 8) <= 3)] = 2
    return found


def make_set(root: Path, *, train: int = 2, frames: int = 5, masks: bool = True) -> Path:
    """`train` clips to learn from and one to judge by, in the guide's layout."""
    for video in range(train + 1):
        name = f"V{video:02d}"
        side = "val" if video == train else "train"
        folder = root / side / "frames" / (name if side == "val" else "")
        folder.mkdir(parents=True, exist_ok=True)
        (root / side / "mot").mkdir(exist_ok=True)
        whole: list[Row] = []
        for number in range(frames):
            stem = frame_name(name, number)
            write_image(folder / f"{stem}.png", picture(video, number))
            whole += rows(video, number)
            if side == "train":
                text = rows_text(rows(video, number))
                (root / side / "mot" / f"{stem}.txt").write_text(text)
            if masks:
                (root / "masks" / name).mkdir(parents=True, exist_ok=True)
                write_image(root / "masks" / name / f"{stem}.png", mask(video, number))
        if side == "val":
            (root / side / "mot" / f"{name}.txt").write_text(rows_text(whole))
    write_categories(root, in_a_row([(0, "disc", DISC), (1, "square", SQUARE)]))
    if masks:
        (root / "masks" / "classes.txt").write_text("ground\ndisc\nsquare\n")
    return root
