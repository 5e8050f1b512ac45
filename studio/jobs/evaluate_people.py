"""People judged by OKS: a model that finds them itself, or one that looks into boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import Sample
from studio.core.errors import DataError, FormatError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.requests.evaluate import DETECTOR, GT, EvaluateOptions
from studio.core.skeleton import Skeleton
from studio.io.datasets import load_dataset
from studio.io.files import read_json
from studio.io.skeletons import load_skeleton
from studio.jobs.evaluate import Judged, model_of
from studio.jobs.evaluate_page import people_drawn
from studio.jobs.report_values import POSE, pose_values
from studio.metrics.evaluation import Evaluation, Find, evaluate
from studio.runtime.predictor import Predictor, predictor_for
from studio.runtime.two_stage import detector_artifact

Picture = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
Boxes = tuple[FloatArray, FloatArray]
"""(n, 4) x1, y1, x2, y2 in pixels of the picture, and (n,) scores."""
BoxesOf = Callable[[Picture, Sample], Boxes]


def judge_people(artifact: ModelArtifact, options: EvaluateOptions, context: JobContext) -> Judged:
    """Raises ModelError, DataError, FileProblem, UsageError."""
    wanted = load_skeleton(options.skeleton, context.project) if options.skeleton else None
    dataset = load_dataset(options.data, wanted)
    samples = dataset.split(options.split)
    check_skeleton(artifact, dataset.skeleton, options.data)

    def progress(done: int, total: int) -> None:
        context.check()
        context.progress("judge", done, total)

    settings: dict[str, Any] = {
        "show_conf": options.show_conf,
        "precision": options.precision,
        "device": options.device,
    }
    way = _people if artifact.task == "pose" else _in_boxes
    with way(artifact, options, samples) as (find, more):
        judged = evaluate(
            samples, dataset.skeleton, find, show_conf=options.show_conf, progress=progress
        )
    values = pose_values(
        judged,
        dataset.skeleton,
        model=model_of(artifact),
        settings={**settings, **more},
        pictures=options.pictures,
    )
    values["dataset"] = people_dataset(
        judged, options.data, options.split, content_hash=dataset.content_hash
    )
    drawn = people_drawn(judged.pictures, dataset.skeleton, POSE)
    return Judged(values, drawn, judged.problems)


def people_dataset(
    judged: Evaluation, data: Path, split: str, *, content_hash: str
) -> dict[str, Any]:
    """The report's "dataset"."""
    return {
        "path": str(data.absolute()),
        "split": split,
        "pictures": len(judged.pictures),
        "people": judged.people,
        "content_hash": content_hash,
    }


def check_skeleton(artifact: ModelArtifact, skeleton: Skeleton, data: Path) -> None:
    """Raises DataError where model and labels do not have the same number of joints."""
    if len(artifact.skeleton) != len(skeleton):
        raise DataError(
            f"The model finds {len(artifact.skeleton)} joints, the dataset's skeleton "
            f"{skeleton.name} has {len(skeleton)}.",
            where=data,
            hint="Choose a dataset with the skeleton that the model was trained on.",
        )


@contextmanager
def _people(
    artifact: ModelArtifact, options: EvaluateOptions, _: Sequence[Sample]
) -> Iterator[tuple[Find, dict[str, Any]]]:
    with predictor_for(options, artifact) as predictor:
        settings = {"conf": options.conf, "iou": options.iou, "imgsz": list(predictor.size)}
        yield lambda frame, _: predictor.predict(frame), settings


@contextmanager
def _in_boxes(
    artifact: ModelArtifact, options: EvaluateOptions, samples: Sequence[Sample]
) -> Iterator[tuple[Find, dict[str, Any]]]:
    from studio.runtime.topdown import TopDown, without_doubles

    sigmas = artifact.skeleton.oks_sigmas

    looks = TopDown(
        artifact,
        device=options.device,
        precision=options.precision,
        flip_test=options.flip_test,
    )
    settings: dict[str, Any] = {
        "boxes": options.boxes if options.boxes in (GT, DETECTOR) else str(Path(options.boxes)),
        "detector": str(options.detector) if options.detector and options.boxes == DETECTOR else "",
        "flip_test": options.flip_test,
        "imgsz": list(artifact.input.size),
    }
    try:
        with _boxes(options, samples) as boxes_of:

            def find(frame: Picture, sample: Sample) -> tuple[Prediction, ...]:
                boxes, scores = boxes_of(frame, sample)
                people = looks.predict(frame, boxes, scores) if len(boxes) else ()
                # Of a labelled box nobody is left out: each is somebody else.
                return people if options.boxes == GT else without_doubles(people, sigmas)

            yield find, settings
    finally:
        looks.close()


@contextmanager
def _boxes(options: EvaluateOptions, samples: Sequence[Sample]) -> Iterator[BoxesOf]:
    if options.boxes == GT:
        yield labelled_boxes
        return
    if options.boxes != DETECTOR:
        stored = read_boxes(Path(options.boxes), samples, options.detector_conf)
        yield lambda _, sample: stored.get(sample.image_id, _none())
        return
    assert options.detector is not None
    detector = detector_artifact(options.detector)
    with Predictor(
        detector,
        conf=options.detector_conf,
        iou=options.iou,
        device=options.device,
        precision=options.precision,
    ) as predictor:

        def found(frame: Picture, _: Sample) -> Boxes:
            people = predictor.predict(frame)
            if not people:
                return _none()
            scores = np.array([p.score for p in people], np.float32)
            return np.stack([p.box for p in people]), scores

        yield found


def labelled_boxes(_: Picture, sample: Sample) -> Boxes:
    """Of everybody who is asked for: no crowd, and at least one labelled joint. Scores are 1."""
    found = sample.people_boxes()
    return found, np.ones(len(found), np.float32)


def read_boxes(path: Path, samples: Sequence[Sample], least: float) -> dict[int, Boxes]:
    """COCO detections by `Sample.image_id`: [{"image_id" or "image", "bbox" x y w h, "score"}].

    Those of other pictures and below `least` are left out. Raises FileProblem, FormatError, and
    DataError where none is of these pictures.
    """
    data = read_json(path)
    if not isinstance(data, list):
        raise FormatError("This is no list of detections.", where=path)
    ids = {s.image_id for s in samples}
    names = {s.image.name: s.image_id for s in samples}
    found: dict[int, list[tuple[list[float], float]]] = {}
    for position, record in enumerate(data, 1):
        picture, box, score = _detection(record, f"{path}, record {position}")
        known = names.get(Path(picture).name) if isinstance(picture, str) else picture
        if known in ids and score >= least:
            found.setdefault(int(known), []).append((box, score))
    if not found:
        raise DataError(
            "None of these detections is of a picture of the dataset.",
            where=path,
            hint='They are told by "image_id", or by the file\'s name as "image".',
        )
    out: dict[int, Boxes] = {}
    for image_id, rows in found.items():
        boxes = np.array([b for b, _ in rows], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        out[image_id] = boxes, np.array([s for _, s in rows], np.float32)
    return out


def _detection(record: Any, where: str) -> tuple[str | int, list[float], float]:
    try:
        if not isinstance(record, Mapping):
            raise TypeError(record)
        picture = record.get("image", record.get("file_name", record.get("image_id")))
        box = [float(v) for v in record["bbox"]]
        score = float(record.get("score", 1.0))
        if len(box) != 4 or not np.isfinite([*box, score]).all() or min(box[2:]) <= 0:
            raise ValueError(box)
        if isinstance(picture, bool) or not isinstance(picture, str | int):
            raise TypeError(picture)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"A record is no detection: {error!r}.",
            where=where,
            hint='Each is {"image_id", "bbox": [x, y, width, height], "score"}.',
        ) from error
    return picture, box, score


def _none() -> Boxes:
    return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
