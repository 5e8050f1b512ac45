"""Faces: found where they are, and a clear word where there is no detector."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.core.errors import MissingTool, ModelError, UsageError
from studio.io.images import read_image
from studio.runtime import faces
from studio.runtime.faces import open_face_detector
from studio.vision.head_crop import landmark_box
from tests.io.data import shared

MODEL = "weights/face_detection_yunet_2023mar.onnx"


@pytest.mark.parametrize("size", [320, 640])
def test_a_face_is_found_around_its_landmarks(size: int) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    detector = open_face_detector("yunet", shared(MODEL), size=size)
    for path in sorted(shared("headpose/AFLW2000").glob("*.jpg")):
        found = detector.find(read_image(path))
        box = landmark_box(scipy_io.loadmat(path.with_suffix(".mat"))["pt2d"].T)
        assert box is not None
        assert len(found) == 1, path.name
        middle = (box[:2] + box[2:]) / 2
        face = found[0]
        assert (face.box[:2] < middle).all()
        assert (face.box[2:] > middle).all()
        assert 0.6 < face.score <= 1
        # Right and left are the person's own: the right eye is on the picture's left.
        assert face.points[0, 0] < face.points[1, 0]


def test_a_picture_of_any_shape_keeps_its_pixels() -> None:
    detector = open_face_detector("yunet", shared(MODEL))
    picture = read_image(next(shared("headpose/AFLW2000").glob("image00050.jpg")))
    (alone,) = detector.find(picture)
    wide = np.zeros((700, 1333, 3), np.uint8)
    wide[100 : 100 + picture.shape[0], 600 : 600 + picture.shape[1]] = picture
    (moved,) = detector.find(wide)
    assert moved.box - (600, 100, 600, 100) == pytest.approx(alone.box, abs=12)
    large = cv2.resize(picture, None, fx=2, fy=2)
    (doubled,) = detector.find(np.asarray(large, np.uint8))
    assert doubled.box / 2 == pytest.approx(alone.box, abs=3)


def test_several_faces_come_the_largest_first() -> None:
    detector = open_face_detector("yunet", shared(MODEL))
    picture = read_image(next(shared("headpose/AFLW2000").glob("image00050.jpg")))
    half = np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5), np.uint8)
    side = np.zeros((picture.shape[0], half.shape[1], 3), np.uint8)
    side[: half.shape[0]] = half
    found = detector.find(np.ascontiguousarray(np.hstack([side, picture])))
    assert len(found) == 2
    assert found[0].area > found[1].area
    assert found[0].box[0] > side.shape[1]


def test_a_picture_without_a_face_has_none() -> None:
    detector = open_face_detector("yunet", shared(MODEL))
    assert detector.find(np.full((200, 300, 3), 120, np.uint8)) == ()


def test_a_missing_file_says_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(MissingTool, match="not there") as caught:
        open_face_detector("yunet", tmp_path / "gone.onnx")
    assert "--face-model" in caught.value.hint
    with pytest.raises(UsageError, match="retina"):
        open_face_detector("retina")


def test_without_any_detector_automatic_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("insightface") is not None:
        pytest.skip("InsightFace is installed")
    monkeypatch.setattr(faces, "find_weights", lambda name: None)
    with pytest.raises(MissingTool, match="no face detector"):
        open_face_detector("auto")
    with pytest.raises(MissingTool, match="InsightFace"):
        open_face_detector("insightface")


def test_a_file_that_is_no_detector_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "face.onnx"
    path.write_bytes(b"no network at all")
    with pytest.raises(ModelError, match="face detector"):
        open_face_detector("yunet", path)
