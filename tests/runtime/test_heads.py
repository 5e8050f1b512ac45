"""Heads beside people: whose head is where, one batch a frame, calm over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.core.errors import MissingTool, ModelError, UsageError
from studio.core.head import Angles, rotation_of
from studio.core.prediction import HeadPose, Prediction
from studio.io.headpose_set import load_heads
from studio.io.images import read_image
from studio.io.skeletons import load_skeleton
from studio.metrics.head import geodesic
from studio.runtime import faces
from studio.runtime.faces import open_face_detector
from studio.runtime.head_only import HeadsOnly
from studio.runtime.head_pose import FACE_MARGIN, JOINTS_MARGIN, HeadPoser, people_boxes
from studio.runtime.heads import HeadWatcher, heads_for
from studio.runtime.predictor import Found, PeopleFinder, Predictor, predictor_for
from studio.vision.head_crop import enlarged, keypoint_box
from tests.io.data import shared
from tests.runtime.head_toy import write_head_onnx
from tests.runtime.toy import write_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TRUE = rotation_of(Angles(30, -10, 5))
YUNET = "weights/face_detection_yunet_2023mar.onnx"
REAL = "weights/6DRepNet360.onnx"


@dataclass(frozen=True)
class Wishes:
    model: Path | str = ""
    source: str = "0"
    head_model: Path | None = None
    head_boxes: str = "auto"
    face_model: Path | None = None
    head_margin: float | None = None
    head_smoothing: float = 0.0
    conf: float = 0.25
    iou: float = 0.7
    imgsz: tuple[int, ...] | None = None
    device: str = "cpu"
    precision: str = "auto"


@pytest.fixture
def head_file(tmp_path: Path) -> Path:
    return write_head_onnx(tmp_path / "head.onnx", {"rotation": TRUE})


@pytest.fixture
def people(tmp_path: Path) -> PeopleFinder:
    return Predictor(write_onnx(tmp_path / "people.onnx"), device="cpu")


def person(x: float, y: float, *, known: int = 5, track: int | None = None) -> Prediction:
    """Somebody whose nose is at (x, y); the first `known` joints of the face are sure."""
    joints = np.zeros((17, 3), np.float32)
    for number, (dx, dy) in enumerate([(0, 6), (5, 0), (-5, 0), (14, 2), (-14, 2)]):
        joints[number] = x + dx, y + dy, 0.9 if number < known else 0.1
    box = np.array([x - 50, y - 40, x + 50, y + 200], np.float32)
    return Prediction(box, 0.8, joints, track_id=track)


class Counting:
    """An engine that answers with another rotation a picture, and remembers what it was shown."""

    name, device, precision, requests = "counting", "cpu", "f32", 1

    def __init__(self, rotations: list[np.ndarray]) -> None:
        self.rotations = rotations
        self.shown: list[np.ndarray] = []
        self.closed = False

    def infer(self, pictures: np.ndarray) -> tuple[np.ndarray, ...]:
        self.shown.append(pictures)
        first = sum(len(p) for p in self.shown[:-1])
        taken = [self.rotations[(first + i) % len(self.rotations)] for i in range(len(pictures))]
        return (np.array(taken, np.float32),)

    def close(self) -> None:
        self.closed = True


def watched(
    monkeypatch: pytest.MonkeyPatch, head_file: Path, rotations: list[np.ndarray]
) -> tuple[HeadPoser, Counting]:
    engine = Counting(rotations)
    monkeypatch.setattr("studio.runtime.head_pose.open_engine", lambda *_, **__: engine)
    return HeadPoser(head_file), engine


PICTURE = np.random.default_rng(0).integers(0, 255, (300, 500, 3), np.uint8)


def found(*people: Prediction) -> Found:
    return Found(people, {"infer": 1.0})


def test_nobody_asked(people: PeopleFinder) -> None:
    assert heads_for(Wishes(), people) is None


def test_all_heads_of_a_frame_are_one_batch_of_the_conversions_crops(
    monkeypatch: pytest.MonkeyPatch, head_file: Path, people: PeopleFinder
) -> None:
    rotations = [rotation_of(Angles(10 * i, 0, 0)) for i in range(3)]
    _, engine = watched(monkeypatch, head_file, rotations)
    watcher = heads_for(Wishes(head_model=head_file), people)
    assert watcher is not None
    crowd = person(80, 80), person(200, 90, known=2), person(330, 120), person(420, 100)
    told = watcher.told(PICTURE, found(*crowd), 0.0)
    assert [len(batch) for batch in engine.shown] == [3]
    poses = [p.head for p in told.predictions]
    assert poses[1] is None
    assert [round(p.yaw) for p in poses if p is not None] == [0, 10, 20]
    for known, pose in ((crowd[0], poses[0]), (crowd[3], poses[3])):
        assert pose is not None
        expected = keypoint_box([(x, y) for x, y, _ in known.keypoints[:5]], (), JOINTS_MARGIN)
        assert pose.box == pytest.approx(expected, abs=1e-4)
        assert (pose.rotation - rotation_of(Angles(pose.yaw, pose.pitch, pose.roll))).max() < 1e-6
    assert told.timings["infer"] == 1.0
    assert told.timings["head"] > 0
    # Nobody there: the network is not asked.
    assert watcher.told(PICTURE, found(), 0.1).predictions == ()
    assert len(engine.shown) == 1
    watcher.close()
    assert engine.closed


def test_another_margin_is_another_crop(head_file: Path, people: PeopleFinder) -> None:
    watcher = heads_for(Wishes(head_model=head_file, head_margin=0.4), people)
    assert watcher is not None
    with watcher:
        (told,) = watcher.told(PICTURE, found(person(200, 90)), 0.0).predictions
    assert told.head is not None
    expected = people_boxes([person(200, 90)], load_skeleton("coco17"), margin=0.4)[0]
    assert told.head.box == pytest.approx(expected, abs=1e-4)


def trembling(count: int) -> list[np.ndarray]:
    return [rotation_of(Angles(20 + (6 if i % 2 else -6), 0, 0)) for i in range(count)]


def yaws_of(watcher: HeadWatcher, tracks: list[int | None], *, moving: float = 1.0) -> np.ndarray:
    """Frame after frame of people side by side: (frames, people) degrees."""
    rows: list[list[float]] = []
    for frame in range(40):
        crowd = [person(80 + 140 * i + moving * frame, 90, track=t) for i, t in enumerate(tracks)]
        told = watcher.told(PICTURE, found(*crowd), frame / 30).predictions
        rows.append([p.head.yaw for p in told if p.head is not None])
    return np.array(rows)


@pytest.mark.parametrize("tracks", [[4, 9], [None, None], [None, 3]])
def test_heads_become_calm_each_by_itself(
    monkeypatch: pytest.MonkeyPatch, head_file: Path, tracks: list[int | None]
) -> None:
    """Two people that tremble about 20 and -20 degrees, with and without a tracker."""
    one = trembling(2)
    rotations = [one[0], one[0].T, one[1], one[1].T]
    poser, _ = watched(monkeypatch, head_file, rotations)
    skeleton = load_skeleton("coco17")

    def boxes(_: np.ndarray, people: object) -> list[np.ndarray | None]:
        return people_boxes(people, skeleton)  # pyright: ignore[reportArgumentType]

    calm = yaws_of(HeadWatcher(poser, boxes, smoothing=0.5), tracks)
    assert calm.shape == (40, 2)
    assert calm[20:].mean(axis=0) == pytest.approx([20, -20], abs=1)
    assert np.abs(np.diff(calm[20:], axis=0)).max() < 8
    plain = yaws_of(HeadWatcher(poser, boxes), tracks)
    assert np.abs(np.diff(plain, axis=0)).min() > 11


def test_a_tracker_that_swaps_two_people_swaps_what_is_continued(
    monkeypatch: pytest.MonkeyPatch, head_file: Path
) -> None:
    """Identities and not places say whose rotation goes on."""
    left, right = rotation_of(Angles(-40, 0, 0)), rotation_of(Angles(40, 0, 0))
    poser, _ = watched(monkeypatch, head_file, [left, right])
    places = [np.array([0, 0, 40, 40.0]), np.array([100, 0, 140, 40.0])]
    watcher = HeadWatcher(poser, lambda _, people: places[: len(people)], smoothing=1.0)
    watcher.told(PICTURE, found(person(0, 0, track=1), person(0, 0, track=2)), 0.0)
    told = watcher.told(PICTURE, found(person(0, 0, track=2), person(0, 0, track=1)), 1 / 30)
    yaws = [p.head.yaw for p in told.predictions if p.head is not None]
    # What is seen as -40 now was at 40 a moment ago.
    assert -40 < yaws[0] < 40
    assert yaws[0] > -25


def test_smoothing_may_be_changed_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, head_file: Path
) -> None:
    poser, _ = watched(monkeypatch, head_file, trembling(2))
    watcher = HeadWatcher(poser, lambda _, people: [np.array([0, 0, 40, 40.0])] * len(people))
    for frame in range(10):
        told = watcher.told(PICTURE, found(person(0, 0, track=1)), frame / 30).predictions
        assert told[0].head is not None
        assert abs(told[0].head.yaw - 20) == pytest.approx(6, abs=1e-4)
    watcher.smoothing = 1.0
    yaws: list[float] = []
    for frame in range(10, 30):
        told = watcher.told(PICTURE, found(person(0, 0, track=1)), frame / 30).predictions
        assert told[0].head is not None
        yaws.append(told[0].head.yaw)
    assert np.abs(np.diff(yaws[1:])).max() < 3


def test_pictures_have_no_time_between_them(
    monkeypatch: pytest.MonkeyPatch, head_file: Path
) -> None:
    """What was seen on other pictures is neither continued nor kept."""
    poser, _ = watched(monkeypatch, head_file, trembling(2))
    watcher = HeadWatcher(poser, lambda _, people: [np.array([0, 0, 40, 40.0])], smoothing=1.0)
    for number in range(30):
        told = watcher.told(PICTURE, found(person(0, 0)), 0.0).predictions
        assert told[0].head is not None
        assert told[0].head.yaw == pytest.approx(26 if number % 2 else 14, abs=1e-4)
    assert len(watcher._smooth._known) == 1  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"head_boxes": "picture"}, "nobody's head"),
        ({"head_boxes": "faces"}, "face detector's file is not there"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, head_file: Path, people: PeopleFinder, wishes: dict[str, str], message: str
) -> None:
    asked = replace(Wishes(head_model=head_file, face_model=tmp_path / "gone.onnx"), **wishes)  # pyright: ignore[reportArgumentType]
    with pytest.raises((UsageError, MissingTool), match=message):
        heads_for(asked, people)


def test_a_skeleton_without_a_face_needs_a_face_detector(tmp_path: Path, head_file: Path) -> None:
    hands = Predictor(write_onnx(tmp_path / "hands.onnx", joints=21), device="cpu")
    with pytest.raises(UsageError, match="no joints of a face"):
        heads_for(Wishes(head_model=head_file, head_boxes="points"), hands)


def test_a_model_of_another_kind_is_refused(tmp_path: Path, people: PeopleFinder) -> None:
    with pytest.raises(ModelError, match="how heads are turned"):
        heads_for(Wishes(head_model=write_onnx(tmp_path / "other.onnx")), people)


def test_heads_alone_are_whole_pictures(head_file: Path) -> None:
    wishes = Wishes(model=head_file, source="pictures/*.jpg")
    finder = predictor_for(wishes)
    assert isinstance(finder, HeadsOnly)
    with finder:
        watcher = heads_for(wishes, finder)
        assert watcher is not None
        (told,) = watcher.told(PICTURE, finder.submit([PICTURE]).result()[0], 0.0).predictions
        assert told.box == pytest.approx([0, 0, 500, 300])
        assert told.head is not None
        assert told.head.box == pytest.approx([0, 0, 500, 300])
        assert told.head.rotation == pytest.approx(TRUE, abs=1e-5)
        with HeadPoser(head_file) as poser:
            assert poser.rotations([PICTURE])[0] == pytest.approx(told.head.rotation)


def test_heads_alone_have_no_joints_to_be_found_by(head_file: Path) -> None:
    with pytest.raises(UsageError, match="finds no joints"):
        predictor_for(Wishes(model=head_file, head_boxes="points"))
    finder = predictor_for(Wishes(model=head_file, source="a.png"))
    with finder, pytest.raises(UsageError, match="a head-pose model already"):
        heads_for(Wishes(model=head_file, head_model=head_file), finder)


def test_heads_alone_in_a_video_need_a_face_detector(
    head_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "find_weights", lambda name: None)
    with pytest.raises(MissingTool, match="face detector"):
        predictor_for(Wishes(model=head_file, source="film.mp4"))


def crowd() -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Four faces in one picture: the picture, where each begins (x, y), their rotations."""
    samples = load_heads(shared("headpose/AFLW2000")).samples[:4]
    frame = np.zeros((900, 900, 3), np.uint8)
    corners, rotations = [], []
    for number, sample in enumerate(samples):
        picture = read_image(sample.picture)
        y, x = 450 * (number // 2), 450 * (number % 2)
        frame[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        corners.append(np.array([x, y]))
        rotations.append(sample.rotation)
    return frame, corners, rotations


def test_faces_alone_with_real_models() -> None:
    frame, corners, rotations = crowd()
    wishes = Wishes(model=shared(REAL), source="film.mp4", face_model=shared(YUNET), conf=0.5)
    finder = predictor_for(wishes)
    assert isinstance(finder, HeadsOnly)
    with finder:
        watcher = heads_for(wishes, finder)
        assert watcher is not None
        seen = finder.find_batch([frame])[0]
        told = watcher.told(frame, seen, 0.0).predictions
        finder.conf = 1.0
        assert finder.predict(frame) == ()
        finder.conf, finder.max_people = 0.5, 2
        assert len(finder.predict(frame)) == 2
    assert len(told) == 4
    for person in told:
        middle = (person.box[:2] + person.box[2:]) / 2
        number = int(middle[0] > 450) + 2 * int(middle[1] > 450)
        assert person.head is not None
        assert person.head.box == pytest.approx(enlarged(person.box, FACE_MARGIN), abs=1e-3)
        assert geodesic(person.head.rotation[None], rotations[number][None])[0] < 25
        # The person's left eye is on the picture's right.
        assert person.keypoints[0, 0] > person.keypoints[1, 0]
        assert (person.keypoints[:2, :2] > corners[number]).all()


def test_faces_go_to_people_with_real_models(people: PeopleFinder) -> None:
    frame, corners, rotations = crowd()
    detector = open_face_detector("yunet", shared(YUNET))
    faces_seen = detector.find(frame)
    wishes = Wishes(head_model=shared(REAL), head_boxes="faces", face_model=shared(YUNET))
    everybody = []
    for corner in corners:
        box = np.array([*corner, *(corner + 450)], np.float32)
        everybody.append(Prediction(box, 0.9, np.zeros((17, 3), np.float32)))
    away = Prediction(
        np.array([860, 860, 890, 890], np.float32), 0.9, np.zeros((17, 3), np.float32)
    )
    watcher = heads_for(wishes, people)
    assert watcher is not None
    with watcher:
        told = watcher.told(frame, found(*everybody, away), 0.0).predictions
    assert len(faces_seen) == 4
    assert told[4].head is None
    for person, rotation in zip(told[:4], rotations, strict=True):
        assert isinstance(person.head, HeadPose)
        assert geodesic(person.head.rotation[None], rotation[None])[0] < 25


def test_the_same_head_from_near_and_far(head_file: Path, people: PeopleFinder) -> None:
    """The crop by joints grows with the person: a picture of twice the size gives the same."""
    del head_file
    sample = load_heads(shared("headpose/AFLW2000")).samples[0]
    frame = read_image(sample.picture)
    (face,) = open_face_detector("yunet", shared(YUNET)).find(frame)
    joints = np.zeros((17, 3), np.float32)
    joints[:3] = [(*face.points[i], 0.9) for i in (2, 1, 0)]
    one = Prediction(face.box.astype(np.float32), 0.9, joints)
    twice = replace(one, keypoints=joints * np.array([2, 2, 1], np.float32))
    large = np.asarray(cv2.resize(frame, None, fx=2, fy=2), np.uint8)
    watcher = heads_for(Wishes(head_model=shared(REAL)), people)
    assert watcher is not None
    with watcher:
        (near,) = watcher.told(large, found(twice), 0.0).predictions
        (far,) = watcher.told(frame, found(one), 0.0).predictions
    assert near.head is not None
    assert far.head is not None
    assert geodesic(near.head.rotation[None], far.head.rotation[None])[0] < 4
