"""The evaluation job: its report is whole, the window reads it, the page shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.job import JobEvent, JobSpec
from studio.gui.evaluation_report import read_report
from studio.io.datasets import load_dataset
from studio.io.images import read_image
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job
from studio.metrics.coco_ap import NAMES
from studio.metrics.evaluation import truth_of
from studio.runtime.predictor import Predictor
from tests.metrics.test_coco_ap import judged_by_pycocotools
from tests.training_runs import SHARED_WEIGHTS, make_dataset, needs_yolo, tiny_run

pytestmark = needs_yolo
PEOPLE = Path("../shared/data/labelme_people")


def evaluate(project: Path, cancel: bool = False, **options: Any) -> tuple[JobOutcome, list]:
    events: list[JobEvent] = []
    control = RemoteControl()

    def listen(event: JobEvent) -> None:
        events.append(event)
        if cancel and event.event == "progress" and event.data.get("done") == 2:
            control.cancel()

    values = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    return run_job(JobSpec("evaluate", values, project=project), listen, control), events


def test_a_report_that_the_window_reads(tmp_path):
    run = tiny_run()
    outcome, events = evaluate(tmp_path, model=run.run_dir, data=run.data)
    assert outcome.status == "ok", outcome.error
    report = Path(outcome.result["report"])
    assert report == tmp_path / "runs" / "evaluate" / "1" / "report.json"
    read = read_report(report)
    assert (read.picture_count, read.people_count) == (4, 4)
    assert read.metric_names() == NAMES
    assert len(read.joints) == 17
    assert read.model == run.best
    assert read.precision == "fp32"
    assert set(read.precision_recall) == {"0.50", "0.75", "0.50:0.95"}
    assert len(read.pck) == 18
    assert len(read.pictures) == 4
    assert read.skeleton is not None
    assert read.skeleton.name == "coco17"
    for row in read.pictures:
        assert row.image.is_file()
        assert sum(m.truth is not None for m in row.people) == 1
    page = Path(outcome.result["html"]).read_text()
    assert page.count("<figure>") == 4
    drawn = sorted((report.parent / "report_files").iterdir())
    assert [p.name for p in drawn] == ["01.jpg", "02.jpg", "03.jpg", "04.jpg"]
    assert read_image(drawn[0]).shape == (360, 360, 3), "enlarged so that lines do not cover it"
    kinds = [e.data["kind"] for e in events if e.event == "artifact"]
    assert kinds == ["report", "page"]


def test_the_report_goes_where_it_is_asked_for(tmp_path):
    run = tiny_run()
    for out, made in (("a/b.json", "a/b.json"), ("folder", "folder/report.json")):
        outcome, _ = evaluate(
            tmp_path, model=run.best, data=run.data, out=tmp_path / out, split="all", pictures=3
        )
        assert outcome.result["report"] == str(tmp_path / made)
        assert len(json.loads((tmp_path / made).read_text())["pictures"]) == 3
        assert outcome.result["pictures"] == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, 'no pictures in its split "test"'),
        ({"data": Path("nowhere")}, "not"),
        ({"model": Path("nowhere.pt")}, "no such model"),
    ],
)
def test_what_cannot_be_judged(tmp_path, options, message):
    run = tiny_run()
    outcome, _ = evaluate(tmp_path, **{"model": run.best, "data": run.data, **options})
    assert outcome.error is not None
    assert message in outcome.error["message"]


def test_labels_of_another_skeleton(tmp_path):
    data = make_dataset(tmp_path / "data", joints=5)
    (data / "pose.yaml").write_text(
        "train: images/train\nval: images/val\nnames: {0: person}\nkpt_shape: [5, 3]\n"
    )
    outcome, _ = evaluate(tmp_path, model=tiny_run().best, data=data)
    assert outcome.error is not None
    assert "The model finds 17 joints" in outcome.error["message"]


def test_cancel(tmp_path):
    run = tiny_run()
    outcome, _ = evaluate(tmp_path, cancel=True, model=run.best, data=run.data)
    assert outcome.status == "cancelled"
    assert not list((tmp_path / "runs").rglob("report*"))


@pytest.mark.skipif(
    not (PEOPLE.is_dir() and SHARED_WEIGHTS.is_file()), reason="the shared data is not here"
)
def test_real_pictures_equal_pycocotools(tmp_path):
    outcome, _ = evaluate(
        tmp_path, model=SHARED_WEIGHTS, data=PEOPLE, split="all", imgsz=[320], precision="f32"
    )
    assert outcome.status == "ok", outcome.error
    dataset = load_dataset(PEOPLE)
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}  # fmt: skip
    results = []
    with Predictor(SHARED_WEIGHTS, conf=0.001, iou=0.7, imgsz=320, precision="f32") as predictor:
        for number, sample in enumerate(dataset.split("all"), 1):
            truth["images"].append({"id": number})
            for annotation in truth_of(sample, dataset.skeleton):
                annotation |= {"id": len(truth["annotations"]) + 1, "image_id": number}
                truth["annotations"].append(annotation)
            results += [
                {
                    "image_id": number,
                    "category_id": 1,
                    "score": float(p.score),
                    "keypoints": p.keypoints.astype(np.float64).ravel().tolist(),
                }
                for p in predictor.predict(read_image(sample.image))
            ]
    judge = judged_by_pycocotools(truth, results, dataset.skeleton.oks_sigmas)
    assert np.allclose([outcome.result["metrics"][n] for n in NAMES], judge.stats, atol=1e-9)
    assert outcome.result["metrics"]["AP50"] > 0.4
