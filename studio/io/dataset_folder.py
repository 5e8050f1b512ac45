"""Writing a converted dataset: all formats side by side, in place only when all is written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from studio.core.dataset import TEST, TRAIN, VAL
from studio.core.errors import FileProblem
from studio.core.skeleton import Skeleton
from studio.io import coco_writing, headpose_set, labelme, yolo
from studio.io.files import part_path, problem_of, read_json, remove_leftovers
from studio.io.files import replace as move
from studio.io.plain import is_list, is_table
from studio.io.prepared import Prepared, SpoolReader

_BINARY = getattr(os, "O_BINARY", 0)
COCO_SIDES = {TRAIN: "train2017", VAL: "val2017", TEST: "test2017"}
# Two disks, or one that does not know how.
_CANNOT_COPY = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EIO)
DATASET_JSON = "dataset.json"
PROBLEMS_CSV = "problems.csv"
# What a conversion puts into its folder for each format; nothing else there is ever touched.
WRITTEN = {
    "coco": ("coco",),
    "yolo": ("images", "labels", yolo.YAML_NAME),
    "labelme": ("labelme",),
    "video-keypoints": ("video-keypoints",),
    headpose_set.KIND: headpose_set.WRITTEN,
}


class Placed(NamedTuple):
    """A picture that is ready, with its name and side in the dataset and its COCO id."""

    item: Prepared
    name: str
    side: str
    image_id: int


@dataclass(frozen=True)
class Layout:
    """Where a dataset's files go; it travels to helper processes.

    formats: any of "coco", "yolo", "labelme". link: hard links, or symbolic links, or copies,
    whichever works first; else copies. test: whether there is a test side too.
    """

    folder: Path
    formats: tuple[str, ...]
    link: bool
    test: bool = False

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides that are written, be they empty or not."""
        return (TRAIN, VAL, TEST) if self.test else (TRAIN, VAL)

    def make_folders(self) -> None:
        """Every folder that a picture or a label goes into. Raises OSError."""
        for side in self.sides:
            if "coco" in self.formats:
                (self.folder / "coco" / COCO_SIDES[side]).mkdir(parents=True)
            if "yolo" in self.formats:
                (self.folder / "images" / side).mkdir(parents=True)
                (self.folder / "labels" / side).mkdir(parents=True)
        for name in ("coco/annotations", "labelme"):
            if name.partition("/")[0] in self.formats:
                (self.folder / name).mkdir(parents=True)


def write_pictures(layout: Layout, pictures: Sequence[Placed]) -> int:
    """Pictures and their labels into every format; how many. Raises OSError, StudioError."""
    root = str(layout.folder)
    with contextlib.closing(SpoolReader()) as spool:
        for placed in pictures:
            name, stem = placed.name, _stem(placed.name)
            places: list[str] = []
            if "coco" in layout.formats:
                places.append(f"{root}/coco/{COCO_SIDES[placed.side]}/{name}")
            if "yolo" in layout.formats:
                places.append(f"{root}/images/{placed.side}/{name}")
                _write(f"{root}/labels/{placed.side}/{stem}.txt", spool.read(placed.item, "yolo"))
            if "labelme" in layout.formats:
                places.append(f"{root}/labelme/{name}")
                text = _labelme_text(placed, spool)
                _write(f"{root}/labelme/{stem}{labelme.SUFFIX}", text)
            put_picture(placed.item, places, link=layout.link)
    return len(pictures)


def _write(place: str, data: bytes) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        if data:
            os.write(handle, data)
    finally:
        os.close(handle)


def put_picture(item: Prepared, places: Sequence[str], *, link: bool) -> None:
    """A picture at every one of `places`. Raises OSError, StudioError."""
    if not item.picture:
        embedded = labelme.embedded_picture(labelme.read(item.origin), item.origin) or b""
        for place in places:
            Path(place).write_bytes(embedded)
    elif link or not places:
        for place in places:
            _link(item.source, place)
    else:
        _copy(item.source, places[0])
        for place in places[1:]:
            _link(places[0], place, symbolic=False)


def _labelme_text(placed: Placed, spool: SpoolReader) -> bytes:
    """The file as it was, or as it was made of another format, under the picture's new name."""
    item = placed.item
    if item.annotation:
        image = labelme.read(item.annotation)
    else:
        image = labelme.parse(spool.read(item, "labelme"), item.origin)
    extra = {**image.extra, "imageData": None}
    return labelme.dumps(replace(image, image_path=placed.name, extra=extra))


def write_coco(layout: Layout, skeleton: Skeleton, pictures: Sequence[Placed]) -> dict[str, str]:
    """COCO's files, one a side, piece by piece; returns their `dataset.json` paths."""
    paths: dict[str, str] = {}
    for side in layout.sides:
        name = f"coco/annotations/person_keypoints_{COCO_SIDES[side]}.json"
        here = [p for p in pictures if p.side == side]
        with contextlib.closing(SpoolReader()) as spool, (layout.folder / name).open("wb") as file:
            coco_writing.write_document(
                file,
                [(p.image_id, p.name, p.item.size) for p in here],
                (spool.people(p.item) for p in here),
                skeleton,
            )
        paths[f"coco_{side}"] = name
        paths[f"coco_{side}_images"] = f"coco/{COCO_SIDES[side]}"
    return paths


def write_yaml(layout: Layout, skeleton: Skeleton) -> dict[str, str]:
    """`pose.yaml`; returns its `dataset.json` path."""
    (layout.folder / yolo.YAML_NAME).write_text(
        yolo.yaml_text(skeleton, test=layout.test), encoding="utf-8"
    )
    return {"yolo_yaml": yolo.YAML_NAME}


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _link(source: str, place: str, *, symbolic: bool = True) -> None:
    """A hard link; a symbolic one on another disk; a copy where neither can be."""
    try:
        os.link(source, place)
    except FileNotFoundError as error:
        # A symbolic link would point nowhere, and nobody would notice.
        raise problem_of(error, source, "read") from error
    except OSError:
        pass
    else:
        return
    if symbolic:
        try:
            os.symlink(source, place)  # noqa: PTH211 - text in, text out
        except OSError:
            pass
        else:
            return
    _copy(source, place)


def _copy(source: str, place: str) -> None:
    """The file's bytes in a new file, by the kernel itself where it can: a fifth faster, and on a
    file system that shares blocks none is written. Raises OSError.
    """
    if _copied_within(source, place):
        return
    shutil.copyfile(source, place)


def _copied_within(source: str, place: str) -> bool:
    """Whether the kernel has copied all of it; what it left is written over."""
    if not hasattr(os, "copy_file_range"):
        return False
    reading = os.open(source, os.O_RDONLY)
    try:
        left = os.fstat(reading).st_size
        writing = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            # Some file systems end too early and say nothing.
            while left > 0 and (done := os.copy_file_range(reading, writing, left)):
                left -= done
        except OSError as error:
            if error.errno not in _CANNOT_COPY:
                raise
            return False
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return left == 0


def unique_names(items: Iterable[Prepared], previous: Mapping[str, str]) -> dict[str, str]:
    """A name for each source, all different even without their endings, as labels need it.

    `previous`: name by source, from the last conversion; those stay. A name that another folder
    has already gets its folder's name before it. In the order of names.
    """
    taken = {_stem(name).casefold() for name in previous.values()}
    names: dict[str, str] = {}
    for item in sorted(items, key=lambda i: (i.name, i.source)):
        name = previous.get(item.source, "")
        if not name:
            name = _free_name(item, taken)
            taken.add(_stem(name).casefold())
        names[item.source] = name
    return names


def _free_name(item: Prepared, taken: set[str]) -> str:
    name = item.name
    if _stem(name).casefold() not in taken:
        return name
    folder = Path(item.source).parent
    while _stem(name).casefold() in taken and folder.name:
        name = f"{folder.name}_{name}"
        folder = folder.parent
    number = 2
    stem, suffix = _stem(name), Path(name).suffix
    while _stem(name).casefold() in taken:
        name = f"{stem}_{number}{suffix}"
        number += 1
    return name


@contextlib.contextmanager
def dataset_folder(target: Path, formats: Iterable[str]) -> Generator[Path]:
    """A fresh folder whose content moves into `target` when the block ends well.

    What an earlier conversion put into `target` is replaced; what else stands there is not
    touched, and where something of the user's is in the way of what `formats` write nothing is
    changed. Raises FileProblem.
    """
    target = target.absolute()
    ours = _refuse_foreign(target, formats)
    inside = target.is_dir()
    part = part_path(target / "convert" if inside else target)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(part.parent)
        part.mkdir()
    except OSError as error:
        raise problem_of(error, target, "write") from error
    try:
        yield part
        if inside:
            _install(part, target, ours)
        else:
            move(part, target)
    except OSError as error:
        raise problem_of(error, target, "write") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _refuse_foreign(target: Path, formats: Iterable[str]) -> tuple[str, ...]:
    """The names in `target` that are ours to write and to replace."""
    if target.exists() and not target.is_dir():
        raise FileProblem("A file stands here.", where=target, hint="Choose another folder.")
    earlier = _formats_there(target)
    mine = _names_of(earlier)
    ours = _names_of({*formats, *earlier})
    replaced = mine if (target / DATASET_JSON).exists() else ()
    foreign = [n for n in ours if n not in replaced and os.path.lexists(target / n)]
    if foreign:
        raise FileProblem(
            f"Something that no conversion of the studio made is in the way: "
            f"{', '.join(foreign)}. Nothing was changed.",
            where=target,
            hint="Choose another output folder, or move that away.",
        )
    return ours


def _formats_there(target: Path) -> tuple[str, ...]:
    """The formats of an earlier conversion; all where its dataset.json does not say."""
    path = target / DATASET_JSON
    if not path.exists():
        return ()
    try:
        said = read_json(path)
    except FileProblem:
        return tuple(WRITTEN)
    formats = said.get("formats") if is_table(said) else None
    return tuple(str(f) for f in formats) if is_list(formats) else tuple(WRITTEN)


def _names_of(formats: Iterable[str]) -> tuple[str, ...]:
    names = [name for known in WRITTEN if known in set(formats) for name in WRITTEN[known]]
    return tuple(dict.fromkeys((*names, PROBLEMS_CSV, DATASET_JSON)))


def _install(part: Path, target: Path, ours: Iterable[str]) -> None:
    """Change the old entries for the new ones by renaming; all back in place if one fails."""
    aside = part / "old"
    aside.mkdir()
    undo: list[tuple[Path, Path]] = []
    try:
        for name in ours:
            if os.path.lexists(target / name):
                move(target / name, aside / name)
                undo.append((aside / name, target / name))
            if os.path.lexists(part / name):
                move(part / name, target / name)
                undo.append((target / name, part / name))
    except OSError:
        for source, place in reversed(undo):
            move(source, place)
        raise
