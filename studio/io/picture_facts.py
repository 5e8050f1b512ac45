"""What the index knows of one picture, read from its annotation file alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from studio.core.annotation import OUTLINES, AnnotatedImage, Shape, instances_of
from studio.core.people import fitting_skeleton
from studio.core.skeleton import Skeleton
from studio.io.plain import is_number

# The database holds whole numbers of 64 bits; a damaged file may say anything.
_MOST = 2**31
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class PictureFacts:
    """Counts for the list and its filter. `missing`: how many people lack each joint that is
    neither set nor absent on purpose. `score`: the lowest of the proposals', or None.
    """

    state: str = "empty"
    problem: str = ""
    reviewed: bool = False
    people: int = 0
    shapes: int = 0
    occluded: int = 0
    proposals: int = 0
    score: float | None = None
    width: int = 0
    height: int = 0
    labels: Mapping[str, int] = field(default_factory=dict[str, int])
    missing: Mapping[str, int] = field(default_factory=dict[str, int])
    groups: tuple[int, ...] = ()


def facts_of(image: AnnotatedImage, skeletons: Sequence[Skeleton]) -> PictureFacts:
    """The facts of one annotation; `skeletons` are the project's, each with its own category."""
    people = 0
    missing: Counter[str] = Counter()
    for skeleton, part in _by_skeleton(image, skeletons):
        for person in instances_of(part, skeleton):
            people += 1
            lacking = person.keypoints[:, 2] == 0
            missing.update(
                name
                for name, lacks in zip(skeleton.keypoints, lacking, strict=True)
                if lacks and name not in person.absent
            )
    proposals = [s for s in image.shapes if s.is_prelabel]
    scores = [float(s.extra["score"]) for s in proposals if is_number(s.extra.get("score"))]
    return PictureFacts(
        state="reviewed" if image.reviewed else "annotated" if image.shapes else "empty",
        reviewed=image.reviewed,
        people=people,
        shapes=len(image.shapes),
        occluded=sum(s.occluded for s in image.shapes if s.shape_type not in OUTLINES),
        proposals=len({s.group_id if s.group_id is not None else id(s) for s in proposals}),
        score=min(scores, default=None),
        width=min(image.width, _MOST),
        height=min(image.height, _MOST),
        labels=dict(Counter(s.label for s in image.shapes)),
        missing=dict(missing),
        groups=image.group_ids(),
    )


def _by_skeleton(
    image: AnnotatedImage, skeletons: Sequence[Skeleton]
) -> Iterator[tuple[Skeleton, AnnotatedImage]]:
    """Each person once, with the skeleton it is made with."""
    if len(skeletons) < 2:
        yield from ((skeleton, image) for skeleton in skeletons)
        return
    people: dict[tuple[int | None, int], list[Shape]] = {}
    for number, shape in enumerate(image.shapes):
        alone = number if shape.group_id is None else -1
        people.setdefault((shape.group_id, alone), []).append(shape)
    parts: dict[int, list[Shape]] = {}
    for shapes in people.values():
        fits = fitting_skeleton(shapes, skeletons)
        parts.setdefault(next(n for n, s in enumerate(skeletons) if s is fits), []).extend(shapes)
    for number, shapes in parts.items():
        yield skeletons[number], replace(image, shapes=tuple(shapes))


def natural_key(path: str) -> str:
    """A text by which `frame9` comes before `frame10`, in upper or lower case alike."""
    return _DIGITS.sub(_with_length, path.casefold())


def _with_length(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0")
    return f"{len(digits):03}{digits}"
