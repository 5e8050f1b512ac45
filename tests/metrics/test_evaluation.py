"""A judgement of known predictions: pairs, joint errors, PCK, worst pictures first."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.core.annotation import Instance
from studio.core.dataset import Sample
from studio.core.errors import DataError
from studio.core.prediction import Prediction
from studio.io.datasets import load_dataset
from studio.io.images import write_image
from studio.io.skeletons import load_skeleton
from studio.metrics.coco_ap import NAMES
from studio.metrics.evaluation import evaluate
from studio.metrics.joints import JointErrors, Truth, pair_people
from tests.metrics.test_coco_ap import judged_by_pycocotools

SKELETON = load_skeleton("coco17")
LABELLED = Path("../shared/data/coco_people")


def person(x: float, y: float, side: float = 120) -> Instance:
    rng = np.random.default_rng(int(x + y))
    points = np.c_[x + rng.uniform(0, side, 17), y + rng.uniform(0, side, 17), np.full(17, 2.0)]
    return Instance("person", points, box=np.array([x, y, side, side]))


def found(instance: Instance, shift: float = 0, score: float = 0.9) -> Prediction:
    x, y, w, h = instance.box
    points = instance.keypoints.astype(np.float32).copy()
    points[:, 0] += shift
    points[:, 2] = 0.9
    return Prediction(np.array([x, y, x + w, y + h], np.float32), score, points)


@pytest.fixture
def samples(tmp_path) -> list[Sample]:
    made = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        write_image(path, np.full((400, 600, 3), number + 1, np.uint8))
        people = (person(20, 30), person(300, 100, 200))
        made.append(Sample(path, (600, 400), people, number + 1, "val"))
    return made


def test_perfect_predictions(samples):
    def find(picture, _):
        return [found(p) for p in samples[int(picture[0, 0, 0]) - 1].instances]

    seen = []
    judged = evaluate(samples, SKELETON, find, progress=lambda *done: seen.append(done))
    assert judged.metrics["AP"] == pytest.approx(1)
    assert judged.people == 6
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [p.oks for p in judged.pictures] == pytest.approx([1, 1, 1], abs=1e-4)
    row = judged.joints.table()[0]
    assert (row.name, row.count, row.pck) == ("nose", 6, 1.0)
    assert row.error_px == pytest.approx(0, abs=1e-4)


def test_worst_pictures_come_first(samples):
    def find(picture, _):
        number = int(picture[0, 0, 0])
        first, second = samples[number - 1].instances
        if number == 1:
            return [found(first), found(second, shift=12)]
        if number == 2:
            return [found(second)]  # one is missed
        return [found(first), found(second), found(person(400, 300, 60), score=0.5)]

    judged = evaluate(samples, SKELETON, find)
    assert [p.sample.image.stem for p in judged.pictures] == ["1", "2", "0"]
    assert [(p.missed, p.false) for p in judged.pictures] == [(1, 0), (0, 1), (0, 0)]
    assert judged.pictures[0].oks == pytest.approx(0.5, abs=1e-3)
    shifted = [p.oks for p in judged.pictures[2].pairs]
    assert shifted[0] == pytest.approx(1, abs=1e-4)
    assert 0.1 < shifted[1] < 0.99
    errors = {row.name: row for row in judged.joints.table()}
    assert errors["nose"].error_px == pytest.approx(12 / 5, rel=1e-3)
    assert errors["nose"].error_rel == pytest.approx(12 / 200 / 5, rel=1e-3)


def test_a_picture_that_cannot_be_read_is_a_problem(samples):
    samples[1].image.write_bytes(b"cut")
    judged = evaluate(samples, SKELETON, lambda *_: [])
    assert [p.where for p in judged.problems] == [str(samples[1].image)]
    assert len(judged.pictures) == 2
    assert judged.metrics["AP"] == 0
    for sample in samples:
        sample.image.unlink()
    with pytest.raises(DataError, match="No picture"):
        evaluate(samples, SKELETON, lambda *_: [])


def test_another_skeleton_is_refused(samples):
    five = Prediction(np.zeros(4, np.float32), 0.5, np.zeros((5, 3), np.float32))
    with pytest.raises(DataError, match="finds 5 joints, the labels have 17"):
        evaluate(samples, SKELETON, lambda *_: [five])


def test_predictions_on_ignored_people_are_nobody():
    one, two = person(10, 10), person(300, 100)
    truths = [
        Truth(p.keypoints, 120.0 * 120, p.box, ignored=i == 1) for i, p in enumerate((one, two))
    ]
    pairs = pair_people(truths, [found(one), found(two)], SKELETON.oks_sigmas)
    assert len(pairs) == 1
    assert pairs[0].oks == pytest.approx(1, abs=1e-4)
    alone = pair_people(truths[1:], [found(one)], SKELETON.oks_sigmas)
    assert [(p.truth, p.oks) for p in alone] == [(None, None)]


def test_pck_curves_rise_to_one():
    errors = JointErrors(["a", "b"])
    truth = Truth(np.array([[0, 0, 2], [10, 0, 0]], float), 100.0, np.array([0, 0, 10, 10.0]))
    points = np.array([[3, 0, 1], [99, 0, 1]], np.float32)
    pairs = pair_people([truth], [], np.array([0.1, 0.1]))
    assert pairs[0].predicted is None
    from studio.metrics.joints import Pair

    errors.add([Pair(truth, Prediction(np.zeros(4, np.float32), 0.9, points), 0.5)])
    thresholds, everything, joints = errors.curves()
    assert everything.tolist() == (thresholds >= 0.3).astype(float).tolist()
    assert np.isnan(joints["b"]).all()
    first, second = errors.table()
    assert (first.count, first.error_px, first.pck) == (1, 3.0, 0.0)
    assert second.count == 0
    assert np.isnan(second.error_px)


@pytest.mark.skipif(not LABELLED.is_dir(), reason="the shared COCO pictures are not here")
def test_equals_pycocotools_on_real_labels():
    """The file's own annotations, crowds and all, judged by pycocotools from the JSON itself."""
    truth = json.loads(next(LABELLED.rglob("person_keypoints*.json")).read_text())
    dataset = load_dataset(LABELLED)
    samples = dataset.split("all")
    rng = np.random.default_rng(3)
    people = {
        s.image.name: [
            found(
                Instance("person", p.keypoints + rng.normal(0, 3, (17, 3)), box=p.tight_box()),
                score=float(rng.random()),
            )
            for p in s.instances
            if rng.random() < 0.8
        ]
        for s in samples
    }
    names = iter([s.image.name for s in samples])
    judged = evaluate(samples, dataset.skeleton, lambda *_: people[next(names)])
    ids = {i["file_name"]: i["id"] for i in truth["images"]}
    results = [
        {
            "image_id": ids[name],
            "category_id": 1,
            "score": float(p.score),
            "keypoints": p.keypoints.astype(np.float64).ravel().tolist(),
        }
        for name, row in people.items()
        for p in row
    ]
    judge = judged_by_pycocotools(truth, results, dataset.skeleton.oks_sigmas)
    assert np.allclose([judged.metrics[n] for n in NAMES], judge.stats, rtol=0, atol=1e-9)
