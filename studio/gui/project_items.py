"""What a project holds, as short values for lists and pickers: datasets, runs, models, reports.

Only small files are read whole (`dataset.json`, `model.json`, `spec.json`); of an event stream,
which may be long, only the beginning and the end.
"""

from __future__ import annotations

import glob
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import RESOURCES
from studio.core.artifact import MODEL_JSON
from studio.core.errors import StudioError

DATASET_JSON = "dataset.json"
EVENTS = "events.jsonl"
SPEC = "spec.json"
CONFIG = "config.toml"
REPORT = "report.json"
TAIL_BYTES = 65_536


@dataclass(frozen=True)
class DatasetItem:
    """One converted dataset. `counts`: pictures by split."""

    folder: Path
    name: str
    skeleton: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    created: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def pictures(self) -> int:
        """How many pictures in all splits."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class RunItem:
    """One training run's folder. status: "ok", "failed", "cancelled" or "crashed" (which is
    also what a run that still goes on looks like from its files).
    """

    folder: Path
    family: str
    name: str
    status: str
    started: float = 0.0
    ended: float = 0.0
    dataset: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    model: Path | None = None

    @property
    def duration(self) -> float:
        """Seconds from the first to the last event."""
        return max(0.0, self.ended - self.started)


@dataclass(frozen=True)
class ModelItem:
    """One runnable model: the folder of its `model.json`, or a bare weights file.

    origin: "run", "export" or "sample". weights: the file that `model.json` names, if it is there.
    task: "pose", "keypoints" or "head-pose", as `model.json` says.
    """

    path: Path
    title: str
    origin: str
    family: str = ""
    precision: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    weights: Path | None = None
    task: str = ""


def datasets(project: Path) -> list[DatasetItem]:
    """All datasets of a project, the newest first."""
    found = [_dataset(path) for path in (project / "datasets").glob(f"*/{DATASET_JSON}")]
    return sorted((d for d in found if d), key=lambda d: (d.created, d.name), reverse=True)


def dataset_at(folder: Path) -> DatasetItem | None:
    """The dataset in `folder`, None where it is another folder of pictures."""
    path = folder / DATASET_JSON
    return _dataset(path) if path.is_file() else None


def dataset_folders(project: Path, marks: Sequence[str] = ()) -> list[Path]:
    """Folders of the project's datasets, the newest first; nothing is read, so it costs no time
    even where a dataset holds a hundred thousand pictures. marks: only those that hold a file or
    folder of one of these names.
    """
    files = (project / "datasets").glob(f"*/{DATASET_JSON}")
    found = [path.parent for path in sorted(files, key=_modified, reverse=True)]
    return [f for f in found if not marks or any((f / mark).exists() for mark in marks)]


def runs(project: Path) -> list[RunItem]:
    """All training runs of a project, the newest first."""
    root = project / "runs"
    places = {p.parent for name in (EVENTS, MODEL_JSON) for p in root.glob(f"*/*/{name}")}
    found = [_run(folder) for folder in places]
    return sorted((r for r in found if r), key=lambda r: (r.started, r.name), reverse=True)


def models(project: Path | None) -> list[ModelItem]:
    """Trained models, exported ones, then those that come with the studio."""
    places: list[tuple[Path, str]] = [(RESOURCES / "sample", "sample")]
    if project is not None:
        places = [(project / "runs", "run"), (project / "exports", "export"), *places]
    found: list[ModelItem] = []
    for root, origin in places:
        files = sorted(_model_files(root), key=_modified, reverse=True)
        found += [item for path in files if (item := _model(path, root, origin)) is not None]
    return found


def reports(project: Path) -> list[Path]:
    """All evaluation reports of a project, the newest first."""
    found = {
        path
        for pattern in (
            "runs/*/*/report/**",
            "exports/*/report/**",
            "reports/**",
            "runs/evaluate/*",
        )
        for path in project.glob(f"{pattern}/{REPORT}")
    }
    return sorted(found, key=_modified, reverse=True)


def runs_of_dataset(project: Path, dataset: Path) -> list[RunItem]:
    """The training runs that used a dataset."""
    wanted = dataset.resolve()
    return [r for r in runs(project) if r.dataset and _inside(Path(r.dataset), wanted, project)]


def source_picture(place: Path) -> Path:
    """The person's own picture behind a picture, a label or an annotation file.

    A dataset's copies and labels lead back to what they were made from (`dataset.json` says), an
    annotation file to the picture beside it; a line number at the end (`a.json:7`) is left out.
    Any other path is its own.
    """
    place = Path(re.sub(r":\d+$", "", str(place)))
    for folder in list(place.parents)[:6]:
        if (folder / DATASET_JSON).is_file():
            return _source_in(folder, place) or place
    if place.suffix.lower() != ".json":
        return place
    from studio.io.files import IMAGE_SUFFIXES

    beside = sorted(place.parent.glob(f"{glob.escape(place.stem)}.*"))
    return next((p for p in beside if p.suffix.lower() in IMAGE_SUFFIXES), place)


def _source_in(dataset: Path, place: Path) -> Path | None:
    pictures = (_read(dataset / DATASET_JSON) or {}).get("pictures")
    if not isinstance(pictures, Mapping):
        return None
    for name, picture in pictures.items():
        if place.name == name or place.stem == Path(str(name)).stem:
            source = Path(str(picture.get("source", ""))) if isinstance(picture, Mapping) else None
            if source is not None and source.is_file():
                return source
    return None


def free_name(folder: Path, wanted: str) -> str:
    """`wanted`, or `wanted-2`, `-3`, ... where that is taken in `folder`."""
    name, number = wanted, 2
    while (folder / name).exists():
        name, number = f"{wanted}-{number}", number + 1
    return name


def _inside(path: Path, folder: Path, project: Path) -> bool:
    whole = (path if path.is_absolute() else project / path).resolve()
    return whole == folder or folder in whole.parents


def _model_files(root: Path) -> Iterator[Path]:
    for depth in ("*", "*/*", "*/*/*"):
        yield from root.glob(f"{depth}/{MODEL_JSON}")


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> Mapping[str, Any] | None:
    """A JSON table; None for a file that is none, which its own page then reports."""
    from studio.io.files import read_json

    try:
        data = read_json(path)
    except StudioError:
        return None
    return data if isinstance(data, Mapping) else None


def _dataset(path: Path) -> DatasetItem | None:
    data = _read(path)
    if data is None:
        return None
    counts = data.get("counts")
    skeleton = data.get("skeleton", "")
    return DatasetItem(
        folder=path.parent,
        name=str(data.get("name") or path.parent.name),
        skeleton=str(skeleton.get("name", "") if isinstance(skeleton, Mapping) else skeleton),
        counts=_split_counts(counts, data),
        created=str(data.get("created", "")),
        data=data,
    )


def _split_counts(counts: Any, data: Mapping[str, Any]) -> dict[str, int]:
    if isinstance(counts, Mapping):
        return {k: int(v) for k, v in counts.items() if isinstance(v, int) and k in SPLITS}
    split = data.get("split")
    sides = list(split.values()) if isinstance(split, Mapping) else []
    return {name: sides.count(name) for name in SPLITS if name in sides}


SPLITS = ("train", "val", "test")


def _run(folder: Path) -> RunItem | None:
    head, tail = _ends(folder / EVENTS)
    if not head:
        return _silent_run(folder)
    if head[0].get("job") not in (None, "train"):
        return None
    finished = ""
    for event in tail:
        if event.get("event") == "started":
            finished = ""
        elif event.get("event") == "finished":
            finished = str(event.get("status", "ok"))
    spec = _read(folder / SPEC) or {}
    options = spec.get("options", {})
    model = next((p.parent for p in _run_models(folder)), None)
    described = _read(model / MODEL_JSON) if model else None
    last = tail[-1] if tail else head[-1]
    return RunItem(
        folder=folder,
        family=folder.parent.name,
        name=folder.name,
        status=finished or "crashed",
        started=float(head[0].get("t", 0.0)),
        ended=float(last.get("t", 0.0)),
        dataset=str(options.get("data") or options.get("dataset_root") or ""),
        metrics=_numbers((described or {}).get("metrics")),
        model=model,
    )


def _silent_run(folder: Path) -> RunItem | None:
    """A run without a stream, such as the demonstration's: what its model says of it."""
    model = next((p for p in _run_models(folder)), None)
    data = _read(model) if model else None
    if model is None or data is None:
        return None
    ended = _modified(model)
    return RunItem(
        folder, folder.parent.name, folder.name, "ok", ended, ended, _data_of(folder / CONFIG),
        metrics=_numbers(data.get("metrics")), model=model.parent,
    )  # fmt: skip


def _data_of(config: Path) -> str:
    """The dataset that a run's `config.toml` names."""
    try:
        options = tomllib.loads(config.read_text(encoding="utf-8")).get("options")
    except (OSError, ValueError):
        return ""
    if not isinstance(options, Mapping):
        return ""
    return str(options.get("data") or options.get("dataset_root") or "")


def _run_models(folder: Path) -> list[Path]:
    return [p for p in (folder / MODEL_JSON, folder / "weights" / MODEL_JSON) if p.is_file()]


def _ends(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first event and the last ones of a stream; lines that are cut are passed over."""
    try:
        with path.open("rb") as stream:
            first = stream.readline()
            size = path.stat().st_size
            stream.seek(max(0, size - TAIL_BYTES))
            last = stream.read().splitlines()
    except OSError:
        return [], []
    return _events([first]), _events(last)


def _events(lines: list[bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def _model(path: Path, root: Path, origin: str) -> ModelItem | None:
    data = _read(path)
    if data is None:
        return None
    parts = path.parent.relative_to(root).parts
    title = " / ".join(p for p in parts if p != "weights")
    return ModelItem(
        path=path.parent,
        title=title or str(data.get("name") or Path(str(data.get("weights", ""))).stem),
        origin=origin,
        family=str(data.get("family", "")),
        precision=str(data.get("precision", "")),
        metrics=_numbers(data.get("metrics")),
        weights=_weights(path.parent, data),
        task=str(data.get("task", "")),
    )


def _weights(folder: Path, data: Mapping[str, Any]) -> Path | None:
    name = data.get("weights")
    path = folder / str(name) if name else None
    return path if path is not None and path.is_file() else None


def _numbers(values: Any) -> dict[str, float]:
    if not isinstance(values, Mapping):
        return {}
    return {str(k): float(v) for k, v in values.items() if isinstance(v, int | float)}
