"""`report.json` of an evaluation as values that tables, plots and pictures can show; no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError, StudioError
from studio.core.skeleton import Skeleton
from studio.metrics.names import in_order

FloatArray = npt.NDArray[np.float64]

# What was judged: people by OKS, clips by HOTA-KP, heads by their angles.
POSE, CLIPS, HEADS = "pose", "clips", "heads"
# What the likeness of truth and prediction is called in each kind's pictures.
SCORES = {POSE: "oks", CLIPS: "similarity", HEADS: "geodesic"}
Curves = Mapping[str, tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class JointRow:
    """One joint over all matched people. error_px: mean distance in pixels; error_rel: the
    same over the square root of the person's area; pck: share within the report's threshold.
    """

    name: str
    count: int
    error_px: float
    error_rel: float
    pck: float


@dataclass(frozen=True, eq=False)
class Match:
    """One person or head: what stands in the label and what the model said, either may be missing.

    truth: (K, 3) x, y, v; predicted: (K, 3) x, y, score; likeness: OKS, similarity or degrees off,
    NaN where there is no pair. angles: (2, 3) true and found yaw, pitch, roll of a head.
    """

    likeness: float
    truth: FloatArray | None
    predicted: FloatArray | None
    score: float
    angles: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class PictureRow:
    """One judged picture. `likeness`: the mean over its people, a missed one counting 0; of a
    head the degrees that it is off.
    """

    image: Path
    likeness: float
    missed: int
    false: int
    people: tuple[Match, ...]


@dataclass(frozen=True, eq=False)
class AngleRow:
    """Errors of one angle against its true value: (B + 1,) edges in degrees, (B,) counts, mean
    error of the angle and geodesic error; NaN where no head is.
    """

    edges: FloatArray
    count: FloatArray
    error: FloatArray
    geodesic: FloatArray


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """A whole report. Curves are name to (x, y) arrays. hota: by class, "" for the mean over the
    classes, trackeval's names over alpha. angles: by "yaw", "pitch", "roll". within: degrees and
    the share of heads that are no more off.
    """

    path: Path
    model: Path
    family: str
    precision: str
    dataset: str
    split: str
    picture_count: int
    people_count: int
    metrics: Mapping[str, float]
    joints: tuple[JointRow, ...]
    precision_recall: Mapping[str, tuple[FloatArray, FloatArray]]
    pck: Mapping[str, tuple[FloatArray, FloatArray]]
    pictures: tuple[PictureRow, ...]
    skeleton: Skeleton | None
    milliseconds: float = float("nan")
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: str = POSE
    hota: Mapping[str, Curves] = field(default_factory=dict)
    angles: Mapping[str, AngleRow] = field(default_factory=dict)
    within: tuple[FloatArray, FloatArray] | None = None

    @property
    def title(self) -> str:
        """The model's own folder and the data it was judged on."""
        return f"{model_name(self.model)} · {Path(self.dataset).name}"

    def metric_names(self) -> tuple[str, ...]:
        """Known figures first, in their usual order, then whatever else is there."""
        return in_order(self.metrics)


def model_name(weights: Path) -> str:
    """What a person calls a model: its run, its export's folder, or the file's own name."""
    if weights.stem in ("best", "last", "model"):
        folder = weights.parent
        return folder.parent.name if folder.name == "weights" else folder.name
    return weights.stem if weights.suffix else weights.name


def read_report(path: Path) -> EvaluationReport:
    """Raises FormatError where the file is not a report, FileProblem where it cannot be read."""
    from studio.io.files import read_json

    data = read_json(path)
    try:
        return _report(data, path)
    except (KeyError, TypeError, ValueError, AttributeError, StudioError) as error:
        raise FormatError(
            f"This is not an evaluation report: {error!r}.",
            where=path,
            hint="Evaluate the model again.",
        ) from error


def _report(data: Mapping[str, Any], path: Path) -> EvaluationReport:
    model, dataset = data["model"], data["dataset"]
    skeleton = data.get("skeleton")
    kind = str(data.get("kind", POSE))
    score = SCORES[kind]
    return EvaluationReport(
        path=path,
        model=Path(str(model["path"])),
        family=str(model.get("family", "")),
        precision=str(model.get("precision", "")),
        dataset=str(dataset["path"]),
        split=str(dataset.get("split", "")),
        picture_count=int(dataset.get("pictures", 0)),
        people_count=int(dataset.get("people", 0)),
        metrics={str(k): number(v) for k, v in data["metrics"].items()},
        joints=tuple(_joint(row) for row in data.get("joints", ())),
        precision_recall=_curves(data.get("precision_recall", {}), "recall"),
        pck=_pck(data.get("pck", {})),
        pictures=tuple(_picture(row, score) for row in data.get("pictures", ())),
        skeleton=Skeleton.from_mapping(skeleton) if skeleton else None,
        milliseconds=number(data.get("speed", {}).get("ms_per_picture")),
        settings=data.get("settings", {}),
        kind=kind,
        hota=_hota(data.get("hota", {})),
        angles={str(k): _angle_row(v) for k, v in data.get("angles", {}).items()},
        within=_within(data.get("within", {})),
    )


def _joint(row: Mapping[str, Any]) -> JointRow:
    return JointRow(
        name=str(row["name"]),
        count=int(row.get("count", 0)),
        error_px=number(row.get("error_px")),
        error_rel=number(row.get("error_rel")),
        pck=number(row.get("pck")),
    )


def _curves(data: Mapping[str, Any], x_name: str) -> dict[str, tuple[FloatArray, FloatArray]]:
    if not data:
        return {}
    x = _column(data[x_name])
    return {str(k): (x, _column(v)) for k, v in data.items() if k != x_name and len(v) == len(x)}


def _pck(data: Mapping[str, Any]) -> dict[str, tuple[FloatArray, FloatArray]]:
    flat = {k: v for k, v in data.items() if k in ("thresholds", "all")}
    return _curves({**flat, **data.get("joints", {})}, "thresholds") if flat else {}


def _hota(data: Mapping[str, Any]) -> dict[str, Curves]:
    if not data:
        return {}
    alphas = _column(data["alphas"])
    rows = {"": data["all"], **data.get("classes", {})}
    return {
        str(name): {str(k): (alphas, _column(v)) for k, v in curves.items()}
        for name, curves in rows.items()
    }


def _angle_row(data: Mapping[str, Any]) -> AngleRow:
    return AngleRow(*(_column(data[k]) for k in ("edges", "count", "error", "geodesic")))


def _within(data: Mapping[str, Any]) -> tuple[FloatArray, FloatArray] | None:
    return (_column(data["degrees"]), _column(data["share"])) if data else None


def _picture(row: Mapping[str, Any], score: str) -> PictureRow:
    return PictureRow(
        image=Path(str(row["image"])),
        likeness=number(row.get(score)),
        missed=int(row.get("missed", 0)),
        false=int(row.get("false", 0)),
        people=tuple(_match(person, score) for person in row.get("people", ())),
    )


def _match(person: Mapping[str, Any], score: str) -> Match:
    truth, predicted = person.get("truth"), person.get("prediction")
    return Match(
        likeness=number(person.get(score)),
        truth=_keypoints(truth),
        predicted=_keypoints(predicted),
        score=number(predicted.get("score")) if predicted else float("nan"),
        angles=_head_angles(truth, predicted),
    )


def _head_angles(
    truth: Mapping[str, Any] | None, predicted: Mapping[str, Any] | None
) -> FloatArray | None:
    if not truth or not predicted or "yaw" not in truth:
        return None
    return np.array(
        [[number(side[a]) for a in ("yaw", "pitch", "roll")] for side in (truth, predicted)]
    )


def _keypoints(person: Mapping[str, Any] | None) -> FloatArray | None:
    if not person:
        return None
    return np.asarray(person["keypoints"], dtype=np.float64).reshape(-1, 3)


def _column(values: Sequence[Any]) -> FloatArray:
    return np.array([number(v) for v in values], dtype=np.float64)


def number(value: Any) -> float:
    """A float; NaN for None and COCO's -1, which both mean "there was nothing to judge"."""
    if value is None or value == -1:
        return float("nan")
    return float(value)
