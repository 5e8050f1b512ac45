"""Layouts told apart, and people read from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import ModelError
from studio.core.skeleton import Skeleton
from studio.runtime.decode import PoseLayout, decode, read_layout, to_predictions
from studio.vision.letterbox import fit


def artifact(joints: int = 17, categories: int = 1, output: str = "decoded") -> ModelArtifact:
    return ModelArtifact(
        family="toy",
        task="pose",
        weights=Path("/nowhere/model.xml"),
        input=InputSpec((640, 640)),
        skeleton=Skeleton.numbered(joints),
        categories=tuple(f"c{i}" for i in range(categories)),
        output=output,
    )


@pytest.mark.parametrize(
    ("shape", "joints", "categories", "kind", "dims"),
    [
        ((1, 56, 8400), 17, 1, "decoded", 3),
        ((4, 39, 2100), 17, 1, "decoded", 2),
        ((1, 58, 8400), 17, 3, "decoded", 3),
        ((1, 300, 57), 17, 1, "end2end", 3),
        ((1, 300, 40), 17, 1, "end2end", 2),
        ((1, 300, 69), 21, 5, "end2end", 3),
    ],
)
def test_the_shape_tells_the_layout(
    shape: tuple[int, ...], joints: int, categories: int, kind: str, dims: int
) -> None:
    layout = read_layout(shape, artifact(joints, categories))
    assert (layout.kind, layout.dims) == (kind, dims)


def test_where_both_fit_the_artefact_decides() -> None:
    both = (1, 56, 57)
    assert read_layout(both, artifact(output="decoded")).kind == "decoded"
    assert read_layout(both, artifact(output="end2end")).kind == "end2end"


@pytest.mark.parametrize("shape", [(1, 84, 8400), (1, 3, 3), (1, 56)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="17 joints"):
        read_layout(shape, artifact())


def test_decoded_people() -> None:
    output = np.zeros((4 + 2 + 6, 5), np.float32)
    output[:4] = np.array([[100, 100, 40, 60]] * 5).T
    output[0] = [100, 101, 300, 300, 500]
    output[4] = [0.9, 0.8, 0.1, 0.5, 0.2]
    output[5] = [0.1, 0.1, 0.7, 0.1, 0.2]
    output[6:12] = np.array([10, 20, 0.5, 30, 40, 0.25])[:, None]
    layout = PoseLayout("decoded", 2, 2, 3)
    found = decode(output, layout, conf=0.25, iou=0.7, limit=300)
    assert found.scores == pytest.approx([0.9, 0.7, 0.5])
    assert found.categories.tolist() == [0, 1, 0]
    assert found.boxes[0] == pytest.approx([80, 70, 120, 130])
    assert found.keypoints[0] == pytest.approx(np.array([[10, 20, 0.5], [30, 40, 0.25]]))
    assert len(decode(output, layout, conf=0.25, iou=0.7, limit=1).scores) == 1
    assert len(decode(output, layout, conf=0.95, iou=0.7, limit=300).scores) == 0


def test_end_to_end_people() -> None:
    rows = np.zeros((4, 6 + 4), np.float32)
    rows[:, 4] = [0.9, 0.6, 0.25, 0.0]
    rows[:, 5] = [0, 1, 0, 0]
    rows[0, :4] = [1, 2, 3, 4]
    rows[0, 6:] = [5, 6, 7, 8]
    found = decode(rows, PoseLayout("end2end", 2, 2, 2), conf=0.25, iou=0.7, limit=300)
    assert found.scores == pytest.approx([0.9, 0.6]), "the threshold itself is not above it"
    assert found.boxes[0].tolist() == [1, 2, 3, 4]
    assert found.keypoints[0].tolist() == [[5, 6, 1], [7, 8, 1]], "no score of its own counts 1"


def test_people_lie_in_the_picture_again() -> None:
    box = fit((100, 200), (64, 64), rect=False)
    output = np.array([[32.0, 32.0, 200.0, 200.0, 0.9, 32.0, 32.0, 0.8]], np.float32).T
    found = decode(output, PoseLayout("decoded", 1, 1, 3), conf=0.25, iou=0.7, limit=9)
    (person,) = to_predictions(found, box)
    assert person.box.tolist() == [0, 0, 200, 100], "clipped to the picture"
    assert person.keypoints[0] == pytest.approx([100, 50, 0.8])
