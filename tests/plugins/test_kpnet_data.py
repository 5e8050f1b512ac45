"""What kpnet is shown: frames, joints, masks, motion and its arrows move together."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from studio.core.errors import FormatError
from studio.io.images import write_image
from studio.io.video_keypoints import read_video_set
from studio.ml.augment import make_view
from studio.plugins.kpnet.data import (
    Look,
    Moves,
    Shelf,
    TrainingFrames,
    mirrored_classes,
    motion_key,
    moved_mask,
    moved_motion,
    store_motion,
)
from studio.plugins.kpnet.frames import (
    Frame,
    frames_of,
    mask_problems,
    read_mask,
    seg_classes,
)
from studio.vision import motion
from tests.plugins.kpnet_clips import make_set

LOOK = Look(size=(96, 128), heatmap=(48, 64), channels=6, motion="dis", sigma=2.0, consistent=True)
STILL = np.array([[1.0, 0, 0], [0, 1, 0]])


def _dots(points: list[tuple[float, float]], size: tuple[int, int]) -> np.ndarray:
    """Bright Gaussian dots whose middles can be found again to a fraction of a pixel."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    total = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8) for px, py in points)
    return np.repeat((total * 250).clip(0, 255)[..., None], 3, axis=2).astype(np.uint8)


def _middle(channel: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The centre of mass of what is bright around a place."""
    y, x = np.mgrid[: channel.shape[0], : channel.shape[1]] + 0.5
    weight = channel.astype(float) * ((x - near[0]) ** 2 + (y - near[1]) ** 2 < 64)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def _write_pair(folder: Path, way: tuple[float, float]) -> Frame:
    """A frame of four dots that came from `way` back, in pictures of 72 x 96."""
    points = [(30.0, 20.0), (60.0, 24.0), (66.0, 50.0), (28.0, 46.0)]
    write_image(folder / "now.png", _dots(points, (72, 96)))
    back = [(x + way[0], y + way[1]) for x, y in points]
    write_image(folder / "before.png", _dots(back, (72, 96)))
    labels = np.array([[x, y, 2] for x, y in points], np.float32)
    mask = np.zeros((72, 96), np.uint8)
    mask[14:26, 24:36] = 1
    write_image(folder / "mask.png", mask)
    before = folder / "before.png"
    return Frame("a", 1, folder / "now.png", labels, (before, None), folder / "mask.png")


@pytest.mark.parametrize(
    "moves",
    [
        Moves(),
        Moves(rotation=40),
        Moves(rotation=180),
        Moves(flip=1.0, flip_idx=(1, 0, 3, 2)),
        Moves(rotation=25, flip=1.0, scale=0.2, shift=0.05, flip_idx=(1, 0, 3, 2)),
    ],
)
def test_drawn_points_and_labels_stay_together(tmp_path: Path, moves: Moves) -> None:
    frame = _write_pair(tmp_path, (-3.0, 1.5))
    frames = TrainingFrames([frame], LOOK, moves, Shelf(LOOK))
    for seed in range(6):
        example = frames.example(0, 1, np.random.default_rng(seed))
        assert example["frame"].shape == (96, 128, 6)
        known = np.flatnonzero(example["visibility"])
        assert len(known) >= 2
        for joint in known:
            place = example["places"][joint] * (128, 96)
            if not ((place > 10) & (place < (118, 86))).all():
                continue
            assert np.abs(_middle(example["frame"][..., 1], place) - place).max() < 0.5
            row, column = np.unravel_index(example["targets"][joint].argmax(), (48, 64))
            assert abs((column + 0.5) * 2 - place[0]) <= 1.001
            assert abs((row + 0.5) * 2 - place[1]) <= 1.001


@pytest.mark.parametrize("angle", [0.0, 30.0, -75.0, 180.0])
@pytest.mark.parametrize("flipped", [False, True])
def test_arrows_turn_with_the_frame(tmp_path: Path, angle: float, flipped: bool) -> None:
    """What moved along the flow before still does after frames and motion were turned alike."""
    frame = _write_pair(tmp_path, (-3.0, 1.5))
    shelf = Shelf(LOOK)
    view = make_view(STILL, LOOK.size, angle=angle, flipped=flipped, factor=0.8)
    channels = shelf.motion(frame.picture, frame.before[0])
    seen = moved_motion(channels, view)
    first = view.picture(shelf.frame(frame.picture)[0])
    second = view.picture(shelf.frame(frame.before[0])[0])
    x, y = frame.points[1, :2] * (128 / 96, 96 / 72)
    now = view.points(np.array([[x, y]]))[0]
    arrow = motion.decoded(seen[int(now[1]), int(now[0]), :2])
    # The way in the input: 4/3 of the pictures' pixels, then turned and made .8 times as large.
    turn = math.radians(angle)
    way = np.array([-4.0, 2.0]) * (-1 if flipped else 1, 1)
    expected = 0.8 * np.array(
        [
            math.cos(turn) * way[0] - math.sin(turn) * way[1],
            math.sin(turn) * way[0] + math.cos(turn) * way[1],
        ]
    )
    assert np.abs(arrow - expected).max() < 0.6
    assert np.abs(_middle(first[..., 0], now) - now).max() < 0.5
    then = now + expected
    assert np.abs(_middle(second[..., 0], then) - then).max() < 0.5
    # What changed is where the frame has it, and nothing moves where the frame does not reach.
    assert tuple(moved_motion(channels, make_view(STILL, LOOK.size, angle=45))[0, 0]) == motion.FILL


@pytest.mark.parametrize("angle", [0.0, 20.0, -90.0])
def test_masks_turn_with_the_frame(angle: float) -> None:
    mask = np.zeros((72, 96), np.uint8)
    mask[20:50, 30:70] = 1
    view = make_view(STILL, LOOK.size, angle=angle)
    found = moved_mask(mask, view, LOOK)
    assert found.shape == LOOK.heatmap
    whole = np.repeat(mask[..., None] * 255, 3, axis=2)
    import cv2

    drawn = view.picture(np.asarray(cv2.resize(whole, (128, 96), interpolation=cv2.INTER_LINEAR)))
    drawn = np.asarray(cv2.resize(drawn, (64, 48), interpolation=cv2.INTER_AREA))[..., 0] > 127
    both, either = (drawn & (found == 1)).sum(), (drawn | (found == 1)).sum()
    assert both / either > 0.95
    assert (found == 255).any() == (angle != 0)


def test_both_frames_are_seen_alike_and_chance_is_the_generators(tmp_path: Path) -> None:
    frame = _write_pair(tmp_path, (-3.0, 1.5))
    moves = Moves(rotation=30, scale=0.1, color=0.4)
    frames = TrainingFrames([frame], LOOK, moves, Shelf(LOOK))
    one = frames.example(0, 1, np.random.default_rng(5))
    two = copy.deepcopy(frames).example(0, 9, np.random.default_rng(5))
    assert all(np.array_equal(one[key], two[key]) for key in one)
    assert one["linked"]
    flow = motion.decoded(one["flow"])
    x, y = (one["places"][1] * (128, 96)).astype(int)
    before = _middle(one["previous"][..., 1], np.array([x, y]) + flow[y, x])
    assert np.abs(np.array([x, y]) + flow[y, x] - before).max() < 1.2


def test_a_first_frame_shows_no_motion(tmp_path: Path) -> None:
    frame = replace(_write_pair(tmp_path, (-3.0, 1.5)), before=(None, None))
    frames = TrainingFrames([frame], LOOK, Moves(rotation=10), Shelf(LOOK))
    example = frames.example(0, 1, np.random.default_rng(0))
    assert not example["linked"]
    assert (example["frame"][..., 3:] == motion.FILL).all()


def test_three_channels_alone(tmp_path: Path) -> None:
    frame = _write_pair(tmp_path, (-3.0, 1.5))
    look = replace(LOOK, channels=3, consistent=False)
    example = TrainingFrames([frame], look, Moves(), Shelf(look)).example(
        0, 1, np.random.default_rng(0)
    )
    assert example["frame"].shape == (96, 128, 3)
    assert "previous" not in example


def test_the_frame_before_is_the_videos_own(tmp_path: Path) -> None:
    root = make_set(tmp_path / "set")
    # A gap in the video: frame 3 is gone; another video has a frame 3.
    (root / "train" / "frames" / "V00_frame_000003.png").unlink()
    found = read_video_set(root, "train")
    frames = {(f.video, f.number): f for f in frames_of(found, 1, root / "masks")}
    assert ("V00", 3) not in frames
    assert frames["V00", 4].before == (None, None)
    assert frames["V00", 2].before[0] == root / "train" / "frames" / "V00_frame_000001.png"
    assert frames["V00", 2].before[1] == root / "train" / "frames" / "V00_frame_000000.png"
    assert frames["V01", 0].before == (None, None)
    assert frames["V01", 4].mask == root / "masks" / "V01" / "V01_frame_000004.png"
    wide = {(f.video, f.number): f for f in frames_of(found, 2, None)}
    assert wide["V00", 4].before[0] == root / "train" / "frames" / "V00_frame_000002.png"
    # What stands in before/ is known, and is no frame to learn from.
    (root / "train" / "before").mkdir()
    write_image(root / "train" / "before" / "V00_frame_000003.jpg", np.zeros((48, 64, 3), np.uint8))
    again = {(f.video, f.number): f for f in frames_of(read_video_set(root, "train"), 1, None)}
    assert ("V00", 3) not in again
    assert again["V00", 4].before[0] == root / "train" / "before" / "V00_frame_000003.jpg"


def test_a_frame_without_rows_is_not_learnt_from(tmp_path: Path) -> None:
    root = make_set(tmp_path / "set")
    (root / "train" / "mot" / "V00_frame_000001.txt").unlink()
    (root / "train" / "mot" / "V00_frame_000002.txt").write_text("")
    frames = {(f.video, f.number): f for f in frames_of(read_video_set(root, "train"), 1, None)}
    assert ("V00", 1) not in frames
    assert not frames["V00", 2].points.any()
    assert frames["V00", 2].before[0] is not None


def test_the_motion_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = _write_pair(tmp_path, (-3.0, 1.5))
    look = replace(LOOK, flow_cache=tmp_path / "store")
    store_motion(frame, Shelf(look))
    stored = list((tmp_path / "store").iterdir())
    assert [p.name for p in stored] == [f"{motion_key(frame.picture, frame.before[0], look)}.png"]
    computed = Shelf(LOOK).motion(frame.picture, frame.before[0])

    def never(*_: object) -> None:
        raise AssertionError("it stands in the store")

    monkeypatch.setattr(motion, "motion_channels", never)
    assert (Shelf(look).motion(frame.picture, frame.before[0]) == computed).all()
    monkeypatch.undo()
    # Another way to find it, another size or another picture is another entry.
    assert motion_key(frame.picture, frame.before[0], replace(look, motion="farneback")) not in str(
        stored
    )
    write_image(tmp_path / "before.png", np.zeros((72, 96, 3), np.uint8))
    assert motion_key(frame.picture, frame.before[0], look) not in str(stored)


def test_masks_are_class_numbers(tmp_path: Path) -> None:
    from PIL import Image

    root = make_set(tmp_path / "set")
    frames = frames_of(read_video_set(root, "train"), 1, root / "masks")
    assert seg_classes(root / "masks", frames) == ("ground", "disc", "square")
    (root / "masks" / "classes.txt").unlink()
    assert seg_classes(root / "masks", frames) == ("class_0", "class_1", "class_2")
    assert mask_problems(frames, 3) == []
    # A palette picture keeps its numbers, whatever its colours.
    palette = Image.fromarray(np.full((48, 64), 2, np.uint8), "P")
    palette.putpalette([255, 0, 0] * 256)
    palette.save(frames[0].mask)
    assert (read_mask(frames[0].mask) == 2).all()
    write_image(frames[1].mask, np.full((48, 64), 9, np.uint8))
    write_image(frames[2].mask, np.zeros((48, 64, 3), np.uint8))
    said = {Path(p.where).name: p.message for p in mask_problems(frames, 3)}
    assert "class 9" in said[frames[1].mask.name]
    assert "RGB picture" in said[frames[2].mask.name]
    with pytest.raises(FormatError, match="RGB"):
        read_mask(frames[2].mask)


def test_mirrored_masks_change_sides(tmp_path: Path) -> None:
    assert mirrored_classes(("ground", "left_hand", "right_hand", "tool")) == (0, 2, 1, 3)
    assert mirrored_classes(("ground", "left_hand")) == (0, 1)
    frame = _write_pair(tmp_path, (-3.0, 1.5))
    moves = Moves(flip=1.0, flip_idx=(1, 0, 3, 2), flip_classes=(0, 2, 1))
    frames = TrainingFrames([frame], LOOK, moves, Shelf(LOOK))
    mask = frames.example(0, 1, np.random.default_rng(0))["mask"]
    assert set(np.unique(mask)) == {0, 2}
    # The picture's columns 24 to 36 of 96, mirrored.
    columns = np.flatnonzero((mask == 2).any(axis=0))
    assert (columns[0], columns[-1]) == (40, 47)
