"""Judge stored predictions: the same report as `evaluate` gives of a model, without one.

Rows of tracks are judged by `judge_tracks`; what stands here is for predictions on pictures. The
result is {"report", "html", "metrics", "pictures", "people", "problems", "drawn"}.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from studio.core.dataset import Sample
from studio.core.errors import DataError, FileProblem, Problem, StudioError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.requests.judge import AUTO, JudgeOptions
from studio.core.skeleton import Skeleton
from studio.io import coco
from studio.io.datasets import detect_kind, load_dataset
from studio.io.images import read_image, write_image
from studio.io.records import many
from studio.io.skeletons import load_skeleton
from studio.jobs.evaluate import Judged, next_folder, report_path, write_report
from studio.jobs.evaluate_page import draw_judged, people_drawn
from studio.jobs.evaluate_people import people_dataset
from studio.jobs.judge_tracks import is_tracks, judge_tracks
from studio.jobs.report_values import POSE, pose_values
from studio.metrics.evaluation import Evaluation, Judging
from studio.runtime.stored import StoredPerson, read_stored

_EXAMPLES = 3
# What `read_stored` says of a record that names no category, and what single sets are given.
_CATEGORY = 1


@dataclass(frozen=True, eq=False)
class Labels:
    """What is held to be true. split: the side that was taken. others: pictures of other sides.

    ids: whether `Sample.image_id` is the labels' own number. order: for each joint of the
    skeleton its place in a prediction. problems: what single files were wrong.
    """

    skeleton: Skeleton
    samples: tuple[Sample, ...]
    split: str
    others: tuple[Sample, ...] = ()
    ids: bool = False
    category: int = _CATEGORY
    order: tuple[int, ...] = ()
    content_hash: str = ""
    problems: list[Problem] = field(default_factory=list[Problem])


def place(options: JudgeOptions, project: Path | None) -> Path | None:
    """As an evaluation's."""
    return next_folder(options.out, project)


def run(options: JudgeOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises DataError, FormatError, FileProblem, UsageError."""
    context.progress("read", 0, 0)
    if is_tracks(options):
        return judge_tracks(options, context)
    labels = read_labels(options, context.project)
    for problem in labels.problems:
        context.log(str(problem), "warning")
    people = _of_category(read_stored(options.pred), labels, options.pred, context)
    found = match(people, labels, options, context)
    silent = sum(sample.image_id not in found for sample in labels.samples)
    if silent:
        context.log(
            f"{silent} of {many(len(labels.samples), 'picture')} have no prediction: everybody on "
            "them counts as missed.",
            "warning",
        )
    judging = Judging(labels.skeleton, show_conf=options.show_conf)
    for number, sample in enumerate(labels.samples, 1):
        context.check()
        judging.add(sample, found.get(sample.image_id, ()))
        context.progress("judge", number, len(labels.samples))
    judged = judging.result(labels.problems)
    drawn = _draw(judged, labels.skeleton, options, context) if options.vis is not None else 0
    values = pose_values(
        judged,
        labels.skeleton,
        model={"path": str(options.pred.absolute()), "family": "", "precision": ""},
        settings={"show_conf": options.show_conf},
        pictures=options.pictures,
    )
    values["dataset"] = people_dataset(
        judged, options.gt, labels.split, content_hash=labels.content_hash
    )
    report = Judged(values, people_drawn(judged.pictures, labels.skeleton, POSE))
    result = write_report(report_path(options.out, context), report, context)
    result["problems"] = len(labels.problems)
    return result | ({"drawn": drawn, "vis": str(options.vis)} if options.vis is not None else {})


def read_labels(options: JudgeOptions, project: Path | None) -> Labels:
    """The labels as `--gt` and `--split` say. Raises StudioError."""
    wanted = load_skeleton(options.skeleton, project) if options.skeleton else None
    kind = detect_kind(options.gt)
    files: dict[str, Path] = {}
    if kind in ("coco", "dataset"):
        whole = options.gt.is_file() and kind == "coco"
        root = options.gt if options.gt.is_dir() else options.gt.parent
        files = {"": options.gt} if whole else coco.annotation_files(root)
    if files:
        return _coco_labels(files, wanted, options)
    problems: list[Problem] = []
    dataset = load_dataset(options.gt, wanted, problems.append)
    split = _side(options.split, {s.split for s in dataset.samples})
    chosen = dataset.split(split)
    names = {id(s) for s in chosen}
    return Labels(
        skeleton=dataset.skeleton,
        samples=chosen,
        split=split,
        others=tuple(s for s in dataset.samples if id(s) not in names),
        order=tuple(range(len(dataset.skeleton))),
        content_hash=dataset.content_hash,
        problems=problems,
    )


def _coco_labels(files: dict[str, Path], wanted: Skeleton | None, options: JudgeOptions) -> Labels:
    """COCO files as they stand: with their own numbers, and also where the pictures are not here."""
    split = _side(options.split, set(files))
    if split not in ("all", *files):
        raise DataError(f'There is no side "{split}" here ({", ".join(files)}).', where=options.gt)
    problems: list[Problem] = []
    samples: list[Sample] = []
    skeleton = wanted
    category, order = _CATEGORY, ()
    for side, file in files.items():
        report = problems.append if split in ("all", side) else _left_out
        records, skeleton = coco.read(
            file, report, skeleton=skeleton, split=side, need_pictures=False
        )
        category, order = coco.category_in(file, skeleton)
        for record in records:
            if record.image_id is None or record.picture is None:
                raise DataError("A picture has no number as its id.", where=file)
            samples.append(
                Sample(record.picture, record.size, record.instances, record.image_id, side)
            )
    chosen = [s for s in samples if split in ("all", s.split)]
    if skeleton is None or not chosen:
        raise DataError("These labels hold no picture.", where=options.gt)
    twice = len({s.image_id for s in chosen}) < len(chosen)
    if twice:
        # Numbers that count from 1 on each side name nothing once the sides are joined.
        chosen = [replace(s, image_id=n) for n, s in enumerate(chosen, 1)]
    return Labels(
        skeleton,
        tuple(chosen),
        split,
        tuple(s for s in samples if split not in ("all", s.split)),
        not twice,
        category,
        order,
        problems=problems,
    )


def _left_out(_problem: Problem) -> None:
    """What is wrong on a side that is not judged does not matter here."""


def _side(asked: str, sides: set[str]) -> str:
    if asked != AUTO:
        return asked
    return "val" if "val" in sides else "all"


def _of_category(
    people: Sequence[StoredPerson], labels: Labels, where: Path, context: JobContext
) -> list[StoredPerson]:
    kept = [p for p in people if p.person.category_id == labels.category]
    if people and not kept:
        there = sorted({p.person.category_id for p in people})
        raise DataError(
            f"The predictions are of category {', '.join(map(str, there))}, the labels of category "
            f"{labels.category}.",
            where=where,
            hint='Give each record the "category_id" of the labels.',
        )
    if len(kept) < len(people):
        context.log(
            f"{many(len(people) - len(kept), 'prediction')} of other categories than "
            f"{labels.category} were left out.",
            "warning",
        )
    return kept


def match(
    people: Sequence[StoredPerson], labels: Labels, options: JudgeOptions, context: JobContext
) -> dict[int, list[Prediction]]:
    """The people of each picture, by `Sample.image_id`, their joints in the skeleton's order.

    Raises DataError naming examples where predictions are of pictures that the labels do not
    know, or where the joints are of another number.
    """
    here, elsewhere = _Names(labels.samples, ids=labels.ids), _Names(labels.others, ids=False)
    found: dict[int, list[Prediction]] = defaultdict(list)
    unknown: dict[str | int, None] = {}
    left_out = 0
    for stored in people:
        _check_joints(stored, labels.skeleton)
        sample = here.find(stored)
        if sample is None:
            if elsewhere.find(stored) is not None:
                left_out += 1
            else:
                unknown[stored.picture] = None
            continue
        person = stored.person
        found[sample.image_id].append(
            replace(person, keypoints=person.keypoints[list(labels.order)])
        )
    if unknown:
        raise _unknown(list(unknown), labels, options)
    if left_out:
        context.log(
            f"{many(left_out, 'prediction')} of pictures on other sides than {labels.split} were "
            "left out; --split all takes every side.",
            "warning",
        )
    return found


def _check_joints(stored: StoredPerson, skeleton: Skeleton) -> None:
    if len(stored.person.keypoints) != len(skeleton):
        raise DataError(
            f"The prediction has {len(stored.person.keypoints)} joints, the labels' skeleton "
            f"{skeleton.name} has {len(skeleton)}.",
            where=stored.where,
            hint="Judge predictions of a model with the labels' skeleton.",
        )


def _unknown(names: list[str | int], labels: Labels, options: JudgeOptions) -> DataError:
    there = [s.image_id if labels.ids and isinstance(names[0], int) else s.image.name
             for s in labels.samples]  # fmt: skip
    hint = f"The labels know {_listed(there)}."
    if not labels.ids and isinstance(names[0], int):
        hint += ' They are told by name: give each record the picture\'s file name as "image".'
    return DataError(
        f"{many(len(names), 'picture')} of the predictions stand not among the labels: "
        f"{_listed(names)}.",
        where=options.pred,
        hint=hint,
    )


def _listed(names: Sequence[str | int]) -> str:
    more = ", …" if len(names) > _EXAMPLES else ""
    return ", ".join(str(n) for n in names[:_EXAMPLES]) + more


class _Names:
    """Finds a picture by its number, or by its path from the end: a/1.jpg, else 1.jpg."""

    def __init__(self, samples: Sequence[Sample], *, ids: bool) -> None:
        self._ids = {s.image_id: s for s in samples} if ids else {}
        self._names: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._names[sample.image.name].append(sample)

    def find(self, stored: StoredPerson) -> Sample | None:
        """The picture, None for an unknown one. Raises DataError where the name fits several."""
        name = stored.picture
        if isinstance(name, int):
            return self._ids.get(name)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        fitting = self._names.get(parts[-1], []) if parts else []
        if len(fitting) > 1:
            fitting = _longest(parts, fitting)
        if len(fitting) > 1:
            raise DataError(
                f"The name {name} fits several pictures: {fitting[0].image} and "
                f"{fitting[1].image}.",
                where=stored.where,
                hint="Write the folder before the name.",
            )
        if not fitting and name.isdigit():
            return self._ids.get(int(name))
        return fitting[0] if fitting else None


def _longest(parts: tuple[str, ...], samples: list[Sample]) -> list[Sample]:
    """Those whose path agrees with `parts` over the most folders from the end."""

    def common(sample: Sample) -> int:
        pairs = zip(reversed(parts), reversed(sample.image.parts), strict=False)
        count = 0
        for said, real in pairs:
            if said != real:
                break
            count += 1
        return count

    most = max(common(s) for s in samples)
    return [s for s in samples if common(s) == most]


def _draw(
    judged: Evaluation, skeleton: Skeleton, options: JudgeOptions, context: JobContext
) -> int:
    """Pictures with labels and predictions joined, worst first, at most `--limit`; how many."""
    assert options.vis is not None
    wanted = judged.pictures[: options.limit]
    drawn = 0
    absent: StudioError | None = None
    for number, picture in enumerate(wanted, 1):
        context.check()
        try:
            frame = read_image(picture.sample.image)
        except StudioError as error:
            context.log(f"Not drawn: {error}", "warning")
            absent = error
        else:
            name = f"{number:04d}_{picture.sample.image.stem}.jpg"
            write_image(options.vis / name, draw_judged(frame, picture, skeleton), quality=90)
            drawn += 1
        context.progress("draw", number, len(wanted))
    if absent is not None and not drawn:
        raise FileProblem(
            "None of the pictures to draw can be read.", where=absent.where, hint=absent.hint
        )
    context.artifact("pictures", options.vis)
    return drawn
