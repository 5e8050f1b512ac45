"""Sets of heads whose rotation is known: `files.txt` and `poses.csv`, or published sets by plugins.

A set of the studio is a folder of cropped pictures. `files.txt` names one a line, as the original's
lists do (there without the ending, which is understood too); `train.txt`, `val.txt` and `test.txt`
list the sides; `poses.csv` has the columns file, yaw, pitch, roll (degrees) and r11 ... r33, the
rotation row by row, R = Rz(roll) Ry(yaw) Rx(pitch).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Instance
from studio.core.dataset import SIDES, Dataset, Sample
from studio.core.errors import DataError, FormatError, Problem
from studio.core.head import Angles, angles_of, rotation_of
from studio.io.files import IMAGE_SUFFIXES, read_text
from studio.io.images import image_size
from studio.io.records import Report
from studio.io.skeletons import load_skeleton
from studio.registry import contributions, find
from studio.registry.interfaces import HeadFormat

FloatArray = npt.NDArray[np.float64]

KIND = "headpose"
SET_KIND = "head-pose"
FILES, POSES = "files.txt", "poses.csv"
# What else a conversion writes: the crops' folder, a picture of some, how a table was read.
HEADS, PREVIEW, TABLE = "heads", "preview.jpg", "motion.toml"
_NUMBERS = tuple(f"r{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3))
WRITTEN = (HEADS, FILES, POSES, PREVIEW, TABLE, *(f"{side}.txt" for side in SIDES))
_ANGLES = ("yaw", "pitch", "roll")
COLUMNS = ("file", *_ANGLES, *_NUMBERS)
# A rotation whose rows are off by more than this is none.
_ORTHOGONAL = 1e-2
_SEARCHED = (".jpg", ".png", ".jpeg", ".bmp", ".webp")


@dataclass(frozen=True, eq=False)
class HeadSample:
    """One head.

    name: what tells it from the others of its set, "/" between folders. rotation: (3, 3).
    angles: yaw, pitch, roll in degrees as the set states them. split: its side, or "".
    box: (4,) x1, y1, x2, y2, the part of the picture that is judged; None where the picture is
    the crop or a detector has to find it. face: (4,) around the landmarks, from which training
    draws its crops by `reach` (see `vision.head_crop.reaching`).
    joints: x, y by name, for a crop by keypoints. video: what keeps frames together, or "".
    loose: the picture shows more than the head and no box is known.
    """

    picture: Path
    rotation: FloatArray
    angles: Angles
    split: str = ""
    name: str = ""
    box: FloatArray | None = None
    face: FloatArray | None = None
    reach: tuple[float, float, float, float] | None = None
    joints: Mapping[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    video: str = ""
    loose: bool = False


@dataclass(frozen=True, eq=False)
class HeadSet:
    """The heads of one place; kind: "headpose" or the name of the format they came in."""

    root: Path
    kind: str
    samples: tuple[HeadSample, ...]

    @property
    def content_hash(self) -> str:
        """32 hex digits over every head's name and rotation."""
        return hash_of_heads((s.name, s.split, s.rotation) for s in self.samples)

    def side(self, name: str) -> tuple[HeadSample, ...]:
        """The heads of one side; all of them where the set has no sides. Raises DataError where
        that side is empty.
        """
        chosen = tuple(s for s in self.samples if s.split == name)
        if not any(s.split for s in self.samples):
            chosen = self.samples
        if not chosen:
            raise DataError(
                f'No head of this set is on the side "{name}".',
                where=self.root,
                hint="Convert it again with a share for that side, or name another set.",
            )
        return chosen


def dataset_of_heads(found: HeadSet) -> Dataset:
    """The heads as a dataset of pictures that can be looked through: one a picture, without
    joints. Raises FileProblem, FormatError.
    """
    skeleton = load_skeleton("face5")
    samples: list[Sample] = []
    for number, head in enumerate(found.samples, 1):
        size = image_size(head.picture)
        box = np.array([0.0, 0.0, *size]) if head.box is None else head.box
        shown = Instance(
            category="head",
            keypoints=np.zeros((len(skeleton), 3)),
            box=np.array([box[0], box[1], box[2] - box[0], box[3] - box[1]]),
            head_rotation=head.rotation,
        )
        samples.append(Sample(head.picture, size, (shown,), number, head.split))
    return Dataset(found.root, skeleton, tuple(samples), found.kind, found.content_hash)


def is_headpose_set(path: Path) -> bool:
    """Whether a head-pose set of the studio stands here."""
    return (path / POSES).is_file()


def load_heads(
    path: Path,
    kind: str = "auto",
    names: Path | None = None,
    report: Report | None = None,
    options: object | None = None,
    progress: Callable[[int, int], None] | None = None,
    chosen: Sequence[str] | None = None,
) -> HeadSet:
    """A set of any kind: the studio's own, or one that a plugin reads ("300w-lp", "aflw2000", ...).

    names: a list of the heads to take, as `files.txt`; chosen: the names themselves. report: hears what is wrong with single
    heads, which are left out; without it the first error is raised. options: what a format can be
    told. Raises FileProblem, FormatError, DataError.
    """
    heard = report or _raise
    if not path.is_dir():
        raise FormatError(
            "This is no folder of heads.", where=path, hint="Choose the set's folder."
        )
    known = detect_heads(path) if kind in ("", "auto") else kind
    if known == KIND:
        return read_set(path, names, heard)
    reader: HeadFormat = find("head-format", known).load()
    wanted = chosen if names is None else read_names(names)
    found = tuple(reader.read(path, wanted, heard, options, progress))
    if not found:
        raise DataError("There is no head that can be used here.", where=path)
    return HeadSet(path, known, found)


def detect_heads(path: Path) -> str:
    """The kind of the set: "headpose", or the plugin's format that knows it. Raises FormatError."""
    if is_headpose_set(path):
        return KIND
    usable = (c for c in contributions("head-format") if c.enabled)
    found = next((c.id for c in usable if c.load().recognises(path)), "")
    if not found:
        raise FormatError(
            "No head-pose set that the studio knows stands here.",
            where=path,
            hint=f"It knows folders with {POSES}, and those of its plugins: name the format.",
        )
    return found


def _raise(problem: Problem) -> None:
    if problem.severity == "error":
        raise DataError(problem.message, where=problem.where, hint=problem.hint)


def read_set(
    root: Path, filename_list: Path | None = None, report: Report | None = None
) -> HeadSet:
    """A set of the studio. filename_list: take those heads alone. `report` hears what is wrong
    with single rows; without it the first is raised. Raises FileProblem, FormatError, DataError.
    """
    heard = report or _raise
    rows = _read_poses(root, heard)
    sides = _sides(root)
    wanted = (
        list(rows) if filename_list is None else _wanted(read_names(filename_list), rows, heard)
    )
    samples = [
        replace(rows[name], split=sides.get(name, ""))
        for name in wanted
        if _is_there(rows[name], heard)
    ]
    if not samples:
        raise DataError("There is no head that can be used in this set.", where=root)
    return HeadSet(root, KIND, tuple(samples))


def _is_there(sample: HeadSample, report: Report) -> bool:
    if sample.picture.is_file():
        return True
    report(Problem("The picture is not there.", where=str(sample.picture)))
    return False


def _wanted(names: Sequence[str], rows: Mapping[str, HeadSample], report: Report) -> list[str]:
    plain = {_stem(name): name for name in rows}
    found: list[str] = []
    for name in names:
        known = name if name in rows else plain.get(name) or plain.get(_stem(name))
        if known is None:
            report(Problem(f"The list names {name!r}, which {POSES} does not know."))
        else:
            found.append(known)
    return found


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in IMAGE_SUFFIXES else name


def _sides(root: Path) -> dict[str, str]:
    lists = ((side, root / f"{side}.txt") for side in SIDES)
    return {n: side for side, path in lists if path.is_file() for n in read_names(path)}


def read_names(path: Path) -> tuple[str, ...]:
    """The lines of a filename list, with "/" between folders. Raises FileProblem, FormatError."""
    lines = (line.strip().replace("\\", "/") for line in read_text(path).splitlines())
    return tuple(line for line in lines if line)


def resolve_name(root: Path, name: str) -> Path:
    """The picture that a list's line means, whose ending may be left out. Raises FormatError where
    it leads out of the set's folder.
    """
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0]:
        raise FormatError(f"{name!r} leads out of the set's folder.", where=root)
    if pure.suffix.lower() in IMAGE_SUFFIXES:
        return root / pure
    tries = [root / f"{name}{suffix}" for suffix in _SEARCHED]
    return next((p for p in tries if p.is_file()), tries[0])


def _read_poses(root: Path, report: Report) -> dict[str, HeadSample]:
    path = root / POSES
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    columns = set(reader.fieldnames or ())
    if not {"file", *_ANGLES} <= columns and not {"file", *_NUMBERS} <= columns:
        raise FormatError(
            "The columns file, yaw, pitch and roll are needed, or file and r11 to r33.",
            where=path,
            hint=f"It has {', '.join(sorted(columns)) or 'none'}.",
        )
    whole = set(_NUMBERS) <= columns
    found: dict[str, HeadSample] = {}
    for row in reader:
        try:
            sample = _sample(root, row, whole=whole)
        except (ValueError, TypeError, FormatError) as error:
            text = str(error) if isinstance(error, FormatError) else "This row holds no rotation."
            report(Problem(text, where=str(path), line=reader.line_num, hint="Mend the row."))
            continue
        found[sample.name] = sample
    return found


def _sample(root: Path, row: Mapping[str, str], *, whole: bool) -> HeadSample:
    """Raises ValueError, TypeError or FormatError."""
    name = row["file"].strip().replace("\\", "/")
    if not name:
        raise ValueError(name)
    stated = Angles(*(float(row[c]) for c in _ANGLES)) if row.get("yaw") else None
    if whole:
        rotation = np.array([float(row[c]) for c in _NUMBERS]).reshape(3, 3)
        check_rotation(rotation)
    elif stated is not None and np.isfinite(stated).all():
        rotation = rotation_of(stated)
    else:
        raise ValueError(name)
    angles = stated or angles_of(rotation)
    return HeadSample(resolve_name(root, name), rotation, angles, name=name)


def check_rotation(rotation: FloatArray) -> None:
    """Raise ValueError where (3, 3) numbers are no rotation."""
    off = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if not off < _ORTHOGONAL or np.linalg.det(rotation) < 0:
        raise ValueError("no rotation")


def hash_of_heads(heads: Iterable[tuple[str, str, FloatArray]]) -> str:
    """32 hex digits over names, sides and rotations to a thousandth."""
    total = hashlib.sha256()
    for line in sorted(
        f"{name}\0{side}\0".encode() + np.rint(rotation * 1000).astype("<i4").tobytes()
        for name, side, rotation in heads
    ):
        total.update(hashlib.sha256(line).digest())
    return total.hexdigest()[:32]
