"""Help with the work: pre-labels a second, joints tracked, annotations checked, swaps found."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from studio.core.annotation import AnnotatedImage, Instance, shapes_of
from studio.core.job import JobContext, JobSpec
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.datasets import load_dataset
from studio.io.skeletons import load_skeleton
from studio.io.snapshots import edit_files, revert
from studio.io.video import VideoReader
from studio.metrics.quality import inspect
from studio.metrics.usual import measures_of, usual_of
from studio.registry.jobs import job_entry, options_for
from studio.vision.synthetic import make_picture
from studio.vision.tracking import Tracker
from tests.benchmarks import SHARED, Report

FILES = 5000
PAIRS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def run(report: Report) -> None:
    """Everything that needs no window."""
    with tempfile.TemporaryDirectory(prefix="pose-studio-bench-") as text:
        folder = Path(text)
        _quality_speed(report, folder / "files")
        _many(report, folder / "files", folder / "store")
        if not SHARED.is_dir():
            report.say("The real pictures are not here: pre-labelling and tracking are left out.")
            return
        _prelabel(report, folder / "pictures")
        _tracking(report)
        _swaps(report)


def _job(name: str, folder: Path, **options: object) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    spec = JobSpec(name, {k: str(v) if isinstance(v, Path) else v for k, v in options.items()})
    context = JobContext(lambda _event: None, run_dir=folder)
    return dict(job_entry(name).load()(options_for(spec), context))


def _quality_speed(report: Report, folder: Path) -> None:
    folder.mkdir()
    skeleton = load_skeleton("coco17")
    made = [make_picture(seed, (160, 160)) for seed in range(40)]
    picture = (Path(__file__).parent / "__init__.py").read_bytes()
    for number in range(FILES):
        people = made[number % len(made)].people
        shapes = [s for n, p in enumerate(people, 1) for s in shapes_of(p, skeleton, n)]
        name = f"{number:06}.png"
        (folder / name).write_bytes(picture[:1])
        image = AnnotatedImage(name, 160, 160, tuple(shapes))
        (folder / name).with_suffix(".json").write_bytes(labelme.dumps(image))
    started = time.perf_counter()
    result = _job("quality", folder.parent / "run", source=folder)
    seconds = time.perf_counter() - started
    report.add("annotations checked", result["pictures"] / seconds, "files/s", note="3 people each")


def _many(report: Report, folder: Path, store: Path) -> None:
    pictures = sorted(folder.glob("*.png"))[:500]

    def change(_picture: Path, image: AnnotatedImage) -> AnnotatedImage:
        return replace(image, flags={**image.flags, "reviewed": True})

    started = time.perf_counter()
    snapshot = edit_files(pictures, change, store)
    seconds = time.perf_counter() - started
    report.add("an edit over 500 pictures", len(pictures) / seconds, "files/s")
    assert snapshot is not None
    started = time.perf_counter()
    revert(snapshot)
    report.add("taken back", len(pictures) / (time.perf_counter() - started), "files/s")


def _prelabel(report: Report, folder: Path) -> None:
    folder.mkdir()
    for path in sorted((SHARED / "coco_people").rglob("*.jpg"))[:60]:
        shutil.copy(path, folder)
    weights = SHARED / "weights" / "yolo11n-pose.pt"
    result = _job("prelabel", folder.parent / "prelabel", model=weights, source=folder)
    rate = result["pictures"] / result["seconds"]
    note = f"{result['people']} people, loading and writing included"
    report.add("pre-labelled (yolo11n, 640 px, torch)", rate, "pictures/s", note=note)


def _tracking(report: Report) -> None:
    video = SHARED / "video" / "group_1088x1920.mp4"
    frames = []
    for index, _time, frame in VideoReader(video):
        frames.append(frame)
        if index == 20:
            break
    from studio.runtime.predictor import Predictor

    with Predictor(SHARED / "weights" / "yolo11n-pose.pt") as predictor:
        first = predictor.predict(frames[0])[0]
    sure = first.keypoints[:, 2] > 0.6
    tracker = Tracker(frames[0], first.keypoints[sure, :2].astype(np.float64))
    started, count, kept = time.perf_counter(), 0, 0
    for frame in frames[1:]:
        found = tracker.next(frame)
        if found is None:
            break
        count, kept = count + 1, int(found.kept.sum())
    each = (time.perf_counter() - started) / max(count, 1) * 1000
    note = f"{kept} of {int(sure.sum())} joints left after {count} frames"
    report.add("joints tracked, 1088 x 1920", each, "ms a frame", note=note)


def _swaps(report: Report) -> None:
    """Pairs of real people exchanged on purpose; how many the desk finds, and how often it cries
    without need.
    """
    skeleton = load_skeleton("coco17")
    samples = load_dataset(SHARED / "coco_people").samples
    people = [p for s in samples for p in s.instances if not p.iscrowd and p.labelled]
    usual = usual_of([measures_of(p, skeleton) for p in people], skeleton)
    alarms = sum(
        finding.kind in ("swapped", "limb")
        for sample in samples
        for finding in inspect(_image(sample.instances, skeleton, sample.size), skeleton, usual)
    )
    report.add("false alarms (swapped, limb)", alarms, "findings", note=f"{len(people)} people")
    found = tried = 0
    for person in people:
        for pair in PAIRS[:4]:
            ends = [skeleton.index[f"{side}_{pair}"] for side in ("left", "right")]
            if person.labelled < 12 or not (person.keypoints[ends, 2] > 0).all():
                continue
            points = person.keypoints.copy()
            points[ends] = points[ends[::-1]]
            wrong = _image((replace(person, keypoints=points),), skeleton, (0, 0))
            tried += 1
            found += any(
                f.kind == "swapped" and f"left_{pair}" in f.joints
                for f in inspect(wrong, skeleton, usual)
            )
    report.add(
        "swapped pairs found", 100 * found / tried, "%", note=f"of {tried}, upper body, hips"
    )


def _image(
    people: tuple[Instance, ...], skeleton: Skeleton, size: tuple[int, int]
) -> AnnotatedImage:
    shapes = [s for n, p in enumerate(people, 1) for s in shapes_of(p, skeleton, n)]
    return AnnotatedImage("a.png", *size, tuple(shapes))
