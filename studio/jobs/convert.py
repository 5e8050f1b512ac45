"""The conversion job: annotated pictures, or datasets, into datasets of one or several formats."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from studio.core.dataset import SIDES, TEST, TRAIN, VAL
from studio.core.errors import Cancelled, DataError, Problem, StudioError
from studio.core.job import JobContext
from studio.core.requests.convert import ConvertOptions
from studio.core.skeleton import Skeleton
from studio.io.annotations import report_bare
from studio.io.dataset_folder import (
    DATASET_JSON,
    PROBLEMS_CSV,
    Layout,
    Placed,
    dataset_folder,
    unique_names,
    write_coco,
    write_pictures,
    write_yaml,
)
from studio.io.datasets import detect_kind, files_of, read_dataset_json, read_source
from studio.io.plain import is_list, is_table
from studio.io.prepared import Found, Prepared, Setup, prepare, prepare_files
from studio.io.project import ProjectConfig, read_config
from studio.io.records import Record, hash_of, many
from studio.io.skeletons import load_skeleton
from studio.io.splits import split_names, wanted_sides
from studio.io.workers import Workers, chunks, helpers_for
from studio.jobs import convert_videos
from studio.jobs.problem_list import say_problems, write_problems

_SPOOL = ".spool"
_CHUNK = 64
_TICK = 0.1


@dataclass(frozen=True)
class _Earlier:
    """What `dataset.json` says of the last conversion into the same folder."""

    sides: Mapping[str, str] = field(default_factory=dict[str, str])
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    ids: Mapping[str, int] = field(default_factory=dict[str, int])
    formats: tuple[str, ...] = ()


def run(options: ConvertOptions, context: JobContext) -> dict[str, Any]:
    """Convert, and return the dataset's folder, its counts and where its problems are listed.

    One bad file is named and left out. Raises DataError where nothing is left or a side would be
    empty, FileProblem where nothing can be written; nothing half-written stays.
    """
    target = options.output / options.name if options.name else options.output
    problems: list[Problem] = []
    earlier = _earlier(target)
    formats = tuple(dict.fromkeys((*earlier.formats, *options.to)))
    for name in sorted(set(formats) - set(options.to)):
        context.log(f"The dataset holds {name} already; it is written again too.")
    with dataset_folder(target, formats) as folder, Workers(0) as workers:
        spooled = convert_videos.spooled(formats)
        items, skeleton = _read_all(options, spooled, folder, problems, workers, context)
        if not items:
            raise _nothing(options, problems)
        say_problems(problems, context)
        names = unique_names(items, earlier.names)
        items.sort(key=lambda item: names[item.source])
        placed = _placed(items, names, options, earlier, context)
        test = any(p.side == TEST for p in placed)
        layout = Layout(folder, formats, link=options.images == "link", test=test)
        paths = _write_all(layout, skeleton, placed, workers, context)
        if convert_videos.FORMAT in formats:
            skeletons = convert_videos.skeletons_of(options, skeleton, context)
            paths |= convert_videos.write(
                layout, placed, skeletons, options, problems, _Ticker(context, "clips")
            )
        shutil.rmtree(folder / _SPOOL)
        value = _description(options, skeleton, placed, target)
        value |= {"formats": list(formats), "paths": paths, "problems": len(problems)}
        (folder / DATASET_JSON).write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
        write_problems(folder / PROBLEMS_CSV, problems)
        _check_stop(context)
    context.artifact("dataset", target)
    return _summary(target, value, problems, context)


def _read_all(
    options: ConvertOptions,
    formats: tuple[str, ...],
    folder: Path,
    problems: list[Problem],
    workers: Workers,
    context: JobContext,
) -> tuple[list[Prepared], Skeleton]:
    """Every picture of every input, its labels on the spool, and the skeleton of them all."""
    (folder / _SPOOL).mkdir()
    skeleton = load_skeleton(options.skeleton, context.project) if options.skeleton else None
    known: dict[str, Prepared] = {}
    for path in options.input:
        _ready(path, workers)
        kind = detect_kind(path) if options.from_ == "auto" else options.from_
        before = len(known)
        if kind == "labelme":
            skeleton = skeleton or load_skeleton(_usual_skeleton(context), context.project)
            setup = Setup(skeleton, formats, folder / _SPOOL)
            found = _read_files(path, setup, workers, context)
        else:
            source = read_source(path, kind, skeleton, problems.append, _Ticker(context, "read"))
            skeleton = source.skeleton
            setup = Setup(skeleton, formats, folder / _SPOOL)
            found = _prepare_records(setup, source.records)
        for items, told in found:
            _take(items, told, known, problems)
        context.log(f"{path}: {many(len(known) - before, 'picture')} ({kind}).")
    return list(known.values()), skeleton or load_skeleton(_usual_skeleton(context))


def _ready(path: Path, workers: Workers) -> None:
    """Helpers for a large folder start while its files are still being listed."""
    if path.is_dir():
        # A picture and its annotation each.
        count = helpers_for(len(os.listdir(path)) // 2)  # noqa: PTH208 - only their number
        workers.count = max(workers.count, count)
        if count:
            workers.start(prepare_files.__module__, write_pictures.__module__)


def _usual_skeleton(context: JobContext) -> str:
    """The first one of the project."""
    config = read_config(context.project) if context.project is not None else ProjectConfig("")
    return config.skeletons[0]


def _read_files(
    path: Path, setup: Setup, workers: Workers, context: JobContext
) -> Generator[Found, None, None]:
    files, bare = files_of(path)
    told: list[Problem] = []
    report_bare(bare, told.append)
    yield [], told
    workers.count = max(workers.count, helpers_for(len(files)))
    tick = _Ticker(context, "read")
    done = 0
    texts = [str(file) for file in files]
    pieces = chunks(texts, _chunk(len(files)))
    for items, found in workers.map(partial(prepare_files, setup), pieces):
        yield items, found
        done = min(done + _chunk(len(files)), len(files))
        tick(done, len(files))


def _prepare_records(setup: Setup, records: Sequence[Record]) -> Generator[Found, None, None]:
    for piece in chunks(list(records), _CHUNK):
        told: list[Problem] = []
        yield prepare(setup, piece, told.append), told


def _take(
    items: Sequence[Prepared],
    told: Sequence[Problem],
    known: dict[str, Prepared],
    problems: list[Problem],
) -> None:
    problems += told
    for item in items:
        if item.source in known:
            message = "It was read before from another input; taken once."
            problems.append(Problem(message, where=item.origin, severity="warning"))
        known.setdefault(item.source, item)


def _chunk(count: int) -> int:
    """How many pictures go to a helper at once; few where there are few, to be heard sooner."""
    return max(1, min(_CHUNK, count // 32))


class _Ticker:
    """Tells the progress a few times a second and looks for a cancel each time."""

    def __init__(self, context: JobContext, stage: str) -> None:
        self._context = context
        self._stage = stage
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= _TICK or done == total:
            self._last = now
            _check_stop(self._context)
            self._context.progress(self._stage, done, total)


def _check_stop(context: JobContext) -> None:
    """Half a dataset serves nobody: a stop is a cancel here."""
    if context.stop_requested:
        raise Cancelled


def _nothing(options: ConvertOptions, problems: Sequence[Problem]) -> StudioError:
    where = ", ".join(str(p) for p in options.input)
    if not problems:
        return DataError(
            "There is nothing to convert: no annotated picture was found.",
            where=where,
            hint="Choose the folder in which the pictures and their .json files stand.",
        )
    listed = " ".join(f"[{p}]" for p in problems[:3])
    more = f" ... and {len(problems) - 3} more" if len(problems) > 3 else ""
    return DataError(
        f"None of the files can be converted: {listed}{more}",
        where=where,
        hint="Mend them, or choose the skeleton and the folder that fit.",
    )


def _earlier(target: Path) -> _Earlier:
    if not (target / DATASET_JSON).is_file():
        return _Earlier()
    data = read_dataset_json(target)
    pictures = data.get("pictures")
    known = pictures if is_table(pictures) else {}
    formats = data.get("formats")
    return _Earlier(
        sides={str(k): str(v) for k, v in data["split"].items()},
        names={str(p["source"]): name for name, p in known.items()},
        ids={name: int(p["id"]) for name, p in known.items()},
        formats=tuple(str(f) for f in formats) if is_list(formats) else (),
    )


def _placed(
    items: Sequence[Prepared],
    names: Mapping[str, str],
    options: ConvertOptions,
    earlier: _Earlier,
    context: JobContext,
) -> list[Placed]:
    """Every picture with its name, side and id, in the order of names."""
    sides = _sides(items, names, options, earlier, context)
    ids = _image_ids([names[item.source] for item in items], earlier.ids)
    return [
        Placed(item, name, sides[name], ids[name])
        for item in items
        for name in (names[item.source],)
    ]


def _sides(
    items: Sequence[Prepared],
    names: Mapping[str, str],
    options: ConvertOptions,
    earlier: _Earlier,
    context: JobContext,
) -> dict[str, str]:
    listed = [names[item.source] for item in items]
    previous = {n: s for n, s in earlier.sides.items() if n in set(listed)}
    if previous:
        context.log(f"{len(previous)} pictures keep the side they have in this dataset.")
    else:
        pairs = zip(listed, items, strict=True)
        given = {name: item.split for name, item in pairs if item.split in SIDES}
        if len(given) == len(items) and len(set(given.values())) >= 2:
            context.log("The pictures keep the sides they come from.")
            previous = given
    videos = {name: i.video for name, i in zip(listed, items, strict=True) if i.video}
    shares = (options.ratio, options.test_ratio)
    sides = split_names(
        listed, options.ratio, options.seed, previous, videos, test=options.test_ratio
    )
    counts = Counter(sides.values())
    for side in wanted_sides(*shares):
        if not counts[side]:
            raise DataError(
                f'The side "{side}" would be empty: {many(len(items), "picture")} at a ratio of '
                f"{shares[0]:g}"
                + (f" and a test share of {shares[1]:g}" if shares[1] else "")
                + (", all frames of one video." if videos else "."),
                where=", ".join(str(p) for p in options.input),
                hint="Annotate more pictures, or take another ratio (1 puts all into training).",
            )
    return sides


def _image_ids(names: Sequence[str], earlier: Mapping[str, int]) -> dict[str, int]:
    """Every picture keeps its id; new ones count on from the highest."""
    ids = {name: earlier[name] for name in names if name in earlier}
    following = max(earlier.values(), default=0) + 1
    for name in sorted(names):
        if name not in ids:
            ids[name] = following
            following += 1
    return ids


def _write_all(
    layout: Layout,
    skeleton: Skeleton,
    pictures: Sequence[Placed],
    workers: Workers,
    context: JobContext,
) -> dict[str, str]:
    """All formats; returns `dataset.json`'s paths. Raises OSError."""
    layout.make_folders()
    tick = _Ticker(context, "write")
    listed, done = list(pictures), 0
    workers.count = max(workers.count, helpers_for(len(listed)))
    written = workers.map(partial(write_pictures, layout), chunks(listed, _chunk(len(listed))))
    paths: dict[str, str] = {}
    for count in written:
        if "coco" in layout.formats and not paths:
            # The helpers go on linking pictures while the large file is written here.
            paths = write_coco(layout, skeleton, pictures)
        done += count
        tick(done, len(listed))
    if "yolo" in layout.formats:
        paths |= write_yaml(layout, skeleton)
    if "labelme" in layout.formats:
        paths["labelme"] = "labelme"
    return paths


def _description(
    options: ConvertOptions, skeleton: Skeleton, pictures: Sequence[Placed], target: Path
) -> dict[str, Any]:
    """`dataset.json`, but for its formats, paths and problems."""
    counts = Counter(p.side for p in pictures)
    marks = ((p.name, p.side, p.item.size, p.item.digest) for p in pictures)
    return {
        "v": 1,
        "name": target.name,
        "kind": "pose",
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "sources": [str(p.resolve()) for p in options.input],
        "ratio": options.ratio,
        "test_ratio": options.test_ratio,
        "seed": options.seed,
        "images": options.images,
        "skeleton": skeleton.to_mapping(),
        "counts": {side: counts[side] for side in SIDES if side != TEST or counts[TEST]},
        "people": sum(p.item.people for p in pictures),
        "content_hash": hash_of(marks, skeleton),
        "split": {p.name: p.side for p in pictures},
        "pictures": {
            p.name: {
                "id": p.image_id,
                "source": p.item.source,
                "annotation": p.item.origin,
                "people": p.item.people,
            }
            for p in pictures
        },
    }


def _summary(
    target: Path, value: Mapping[str, Any], problems: Sequence[Problem], context: JobContext
) -> dict[str, Any]:
    counts = value["counts"]
    total = sum(counts.values())
    tested = f", {counts[TEST]} for test" if TEST in counts else ""
    left_out = sum(p.severity == "error" for p in problems)
    said = f"{many(len(problems), 'problem')} ({left_out} left out), see {PROBLEMS_CSV}"
    context.log(
        f"{many(total, 'picture')} with {value['people']} people: {counts[TRAIN]} for training, "
        f"{counts[VAL]} for validation{tested}; {said if problems else 'no problems'}."
    )
    return {
        "dataset": str(target),
        "counts": dict(counts),
        "pictures": total,
        "people": value["people"],
        "problems": len(problems),
        "left_out": left_out,
        "problems_csv": str(target / PROBLEMS_CSV) if problems else None,
        "content_hash": value["content_hash"],
        "paths": {k: str(target / v) for k, v in value["paths"].items()},
    }
