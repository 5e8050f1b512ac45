"""OKS as pycocotools counts it."""

from __future__ import annotations

import numpy as np
import pytest

from studio.io.skeletons import load_skeleton
from studio.vision.oks import oks_matrix, pair_oks, seen_oks

coco_eval = pytest.importorskip("pycocotools.cocoeval")


def annotations(rng: np.random.Generator, count: int) -> list[dict[str, object]]:
    people: list[dict[str, object]] = []
    for number in range(count):
        points = np.zeros((17, 3))
        points[:, :2] = rng.uniform(0, 300, (17, 2))
        points[:, 2] = rng.integers(0, 3, 17) if number else 0
        box = [50.0, 60.0, 80.0, 120.0]
        people.append(
            {
                "keypoints": points.ravel().tolist(),
                "num_keypoints": int((points[:, 2] > 0).sum()),
                "area": float(rng.uniform(500, 20000)),
                "bbox": box,
                "id": number + 1,
                "ignore": 0,
            }
        )
    return people


def test_equal_to_pycocotools() -> None:
    rng = np.random.default_rng(1)
    truth = annotations(rng, 5)
    found = [
        {"keypoints": np.c_[rng.uniform(0, 300, (17, 2)), np.ones(17)].ravel().tolist(), "score": s}
        for s in (0.9, 0.8, 0.7, 0.6)
    ]
    judge = coco_eval.COCOeval(iouType="keypoints")
    judge.params.imgIds, judge.params.catIds = [1], [1]
    judge._gts[1, 1], judge._dts[1, 1] = truth, found
    expected = judge.computeOks(1, 1)
    mine = oks_matrix(
        np.array([t["keypoints"] for t in truth], float).reshape(-1, 17, 3),
        np.array([t["area"] for t in truth], float),
        np.array([f["keypoints"] for f in found], float).reshape(-1, 17, 3),
        load_skeleton("coco17").oks_sigmas,
        np.array([t["bbox"] for t in truth], float),
    )
    assert pytest.approx(expected, abs=1e-12) == mine.T


def test_a_pose_is_like_itself() -> None:
    points = np.random.default_rng(0).uniform(0, 99, (17, 3))
    sigmas = load_skeleton("coco17").oks_sigmas
    assert pair_oks(points, points, 1000.0, sigmas) == pytest.approx(np.ones(17))
    moved = points + 3
    assert (pair_oks(points, moved, 1000.0, sigmas) < 1).all()


def test_each_pair_by_the_joints_that_both_have() -> None:
    rng = np.random.default_rng(5)
    sigmas = load_skeleton("coco17").oks_sigmas
    first, second = rng.uniform(0, 60, (3, 17, 3)), rng.uniform(0, 60, (4, 17, 3))
    areas = rng.uniform(500, 5000, 3)
    seen = rng.random((3, 4, 17)) < 0.5
    seen[2, 3] = False
    mine = seen_oks(first, second, areas, sigmas, seen)
    for row, column in np.ndindex(3, 4):
        asked = seen[row, column]
        truth = np.concatenate([first[row, :, :2], asked[:, None].astype(np.float64)], axis=1)
        expected = oks_matrix(truth[None], areas[row : row + 1], second[[column]], sigmas)[0, 0]
        assert mine[row, column] == pytest.approx(expected, rel=1e-12)
    assert mine[2, 3] == 0
