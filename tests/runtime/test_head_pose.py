"""Head-pose models that are run: foreign ones too, against published figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import ModelError
from studio.core.head import Angles, angles_of, rotation_of
from studio.core.prediction import Prediction
from studio.io.headpose_set import load_heads
from studio.io.images import read_image
from studio.io.skeletons import load_skeleton
from studio.metrics.head import geodesic, head_errors
from studio.runtime.artifacts import load_artifact
from studio.runtime.faces import open_face_detector
from studio.runtime.head_pose import HeadPoser, head_pose
from tests.io.data import shared

pytest.importorskip("onnxruntime")


def test_the_published_model_has_its_known_errors_on_eight_faces() -> None:
    """6DRepNet360 on AFLW2000 faces: our crop and metric against the figures of another run."""
    with HeadPoser(shared("weights/6DRepNet360.onnx")) as poser:
        samples = load_heads(shared("headpose/AFLW2000")).samples
        assert len(samples) == 8
        found = np.concatenate([poser.of_boxes(read_image(s.picture), [s.box]) for s in samples])
    errors = head_errors(
        found, np.stack([s.rotation for s in samples]), np.array([s.angles for s in samples])
    ).metrics()
    assert errors["official-MAE-pitch"] == pytest.approx(2.85, abs=0.3)
    assert errors["official-MAE-yaw"] == pytest.approx(4.46, abs=0.3)
    assert errors["official-MAE-roll"] == pytest.approx(0.91, abs=0.3)


def test_a_foreign_model_of_rotations_is_known_by_its_shapes() -> None:
    artifact = load_artifact(shared("weights/6DRepNet360.onnx"))
    assert artifact.task == "head-pose"
    assert artifact.output == "rotation"
    assert artifact.input.size == (224, 224)
    assert artifact.input.mean == pytest.approx((0.485, 0.456, 0.406))
    # It takes one picture at a time; several are asked one after the other.
    assert artifact.extra["batch"] == 1
    pictures = [read_image(s.picture) for s in load_heads(shared("headpose/AFLW2000")).samples[:3]]
    with HeadPoser(artifact) as poser:
        together = poser.rotations(pictures)
        alone = np.concatenate([poser.rotations([p]) for p in pictures])
        assert poser.rotations([]).shape == (0, 3, 3)
    assert together == pytest.approx(alone, abs=1e-6)
    assert np.abs(together @ np.swapaxes(together, 1, 2) - np.eye(3)).max() < 1e-9


def test_faces_that_a_detector_finds_are_told_much_the_same() -> None:
    detector = open_face_detector("yunet", shared("weights/face_detection_yunet_2023mar.onnx"))
    with HeadPoser(shared("weights/6DRepNet360.onnx")) as poser:
        for sample in load_heads(shared("headpose/AFLW2000")).samples:
            frame = read_image(sample.picture)
            (face,) = detector.find(frame)
            found = poser.of_faces(frame, [face.box])
            assert geodesic(found, sample.rotation[None])[0] < 25


def test_a_persons_joints_give_the_head() -> None:
    skeleton = load_skeleton("face5")
    detector = open_face_detector("yunet", shared("weights/face_detection_yunet_2023mar.onnx"))
    with HeadPoser(shared("weights/6DRepNet360.onnx")) as poser:
        sample = load_heads(shared("headpose/AFLW2000")).samples[0]
        frame = read_image(sample.picture)
        (face,) = detector.find(frame)
        # Of the detector's points the person's left is second; the skeleton has it first.
        order = [1, 0, 2, 4, 3]
        joints = np.concatenate([face.points[order], np.ones((5, 1))], axis=1).astype(np.float32)
        hidden = joints.copy()
        hidden[1:, 2] = 0.1
        box = face.box.astype(np.float32)
        people = [Prediction(box, 1.0, hidden), Prediction(box, 1.0, joints)]
        nothing, known = poser.of_people(frame, people, skeleton)
    assert nothing is None
    assert known is not None
    assert geodesic(known.rotation[None], sample.rotation[None])[0] < 25
    assert known.yaw == pytest.approx(angles_of(known.rotation).yaw)


def test_a_model_that_finds_people_is_refused() -> None:
    with pytest.raises(ModelError, match="how heads are turned"):
        HeadPoser(shared("weights/yolo11n-pose.pt"))


def test_a_pose_has_the_angles_of_its_rotation() -> None:
    rotation = rotation_of(Angles(31, -22, 13))
    pose = head_pose(rotation, np.array([1, 2, 3, 4]))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((31, -22, 13))
    assert pose.box == pytest.approx([1, 2, 3, 4])
    assert head_pose(rotation).box is None


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "heads.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError):
        HeadPoser(path)
