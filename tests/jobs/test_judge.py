"""Stored predictions judged: every form they come in, every kind of label, what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.cli import main
from studio.core.errors import DataError, FormatError, StudioError
from studio.gui.evaluation_report import read_report
from studio.io.images import read_image, write_image
from studio.io.skeletons import load_skeleton
from studio.metrics.coco_ap import NAMES
from tests.jobs.listening import Listener, run
from tests.metrics.test_coco_ap import judged_by_pycocotools
from tests.training_runs import SHARED_WEIGHTS, needs_yolo

COCO17 = load_skeleton("coco17")
PEOPLE = Path("../shared/data/labelme_people")


def truth(count: int = 6, category: int = 1) -> dict[str, Any]:
    """Pictures 11, 12, ... with two people each, every joint labelled but some hidden."""
    rng = np.random.default_rng(3)
    images, annotations = [], []
    for number in range(count):
        images.append(
            {"id": 11 + number, "file_name": f"p{number}.png", "width": 320, "height": 240}
        )
        for side in range(2):
            points = rng.uniform((20 + 150 * side, 20), (130 + 150 * side, 220), (17, 2)).round(1)
            v = rng.choice([1, 2], 17)
            x, y = points.min(0)
            w, h = points.max(0) - (x, y)
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": 11 + number, "category_id": category,
                    "keypoints": np.column_stack([points, v]).ravel().tolist(), "iscrowd": 0,
                    "num_keypoints": 17, "bbox": [x, y, w, h], "area": w * h / 2, "segmentation": [],
                }
            )  # fmt: skip
    category_row = {
        "id": category,
        "name": "person",
        "keypoints": list(COCO17.keypoints),
        "skeleton": [],
    }
    return {"images": images, "annotations": annotations, "categories": [category_row]}


def predictions(document: dict[str, Any], noise: float = 4.0) -> list[dict[str, Any]]:
    """COCO results: everybody but every fifth, moved, and somebody who is not there."""
    rng = np.random.default_rng(5)
    found = []
    for number, a in enumerate(document["annotations"]):
        points = np.array(a["keypoints"]).reshape(-1, 3)
        points[:, :2] += rng.normal(0, noise, (17, 2)).round(2)
        points[:, 2] = 0.9
        if number % 5 == 4:
            points[:, :2] += 400
        row = {"image_id": a["image_id"], "category_id": a["category_id"],
               "keypoints": points.ravel().tolist(), "score": float(rng.uniform(0.3, 1))}  # fmt: skip
        found.append(row)
    return found


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def named(document: dict[str, Any], found: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    names = {i["id"]: i["file_name"] for i in document["images"]}
    rows = [dict(row) for row in found]
    for row in rows:
        name = names[row.pop("image_id")]
        row[key] = name
    return rows


def test_coco_results_equal_pycocotools_without_any_picture(tmp_path):
    document = truth(category=7)
    found = predictions(document)
    gt = write(tmp_path / "gt.json", document)
    pred = write(tmp_path / "results.json", found)
    result = run("judge", tmp_path, gt=gt, pred=pred, out=tmp_path / "r" / "report.json")
    plain = {**document, "categories": [{"id": 7, "name": "person"}]}
    judge = judged_by_pycocotools(plain, found, COCO17.oks_sigmas)
    assert np.allclose([result["metrics"][n] for n in NAMES], judge.stats, atol=1e-9)
    assert 0.1 < result["metrics"]["AP"] < 0.9
    report = read_report(Path(result["report"]))
    assert report.path == tmp_path / "r" / "report.json"
    assert report.model == pred
    assert (report.picture_count, report.people_count) == (6, 12)
    assert report.pictures[0].missed > 0
    page = Path(result["html"]).read_text(encoding="utf-8")
    assert page.count("<figure>") == 0
    assert "6 of the worst pictures could not be read" in page


def test_every_form_says_the_same(tmp_path):
    document = truth()
    found = predictions(document)
    gt = write(tmp_path / "gt.json", document)
    by_id = write(tmp_path / "a" / "results.json", found)
    ours = named(document, found, "image")
    for row in ours:
        row |= {"image_id": 1, "frame": 0, "time": 0.0, "bbox": [1, 2, 3, 4]}
    alpha = named(document, found, "image_id")
    for row in alpha:
        row |= {"box": [1, 2, 3, 4], "idx": [0.0]}
    forms = [
        by_id.parent,
        write(tmp_path / "b" / "predictions.json", ours).parent,
        write(tmp_path / "c" / "alphapose-results.json", alpha),
    ]
    figures = [run("judge", tmp_path, gt=gt, pred=p)["metrics"] for p in forms]
    assert figures[0]["AP"] > 0.1
    assert figures[1] == figures[0]
    assert figures[2] == figures[0]


def test_joints_in_the_order_of_the_file(tmp_path):
    document = truth()
    found = predictions(document, noise=0.0)
    turned = list(reversed(range(17)))
    for row in [*document["annotations"], *found]:
        row["keypoints"] = np.array(row["keypoints"]).reshape(-1, 3)[turned].ravel().tolist()
    names = document["categories"][0]["keypoints"]
    document["categories"][0]["keypoints"] = [names[i] for i in turned]
    result = run(
        "judge", tmp_path, skeleton="coco17",
        gt=write(tmp_path / "gt.json", document), pred=write(tmp_path / "pred.json", found),
    )  # fmt: skip
    report = json.loads(Path(result["report"]).read_text())
    assert [j["name"] for j in report["joints"]] == list(COCO17.keypoints)
    assert max(j["error_px"] for j in report["joints"]) < 0.01


def labelme_folder(folder: Path, document: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    for image in document["images"]:
        write_image(folder / image["file_name"], np.full((240, 320, 3), 60, np.uint8))
        shapes = []
        people = [a for a in document["annotations"] if a["image_id"] == image["id"]]
        for group, person in enumerate(people, 1):
            points = np.array(person["keypoints"]).reshape(-1, 3)
            x, y, w, h = person["bbox"]
            rows = [("person", "rectangle", [[x, y], [x + w, y + h]])]
            rows += [
                (n, "point", [p[:2].tolist()])
                for n, p in zip(COCO17.keypoints, points, strict=True)
            ]
            shapes += [
                {"label": label, "shape_type": kind, "points": at, "group_id": group, "flags": {}}
                for label, kind, at in rows
            ]
        stem = Path(image["file_name"]).stem
        content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imageData": None,
                   "imagePath": image["file_name"], "imageHeight": 240, "imageWidth": 320}  # fmt: skip
        write(folder / f"{stem}.json", content)
    return folder


def test_a_labelme_folder_and_drawn_pictures(tmp_path):
    document = truth()
    gt = labelme_folder(tmp_path / "labels", document)
    pred = write(tmp_path / "predictions.json", named(document, predictions(document), "image"))
    listener = Listener()
    result = run("judge", tmp_path, listener, gt=gt, pred=pred, vis=tmp_path / "vis", limit=3)
    drawn = sorted((tmp_path / "vis").iterdir())
    assert result["drawn"] == len(drawn) == 3
    worst = json.loads(Path(result["report"]).read_text())["pictures"][0]
    assert drawn[0].name == f"0001_{Path(worst['image']).stem}.jpg"
    frame = read_image(drawn[0])
    joined = next(p for p in worst["people"] if p["truth"] and p["prediction"])
    x, y, _v = joined["truth"]["keypoints"][0]
    green = frame[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].mean((0, 1))
    assert green[1] > green[2] + 40, "a labelled joint is green"
    assert {"kind": "pictures", "path": str(tmp_path / "vis")} in listener.of("artifact")


def test_a_converted_dataset_takes_its_validation_side(tmp_path):
    document = truth(10)
    labels = labelme_folder(tmp_path / "labels", document)
    run("convert", tmp_path, input=[str(labels)], output=tmp_path / "data", to="coco", ratio=0.6)
    everything = write(
        tmp_path / "predictions.json", named(document, predictions(document), "image")
    )
    listener = Listener()
    result = run("judge", tmp_path, listener, gt=tmp_path / "data", pred=everything)
    assert result["pictures"] == 4
    assert any(
        "12 predictions of pictures on other sides" in e["message"] for e in listener.of("log")
    )
    whole = run("judge", tmp_path, gt=tmp_path / "data", pred=everything, split="all")
    assert whole["pictures"] == 10


def wrong(document: dict[str, Any], found: list[dict[str, Any]], what: str) -> Any:
    if what == "names":
        rows = named(document, found, "image")
        return [row | {"image": f"other_{row['image']}"} for row in rows]
    if what == "ids":
        return [row | {"image_id": row["image_id"] + 1000} for row in found]
    if what == "joints":
        return [row | {"keypoints": row["keypoints"][:15]} for row in found]
    if what == "numbers":
        return [row | {"keypoints": row["keypoints"][:50]} for row in found]
    if what == "category":
        return [row | {"category_id": 3} for row in found]
    if what == "no score":
        return [{k: v for k, v in row.items() if k != "score"} for row in found]
    return {"predictions": found}


@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [
        ("names", DataError, "other_p0.png, other_p1.png, other_p2.png, …"),
        ("ids", DataError, "1011, 1012, 1013"),
        ("joints", DataError, "has 5 joints"),
        ("numbers", FormatError, "holds 50 numbers"),
        ("category", DataError, "category 3"),
        ("no score", FormatError, "score"),
        ("a table", FormatError, "no list"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, what, kind, said):
    document = truth()
    gt = write(tmp_path / "gt.json", document)
    pred = write(tmp_path / "pred.json", wrong(document, predictions(document), what))
    with pytest.raises(kind, match=said) as caught:
        run("judge", tmp_path, gt=gt, pred=pred)
    assert caught.value.where
    if what == "names":
        assert "p0.png, p1.png, p2.png" in caught.value.hint
    if what == "ids":
        assert "11, 12, 13" in caught.value.hint
    assert not list(tmp_path.glob("report*"))


def test_numbers_against_labels_without_numbers(tmp_path):
    document = truth()
    gt = labelme_folder(tmp_path / "labels", document)
    pred = write(tmp_path / "pred.json", predictions(document))
    with pytest.raises(DataError) as caught:
        run("judge", tmp_path, gt=gt, pred=pred)
    assert '"image"' in caught.value.hint


def test_a_name_that_fits_two_pictures(tmp_path):
    document = truth(2)
    for image, name in zip(document["images"], ("a/x.png", "b/x.png"), strict=True):
        image["file_name"] = name
        write_image(tmp_path / name, np.full((240, 320, 3), 60, np.uint8))
    gt = write(tmp_path / "gt.json", document)
    rows = named(document, predictions(document, noise=0.0), "image")
    assert (
        run("judge", tmp_path, gt=gt, pred=write(tmp_path / "p.json", rows))["metrics"]["AP"] == 1
    )
    bare = [row | {"image": "x.png"} for row in rows]
    with pytest.raises(StudioError, match="fits several pictures"):
        run("judge", tmp_path, gt=gt, pred=write(tmp_path / "p.json", bare))


def test_on_the_command_line(tmp_path, capfd):
    document = truth()
    gt = write(tmp_path / "gt.json", document)
    pred = write(tmp_path / "pred.json", predictions(document)[2:])
    out = tmp_path / "report.json"
    words = ["evaluate", "--gt", gt, "--pred", pred, "--out", out]
    assert main([str(w) for w in words]) == 0
    said = capfd.readouterr().out
    figures = next(line for line in said.splitlines() if line.startswith("AP "))
    assert "AP50 " in figures
    assert "epoch" not in said
    assert "1 of 6 pictures have no prediction" in said
    assert json.loads(out.read_text())["metrics"]["AP"] > 0


@needs_yolo
@pytest.mark.skipif(
    not (PEOPLE.is_dir() and SHARED_WEIGHTS.is_file()), reason="the shared data is not here"
)
def test_stored_or_at_once_gives_the_same_figures(tmp_path):
    settings: dict[str, Any] = {"imgsz": "320", "precision": "f32", "conf": 0.25}
    run(
        "predict", tmp_path / "p", model=SHARED_WEIGHTS, source=PEOPLE,
        save_dir=tmp_path / "p", save_json="true", no_draw=True, **settings,
    )  # fmt: skip
    stored = run("judge", tmp_path, gt=PEOPLE, pred=tmp_path / "p", show_conf=0.25)
    at_once = run("evaluate", tmp_path, model=SHARED_WEIGHTS, data=PEOPLE, split="all", **settings)
    assert stored["pictures"] == at_once["pictures"]
    for name in NAMES:
        assert stored["metrics"][name] == pytest.approx(at_once["metrics"][name], abs=2e-3)
