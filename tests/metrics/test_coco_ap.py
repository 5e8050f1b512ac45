"""COCO's figures against pycocotools, the judge."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.metrics.coco_ap import NAMES, keypoint_ap

COCO17 = [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089]  # fmt: skip
SHARED = Path("../shared/data/coco_eval")


def judged_by_pycocotools(truth: dict[str, Any], results: list[dict[str, Any]], sigmas) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = json.loads(json.dumps(truth))
        ground.createIndex()
        judge = COCOeval(ground, ground.loadRes(json.loads(json.dumps(results))), "keypoints")
        judge.params.kpt_oks_sigmas = np.array(sigmas)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge


def made_up(seed: int, joints: int, pictures: int = 40, categories: int = 1):
    """People of all sizes with crowds, unlabelled people, doubles, misses and ties."""
    rng = np.random.default_rng(seed)
    truth: dict[str, Any] = {
        "images": [{"id": 7 * i + 1, "width": 640, "height": 480} for i in range(pictures)],
        "categories": [{"id": c + 1, "name": f"c{c}"} for c in range(categories)],
        "annotations": [],
    }
    results: list[dict[str, Any]] = []
    for image in truth["images"]:
        for _ in range(rng.integers(0, 6)):
            side = float(rng.choice([20, 60, 150, 300]))
            x, y = rng.uniform(0, 300, 2)
            points = np.c_[x + rng.uniform(0, side, joints), y + rng.uniform(0, side, joints)]
            seen = rng.choice([0, 1, 2], joints) * (rng.random() > 0.15)
            category = int(rng.integers(1, categories + 1))
            truth["annotations"].append(
                {
                    "id": len(truth["annotations"]) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": [x, y, side, side],
                    "area": side * side * float(rng.uniform(0.3, 0.9)),
                    "iscrowd": int(rng.random() < 0.1),
                    "num_keypoints": int((seen > 0).sum()),
                    "keypoints": np.c_[points * (seen[:, None] > 0), seen].ravel().tolist(),
                }
            )
            for _ in range(rng.integers(0, 3)):
                moved = points + rng.normal(0, side * rng.choice([0.005, 0.03, 0.1]), points.shape)
                results.append(
                    {
                        "image_id": image["id"],
                        "category_id": category,
                        "score": round(float(rng.random()), 1),
                        "keypoints": np.c_[moved, np.ones(joints)].ravel().tolist(),
                    }
                )
    return truth, results


@pytest.mark.parametrize(
    ("seed", "joints", "categories"), [(0, 17, 1), (1, 17, 1), (2, 5, 1), (3, 21, 2), (4, 2, 1)]
)
def test_equals_pycocotools(seed, joints, categories):
    truth, results = made_up(seed, joints, categories=categories)
    sigmas = COCO17 if joints == 17 else list(np.random.default_rng(9).uniform(0.02, 0.12, joints))
    ours = keypoint_ap(truth, results, sigmas)
    judge = judged_by_pycocotools(truth, results, sigmas)
    assert np.allclose([ours.metrics[n] for n in NAMES], judge.stats, rtol=0, atol=1e-9)
    if categories == 1:
        table = judge.eval["precision"][:, :, 0, 0, -1]
        assert np.allclose(ours.precision["0.50"], table[0], rtol=0, atol=1e-9)
        assert np.allclose(ours.precision["0.50:0.95"], table.mean(axis=0), rtol=0, atol=1e-9)
    assert 0 < ours.metrics["AP"] < 1


def test_perfect_predictions_score_one():
    truth, _ = made_up(5, 17, pictures=10)
    people = [a for a in truth["annotations"] if a["num_keypoints"] and not a["iscrowd"]]
    results = [
        {"image_id": a["image_id"], "category_id": 1, "score": 0.9, "keypoints": a["keypoints"]}
        for a in people
    ]
    metrics = keypoint_ap(truth, results, COCO17).metrics
    assert metrics["AP50"] == pytest.approx(1.0, abs=1e-12)
    assert metrics["AR"] == pytest.approx(1.0, abs=1e-12)


def test_arguments_stay_as_they_are():
    truth, results = made_up(6, 17, pictures=5)
    before = json.dumps([truth, results])
    keypoint_ap(truth, results, COCO17)
    assert json.dumps([truth, results]) == before


def test_no_prediction_at_all_scores_zero():
    truth, _ = made_up(7, 17)
    ours = keypoint_ap(truth, [], COCO17)
    assert set(ours.metrics.values()) == {0.0}
    assert ours.precision["0.50"].max() == 0


def test_nobody_to_find_is_not_judged():
    truth, results = made_up(8, 17)
    empty = {**truth, "annotations": []}
    assert set(keypoint_ap(empty, [], COCO17).metrics.values()) == {-1.0}
    assert set(keypoint_ap(empty, results, COCO17).metrics.values()) == {-1.0}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared evaluation data is not here")
def test_equals_pycocotools_on_published_data():
    truth = json.loads((SHARED / "gt_dataset.json").read_text())
    results = json.loads((SHARED / "dt_dataset.json").read_text())
    results = [r for r in results if r.get("keypoints")]
    if not results or not any(a.get("keypoints") for a in truth["annotations"]):
        pytest.skip("the shared evaluation data holds no keypoints")
    ours = keypoint_ap(truth, results, COCO17)
    judge = judged_by_pycocotools(truth, results, COCO17)
    assert np.allclose([ours.metrics[n] for n in NAMES], judge.stats, rtol=0, atol=1e-9)
