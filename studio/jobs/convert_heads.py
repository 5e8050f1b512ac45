"""The conversion into a head-pose set: heads cut out of their pictures, with their rotations.

Writes `heads/` (the crops), `files.txt` and a list for each side, `poses.csv`, `dataset.json`,
`preview.jpg` (some crops with the rotation drawn as a cube), of motion folders `motion.toml` (how
their tables were read), and `problems.csv`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tomlkit

from studio.core.dataset import SIDES, TRAIN, VAL
from studio.core.errors import Cancelled, DataError, Problem, StudioError
from studio.core.job import JobContext
from studio.core.requests.convert_heads import NAMES, ConvertHeadsOptions
from studio.io.dataset_folder import DATASET_JSON, PROBLEMS_CSV, dataset_folder
from studio.io.datasets import read_dataset_json
from studio.io.files import atomic_write_text
from studio.io.headpose_set import FILES, HEADS, KIND, PREVIEW, TABLE, HeadSample, HeadSet
from studio.io.headpose_writing import names_text, write_crop, write_set
from studio.io.images import read_image, write_image
from studio.io.records import many
from studio.io.splits import split_names
from studio.jobs.head_crops import Preview, head_crop
from studio.jobs.problem_list import say_problems, write_problems
from studio.runtime.head_finder import HeadFinder
from studio.runtime.head_sources import read_heads, usual, with_preset

Picture = npt.NDArray[np.uint8]

_TICK = 0.1
_MOTION = "motion"


def run(options: ConvertHeadsOptions, context: JobContext) -> dict[str, Any]:
    """Convert, and return the set's folder, its counts and where its problems are listed.

    One bad picture is named and left out. Raises DataError where nothing is left, FileProblem
    where nothing can be written, MissingTool where a detector is needed and not there.
    """
    options = with_preset(options)
    problems: list[Problem] = []
    tick = _Ticker(context, "read")
    sets = [read_heads(p, options, problems.append, context.project, tick) for p in options.input]
    if NAMES in options.to:
        return _write_names(options, sets, problems, context)
    target = options.output / options.name if options.name else options.output
    with dataset_folder(target, (KIND,)) as folder:
        cut = _cut_all(options, sets, folder, problems, context)
        if not cut:
            raise _nothing(options, problems)
        say_problems(problems, context)
        samples = _with_sides(options, sets, cut, target, context)
        if any(s.kind == _MOTION for s in sets):
            atomic_write_text(folder / TABLE, tomlkit.dumps(options.table_values()))
        more: dict[str, Any] = {
            "sources": [str(p.resolve()) for p in options.input],
            "from": [s.kind for s in sets],
            "ratio": options.ratio,
            "seed": options.seed,
            "problems": len(problems),
        }
        value = write_set(folder, samples, target.name, more)
        write_problems(folder / PROBLEMS_CSV, problems)
        _check_stop(context)
    context.artifact("dataset", target)
    context.artifact("picture", target / PREVIEW)
    return _summary(target, value, problems, context)


class _Ticker:
    """Tells the progress a few times a second and looks for a cancel each time."""

    def __init__(self, context: JobContext, stage: str) -> None:
        self._context, self._stage, self._last = context, stage, 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= _TICK or done == total:
            self._last = now
            _check_stop(self._context)
            self._context.progress(self._stage, done, total)


def _check_stop(context: JobContext) -> None:
    """Half a set serves nobody: a stop is a cancel here."""
    if context.stop_requested:
        raise Cancelled


def _cut_all(
    options: ConvertHeadsOptions,
    sets: Sequence[HeadSet],
    folder: Path,
    problems: list[Problem],
    context: JobContext,
) -> list[HeadSample]:
    """Every head that is found, as a sample of the new set; the crops are written on the way."""
    tick = _Ticker(context, "crop")
    total = sum(len(s.samples) for s in sets)
    preview = Preview(total)
    cut: list[HeadSample] = []
    taken: set[str] = set()
    done = 0
    for heads in sets:
        margin, size, _ = usual(heads.kind)
        finder = HeadFinder(options, margin if options.crop_margin is None else options.crop_margin)
        size = size if options.img_size is None else options.img_size
        for sample in heads.samples:
            crop = _crop(finder, sample, size, problems)
            done += 1
            tick(done, total)
            if crop is None:
                continue
            file = f"{HEADS}/{_free_name(sample, heads.root, taken)}.jpg"
            write_crop(folder / file, crop, options.quality)
            cut.append(replace(sample, name=file, picture=folder / file))
            preview.add(done - 1, crop, sample.rotation)
        if finder.unfound:
            context.log(f"No head was found in {many(finder.unfound, 'picture')}.", "warning")
    if cut:
        write_image(folder / PREVIEW, preview.mosaic(), quality=90)
    return cut


def _crop(
    finder: HeadFinder, sample: HeadSample, size: int, problems: list[Problem]
) -> Picture | None:
    """A head, or None where its picture is to be left out."""
    try:
        frame = read_image(sample.picture)
    except StudioError as error:
        problems.append(Problem(error.message, where=error.where or "", hint=error.hint))
        return None
    box = finder.box(sample, frame)
    if box is None:
        problems.append(Problem("No head is found; left out.", where=str(sample.picture)))
        return None
    return head_crop(frame, box, size)


def _free_name(sample: HeadSample, root: Path, taken: set[str]) -> str:
    """The sample's own name; with its set's folder before it, or a number behind, if it is taken.

    A name in a set of the studio begins with its own folder and has an ending.
    """
    name = sample.name.removeprefix(f"{HEADS}/") or sample.picture.stem
    name = name.removesuffix(sample.picture.suffix)
    tries = [name, f"{root.resolve().name}/{name}"]
    number = 2
    while (free := next((n for n in tries if n.casefold() not in taken), None)) is None:
        tries = [f"{name}_{number}"]
        number += 1
    taken.add(free.casefold())
    return free


def _with_sides(
    options: ConvertHeadsOptions,
    sets: Sequence[HeadSet],
    cut: Sequence[HeadSample],
    target: Path,
    context: JobContext,
) -> list[HeadSample]:
    """Every head with its side, by name; films and scenes are not parted."""
    earlier: Mapping[str, str] = {}
    if (target / DATASET_JSON).is_file():
        earlier = {str(k): str(v) for k, v in read_dataset_json(target)["split"].items()}
    given = {s.name: s.split for s in cut if s.split in SIDES}
    if not earlier and len(given) == len(cut) and len(set(given.values())) > 1:
        context.log("The heads keep the sides they come from.")
        earlier = given
    ratio = usual(sets[0].kind)[2] if options.ratio is None else options.ratio
    ratio = min(ratio, 1.0 - options.test_ratio)
    videos = {s.name: s.video for s in cut if s.video}
    names = [s.name for s in cut]
    sides = split_names(names, ratio, options.seed, earlier, videos, test=options.test_ratio)
    counts = Counter(sides.values())
    if 0 < ratio < 1 and not (counts[TRAIN] and counts[VAL]):
        context.log("All heads are of one film or scene and stand on one side.", "warning")
    placed = (replace(s, split=sides[s.name]) for s in cut)
    return sorted(placed, key=lambda s: s.name)


def _write_names(
    options: ConvertHeadsOptions,
    sets: Sequence[HeadSet],
    problems: Sequence[Problem],
    context: JobContext,
) -> dict[str, Any]:
    """`files.txt` alone: the heads that can be used, named without their endings."""
    say_problems(problems, context)
    place = options.output
    path = place if place.suffix.lower() == ".txt" else place / FILES
    names = [s.name for heads in sets for s in heads.samples]
    atomic_write_text(path, names_text(names))
    context.artifact("list", path)
    context.log(f"{path}: {many(len(names), 'head')}.")
    left_out = sum(p.severity == "error" for p in problems)
    return {"files": str(path), "heads": len(names), "left_out": left_out}


def _nothing(options: ConvertHeadsOptions, problems: Sequence[Problem]) -> StudioError:
    where = ", ".join(str(p) for p in options.input)
    listed = " ".join(f"[{p}]" for p in problems[:3])
    more = f" ... and {len(problems) - 3} more" if len(problems) > 3 else ""
    return DataError(
        f"None of the heads can be used: {listed}{more}" if problems else "There is no head here.",
        where=where,
        hint="Check the folder and the format; --on-no-face center takes pictures' middles.",
    )


def _summary(
    target: Path, value: Mapping[str, Any], problems: Sequence[Problem], context: JobContext
) -> dict[str, Any]:
    counts = value["counts"]
    left_out = sum(p.severity == "error" for p in problems)
    said = f"{many(len(problems), 'problem')} ({left_out} left out), see {PROBLEMS_CSV}"
    sides = ", ".join(f"{count} {side}" for side, count in counts.items())
    context.log(f"{many(value['people'], 'head')}: {sides}; {said if problems else 'no problems'}.")
    return {
        "dataset": str(target),
        "counts": dict(counts),
        "heads": value["people"],
        "pictures": value["people"],
        "problems": len(problems),
        "left_out": left_out,
        "problems_csv": str(target / PROBLEMS_CSV) if problems else None,
        "content_hash": value["content_hash"],
        "preview": str(target / PREVIEW),
    }
