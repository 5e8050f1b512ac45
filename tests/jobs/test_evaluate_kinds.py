"""The evaluation of every other kind of model: joints in boxes, clips, heads; by real networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.core.job import JobEvent, JobSpec
from studio.gui.evaluation_report import CLIPS, HEADS, read_report
from studio.io.datasets import load_dataset
from studio.io.images import read_image
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job
from studio.registry import find
from tests.training_runs import needs_yolo, tiny_run

WEIGHTS = Path("../shared/data/weights/6DRepNet360.onnx")
FACES = Path("../shared/data/headpose/AFLW2000")


def evaluate(project: Path, **options: Any) -> tuple[JobOutcome, list[JobEvent]]:
    events: list[JobEvent] = []
    values = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    spec = JobSpec("evaluate", values, project=project)
    return run_job(spec, events.append, RemoteControl()), events


@pytest.mark.skipif(
    not (WEIGHTS.is_file() and FACES.is_dir()), reason="the shared faces and weights are not here"
)
def test_published_faces_give_the_published_angles(tmp_path):
    pytest.importorskip("onnxruntime")
    outcome, _ = evaluate(tmp_path, model=WEIGHTS, data=FACES, split="all", precision="f32")
    assert outcome.status == "ok", outcome.error
    metrics = outcome.result["metrics"]
    for angle, known in (("pitch", 2.85), ("yaw", 4.46), ("roll", 0.91)):
        assert metrics[f"official-MAE-{angle}"] == pytest.approx(known, abs=0.3)
    report = read_report(Path(outcome.result["report"]))
    assert (report.kind, report.people_count) == (HEADS, 8)
    assert report.pictures[0].likeness == pytest.approx(
        max(p.likeness for p in report.pictures), abs=1e-9
    )
    assert sum(report.angles["yaw"].count) == 8
    page = Path(outcome.result["html"]).read_text()
    assert "Error against the true angle" in page
    assert len(list((Path(outcome.result["report"]).parent / "report_files").iterdir())) == 8


class TestJointsInBoxes:
    """A FastPose of one epoch, on pictures of one figure each."""

    @pytest.fixture
    def model(self) -> Path:
        pytest.importorskip("torch")
        pytest.importorskip("timm")
        from tests.plugins.fastpose.folk import trained

        return trained().weights

    @pytest.fixture
    def data(self) -> Path:
        pytest.importorskip("torch")
        pytest.importorskip("timm")
        from tests.plugins.fastpose.folk import dots

        return dots()

    def test_in_the_labels_own_boxes(self, tmp_path, model, data):
        outcome, _ = evaluate(tmp_path, model=model, data=data, precision="f32", show_conf=0.0)
        assert outcome.status == "ok", outcome.error
        report = json.loads(Path(outcome.result["report"]).read_text())
        assert report["kind"] == "pose"
        assert report["settings"]["boxes"] == "gt"
        assert report["settings"]["flip_test"] is True
        assert report["dataset"]["people"] == 4
        # Every labelled person is looked at: nobody can be missed and nobody is too many.
        for picture in report["pictures"]:
            assert len([p for p in picture["people"] if p["prediction"]]) == 1

    def test_a_file_of_boxes_equals_the_labels_where_it_holds_them(self, tmp_path, model, data):
        own, _ = evaluate(tmp_path, model=model, data=data, precision="f32")
        samples = load_dataset(data).split("val")
        records = [
            {"image_id": s.image_id, "bbox": list(map(float, p.tight_box())), "score": 1.0}
            for s in samples
            for p in s.instances
        ]
        named = [{**r, "image": s.image.name} for r, s in zip(records, samples, strict=True)]
        for boxes in (records, named):
            path = tmp_path / "boxes.json"
            path.write_text(json.dumps(boxes))
            stored, _ = evaluate(tmp_path, model=model, data=data, precision="f32", boxes=path)
            assert stored.status == "ok", stored.error
            assert stored.result["metrics"] == pytest.approx(own.result["metrics"], abs=1e-6)

    def test_half_of_the_boxes_find_at_most_half_of_the_people(self, tmp_path, model, data):
        samples = load_dataset(data).split("val")
        records = [
            {"image": s.image.name, "bbox": list(map(float, p.tight_box())), "score": 1.0 - 0.6 * (i % 2)}
            for i, s in enumerate(samples)
            for p in s.instances
        ]  # fmt: skip
        path = tmp_path / "boxes.json"
        path.write_text(json.dumps(records))
        outcome, _ = evaluate(
            tmp_path, model=model, data=data, boxes=path, detector_conf=0.5, show_conf=0.0
        )
        report = json.loads(Path(outcome.result["report"]).read_text())
        assert sum(p["missed"] for p in report["pictures"]) >= 2

    @needs_yolo
    def test_in_a_detectors_boxes(self, tmp_path, model, data):
        outcome, _ = evaluate(
            tmp_path, model=model, data=data, boxes="detector", detector=tiny_run().best,
            detector_conf=0.0001,
        )  # fmt: skip
        assert outcome.status == "ok", outcome.error
        report = json.loads(Path(outcome.result["report"]).read_text())
        assert report["settings"]["detector"].endswith("best.pt")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"boxes": "detector"}, "needs --detector"),
            ({"boxes": "nowhere.json"}, "nowhere.json"),
        ],
    )
    def test_boxes_that_are_not_there(self, tmp_path, model, data, options, message):
        outcome, _ = evaluate(tmp_path, model=model, data=data, **options)
        assert outcome.error is not None
        assert message in outcome.error["message"] + outcome.error["where"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ({}, "no list of detections"),
            ([{"image_id": 1, "bbox": [1, 2, 3]}], "A record is no detection"),
            ([{"image_id": 1, "bbox": [1, 2, -3, 4]}], "A record is no detection"),
            ([{"image": "else.jpg", "bbox": [1, 2, 3, 4]}], "None of these detections"),
        ],
    )
    def test_a_file_that_holds_no_boxes(self, tmp_path, model, data, content, message):
        path = tmp_path / "boxes.json"
        path.write_text(json.dumps(content))
        outcome, _ = evaluate(tmp_path, model=model, data=data, boxes=path)
        assert outcome.error is not None
        assert message in outcome.error["message"]

    def test_a_detector_that_finds_nobody_of_itself(self, tmp_path, model, data):
        outcome, _ = evaluate(tmp_path, model=model, data=data, boxes="detector", detector=model)
        assert outcome.error is not None
        assert "finds no people" in outcome.error["message"] or "detector" in str(outcome.error)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A KPNet of one epoch, and the clips of a disc and a square that it saw."""
    for needed in ("torch", "timm", "segmentation_models_pytorch", "trackeval"):
        pytest.importorskip(needed)
    from tests.plugins.kpnet_clips import make_set
    from tests.training_runs import Remote, context_of

    root = tmp_path_factory.mktemp("clips")
    data = make_set(root / "data", masks=False)
    family = find("family", "kpnet")
    values = {"data": str(data), "backbone": "convnext_atto", "width": 16, "image_size": "48,64",
              "heatmap_size": "24,32", "epochs": 1, "batch": 4, "device": "cpu"}  # fmt: skip
    options = family.options_class().from_mapping(values).validated()
    artifact = family.load().train(options, context_of(root / "run", Remote()))
    return artifact.weights, data


def test_clips_are_judged_as_their_stored_tracks_are(tmp_path, clips):
    from studio.io.keypoint_rows import Row, rows_text
    from studio.io.video_keypoints import read_video_set
    from studio.runtime.artifacts import load_artifact
    from studio.runtime.clips import ClipPredictor, joints_of

    model, data = clips
    outcome, _ = evaluate(tmp_path, model=model, data=data, show_conf=0.0, precision="f32")
    assert outcome.status == "ok", outcome.error
    report = read_report(Path(outcome.result["report"]))
    assert report.kind == CLIPS
    assert (report.picture_count, report.people_count) == (5, 10)
    assert list(report.hota) == ["", "disc", "square"]
    assert [j.name for j in report.joints] == ["middle", "top", "corner"]
    assert all(p.image.is_file() for p in report.pictures)
    artifact = load_artifact(model)
    pred = tmp_path / "pred"
    pred.mkdir()
    for video in read_video_set(data, "val").videos:
        rows = []
        with ClipPredictor(artifact, conf=0.0, precision="f32") as predictor:
            for number, picture in video.frames:
                assert picture is not None
                rows += [
                    Row(number, p.track_id, p.category_id, joints_of(artifact, p))
                    for p in predictor.predict(read_image(picture))
                ]
        (pred / f"{video.name}.txt").write_text(rows_text(rows))
    spec = JobSpec("judge", {"gt": str(data), "pred": str(pred)}, project=tmp_path)
    stored = run_job(spec, lambda _: None, RemoteControl())
    assert stored.status == "ok", stored.error
    assert stored.result["metrics"] == pytest.approx(outcome.result["metrics"], abs=1e-3)


def test_a_clip_model_on_pictures_of_people_says_what_it_needs(tmp_path, clips):
    from tests.training_runs import make_dataset

    outcome, _ = evaluate(tmp_path, model=clips[0], data=make_dataset(tmp_path / "data"))
    assert outcome.error is not None
    assert "no video keypoint set" in outcome.error["message"]
