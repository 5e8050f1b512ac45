"""Head-pose files of other programs: known by what they give, or refused with what to write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import ModelError
from studio.core.head import Angles, rotation_of
from studio.runtime.artifacts import load_artifact
from studio.runtime.head_pose import HeadPoser
from tests.runtime.head_toy import write_head_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TRUE = Angles(yaw=-37.0, pitch=12.0, roll=21.0)
ROTATION = rotation_of(TRUE)
PICTURE = np.full((50, 40, 3), 90, np.uint8)


def bins(degrees: float, count: int = 66) -> np.ndarray:
    """Scores whose mean angle is that: likelihoods for the two steps beside it, as logarithms."""
    place = (degrees + 1.5 * count) / 3
    low = int(np.floor(place))
    chances = np.full(count, 1e-12)
    chances[low], chances[low + 1] = 1 - (place - low), place - low
    return np.log(np.maximum(chances, 1e-12))


def told(path: Path) -> np.ndarray:
    with HeadPoser(path) as poser:
        rotations = poser.rotations([PICTURE, PICTURE])
    assert rotations.shape == (2, 3, 3)
    assert rotations[0] == pytest.approx(rotations[1])
    return rotations[0]


@pytest.mark.parametrize("batch", [None, 1])
def test_a_matrix(tmp_path: Path, batch: int | None) -> None:
    path = write_head_onnx(tmp_path / "m.onnx", {"rotation": ROTATION}, batch=batch)
    assert told(path) == pytest.approx(ROTATION, abs=1e-5)
    assert load_artifact(path).input.size == (32, 32)


def test_a_matrix_beside_other_answers(tmp_path: Path) -> None:
    answers = {"points": np.zeros(10), "pose": ROTATION}
    assert told(write_head_onnx(tmp_path / "m.onnx", answers)) == pytest.approx(ROTATION, abs=1e-5)


def test_six_numbers(tmp_path: Path) -> None:
    # Two columns of the matrix, of other lengths than one.
    six = np.concatenate([2 * ROTATION[:, 0], 0.5 * ROTATION[:, 1]])
    path = write_head_onnx(tmp_path / "m.onnx", {"out": six})
    assert told(path) == pytest.approx(ROTATION, abs=1e-5)


def test_bins_as_hopenet_has_them(tmp_path: Path) -> None:
    in_order = {"431": bins(TRUE.yaw), "432": bins(TRUE.pitch), "433": bins(TRUE.roll)}
    assert told(write_head_onnx(tmp_path / "m.onnx", in_order)) == pytest.approx(ROTATION, abs=1e-4)
    by_name = {
        "pitch": bins(TRUE.pitch),
        "roll": bins(TRUE.roll),
        "yaw": bins(TRUE.yaw, 120),
    }
    assert told(write_head_onnx(tmp_path / "n.onnx", by_name)) == pytest.approx(ROTATION, abs=1e-4)


def test_three_numbers_are_not_guessed(tmp_path: Path) -> None:
    path = write_head_onnx(tmp_path / "m.onnx", {"angles": np.array(TRUE)})
    with pytest.raises(ModelError, match="which angles") as caught:
        HeadPoser(path)
    assert "metadata.yaml" in caught.value.hint
    assert "unit: degrees" in caught.value.hint
    # What the hint says to write is what is read.
    lines = "task: head-pose\noutput: angles\nangles: [yaw, pitch, roll]\nunit: degrees\n"
    (tmp_path / "metadata.yaml").write_text(lines, encoding="utf-8")
    assert told(path) == pytest.approx(ROTATION, abs=1e-5)


@pytest.mark.parametrize("apart", [False, True])
def test_angles_in_another_order_sign_and_unit(tmp_path: Path, apart: bool) -> None:
    roll, pitch, yaw = (float(np.radians(v)) for v in (TRUE.roll, -TRUE.pitch, TRUE.yaw))
    answers = (
        {"a": np.array([roll]), "b": np.array([pitch]), "c": np.array([yaw])}
        if apart
        else {"angles": np.array([roll, pitch, yaw])}
    )
    said = {
        "task": "head-pose",
        "output": "angles",
        "angles": "['roll', '-pitch', 'yaw']",
        "unit": "radians",
    }
    path = write_head_onnx(tmp_path / "m.onnx", answers, metadata=said)
    assert told(path) == pytest.approx(ROTATION, abs=1e-5)


def test_three_outputs_called_by_their_angles_still_need_a_unit(tmp_path: Path) -> None:
    answers = {n: np.array([getattr(TRUE, n)]) for n in ("roll", "yaw", "pitch")}
    with pytest.raises(ModelError, match="what unit"):
        HeadPoser(write_head_onnx(tmp_path / "m.onnx", answers))
    said = {"task": "head-pose", "output": "angles", "unit": "degrees"}
    path = write_head_onnx(tmp_path / "n.onnx", answers, metadata=said)
    assert told(path) == pytest.approx(ROTATION, abs=1e-5)


@pytest.mark.parametrize(
    ("answers", "said", "message"),
    [
        ({"scores": np.zeros(1000)}, {}, r"scores \[-1, 1000\].*no answer of a head-pose"),
        ({"a": np.zeros(50), "b": np.zeros(50), "c": np.zeros(50)}, {}, "no answer of a head-pose"),
        ({"a": np.eye(3), "b": np.eye(3)}, {}, "no answer of a head-pose"),
        ({"a": np.zeros(3)}, {"task": "head-pose", "output": "euler"}, "output is one of"),
        (
            {"a": np.zeros(3)},
            {"task": "head-pose", "output": "angles", "unit": "turns"},
            "unit is degrees or radians",
        ),
        (
            {"a": np.zeros(3)},
            {"task": "head-pose", "output": "angles", "angles": "['yaw', 'pitch', 'tilt']"},
            "yaw, pitch and roll in their order, not",
        ),
        ({"a": np.eye(3)}, {"task": "head-pose", "mean": "[0.5]"}, "mean is three numbers"),
        ({"a": np.eye(3)}, {"task": "head-pose", "color": "yuv"}, "color is rgb or bgr"),
        (
            {"a": np.eye(3)},
            {"task": "head-pose", "output": "rot6d"},
            "output is rot6d, but this model gives a",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(
    tmp_path: Path, answers: dict[str, np.ndarray], said: dict[str, str], message: str
) -> None:
    path = write_head_onnx(tmp_path / "m.onnx", answers, metadata=said)
    with pytest.raises(ModelError, match=message):
        HeadPoser(path)


def test_colours_may_be_written_large(tmp_path: Path) -> None:
    answers, said = {"a": np.eye(3)}, {"task": "head-pose", "color": "RGB"}
    assert (
        load_artifact(write_head_onnx(tmp_path / "m.onnx", answers, metadata=said)).input.color
        == "rgb"
    )


def test_colours_last_are_refused(tmp_path: Path) -> None:
    path = write_head_onnx(tmp_path / "m.onnx", {"rotation": np.eye(3)}, entry=("batch", 32, 32, 3))
    with pytest.raises(ModelError, match="heads are shown as"):
        HeadPoser(path)


def test_a_model_whose_answer_is_not_what_its_description_says(tmp_path: Path) -> None:
    from dataclasses import replace

    artifact = load_artifact(write_head_onnx(tmp_path / "m.onnx", {"rotation": ROTATION}))
    with (
        HeadPoser(replace(artifact, output="rot6d")) as poser,
        pytest.raises(ModelError, match="description says: rot6d"),
    ):
        poser.rotations([PICTURE])
    with (
        HeadPoser(replace(artifact, extra={"outputs": ["first"]})) as poser,
        pytest.raises(ModelError, match="description says: rotation"),
    ):
        poser.rotations([PICTURE])


def test_an_openvino_file_is_told_alike(tmp_path: Path) -> None:
    ov = pytest.importorskip("openvino")
    answers = {"pitch": bins(TRUE.pitch), "roll": bins(TRUE.roll), "yaw": bins(TRUE.yaw)}
    model = ov.convert_model(str(write_head_onnx(tmp_path / "m.onnx", answers)))
    ov.save_model(model, str(tmp_path / "heads.xml"), compress_to_fp16=False)
    artifact = load_artifact(tmp_path / "heads.xml")
    assert (artifact.task, artifact.output) == ("head-pose", "bins")
    assert told(tmp_path / "heads.xml") == pytest.approx(ROTATION, abs=1e-3)
