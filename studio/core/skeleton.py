"""The one description of what a person's joints are; everything else derives from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import DataError


@dataclass(frozen=True)
class Skeleton:
    """Joints, limbs and how they mirror, weigh and look.

    Indices count from 0 (COCO's own `skeleton` lists count from 1, see `coco_skeleton`).
    `sigmas` are COCO's per-joint standard deviations (OKS uses k = 2 sigma). `template` holds
    one (x, y) per joint in a unit box, x to the right and y down: a figure to start from.
    `sides` is derived from `flip_pairs`: the first of a pair is the left one.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    flip_pairs: tuple[tuple[int, int], ...] = ()
    sigmas: tuple[float, ...] = ()
    colors: tuple[str, ...] = ()
    edge_colors: tuple[str, ...] = ()
    template: tuple[tuple[float, float], ...] = ()
    face_points: tuple[int, ...] = ()
    category: str = "person"
    title: str = ""
    index: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        count = len(self.keypoints)
        if count == 0:
            raise DataError("A skeleton needs at least one keypoint.", where=self.name)
        if len(set(self.keypoints)) != count:
            twice = sorted({k for k in self.keypoints if self.keypoints.count(k) > 1})
            raise DataError(f"Keypoint names appear twice: {', '.join(twice)}.", where=self.name)
        for label, pairs in (("edge", self.edges), ("flip pair", self.flip_pairs)):
            for a, b in pairs:
                if not (0 <= a < count and 0 <= b < count) or a == b:
                    raise DataError(
                        f"The {label} ({a}, {b}) does not join two of the {count} keypoints.",
                        where=self.name,
                    )
        flat = [i for pair in self.flip_pairs for i in pair]
        if len(flat) != len(set(flat)):
            raise DataError("A keypoint stands in two flip pairs.", where=self.name)
        for label, values in (
            ("sigmas", self.sigmas),
            ("colors", self.colors),
            ("template", self.template),
        ):
            if values and len(values) != count:
                raise DataError(
                    f"{len(values)} {label} for {count} keypoints.",
                    where=self.name,
                    hint="Give one for each keypoint, or none.",
                )
        if self.edge_colors and len(self.edge_colors) != len(self.edges):
            raise DataError(
                f"{len(self.edge_colors)} edge colours for {len(self.edges)} edges.",
                where=self.name,
            )
        if any(not (0 < s < 10) for s in self.sigmas):
            raise DataError("Every sigma must be above 0.", where=self.name)
        object.__setattr__(self, "index", {name: i for i, name in enumerate(self.keypoints)})

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def flip_idx(self) -> tuple[int, ...]:
        """Index of each joint's mirror image; a joint without a partner is its own."""
        idx = list(range(len(self)))
        for a, b in self.flip_pairs:
            idx[a], idx[b] = b, a
        return tuple(idx)

    @property
    def oks_sigmas(self) -> npt.NDArray[np.float64]:
        """(K,) float64; joints without a sigma of their own weigh 1/K, as ultralytics does."""
        if self.sigmas:
            return np.asarray(self.sigmas, dtype=np.float64)
        return np.full(len(self), 1.0 / len(self))

    @property
    def coco_skeleton(self) -> list[list[int]]:
        """The edges as COCO writes them: 1-based pairs."""
        return [[a + 1, b + 1] for a, b in self.edges]

    def side(self, joint: int) -> str:
        """Whether the joint is "left", "right" or "middle", by its place in its flip pair."""
        for a, b in self.flip_pairs:
            if joint == a:
                return "left"
            if joint == b:
                return "right"
        return "middle"

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], *, where: str = "") -> Skeleton:
        """Read what a skeleton TOML or `model.json` holds: edges and pairs by joint name.

        Raises DataError where a name is unknown or a list has the wrong length.
        """
        try:
            keypoints = tuple(str(k) for k in data["keypoints"])
            index = {name: i for i, name in enumerate(keypoints)}

            def pairs(key: str) -> tuple[tuple[int, int], ...]:
                return tuple((index[str(a)], index[str(b)]) for a, b in data.get(key, ()))

            return cls(
                name=str(data["name"]),
                keypoints=keypoints,
                edges=pairs("edges"),
                flip_pairs=pairs("flip_pairs"),
                sigmas=tuple(float(s) for s in data.get("sigmas", ())),
                colors=tuple(str(c) for c in data.get("colors", ())),
                edge_colors=tuple(str(c) for c in data.get("edge_colors", ())),
                template=tuple((float(x), float(y)) for x, y in data.get("template", ())),
                face_points=tuple(index[str(k)] for k in data.get("face_points", ())),
                category=str(data.get("category", "person")),
                title=str(data.get("title", "")),
            )
        except KeyError as error:
            raise DataError(
                f"The skeleton names {error.args[0]!r}, which is not there.", where=where
            ) from error
        except (TypeError, ValueError) as error:
            raise DataError(f"The skeleton cannot be read: {error}.", where=where) from error

    def to_mapping(self) -> dict[str, Any]:
        """The inverse of `from_mapping`, ready for JSON or TOML."""
        names = self.keypoints
        data: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "category": self.category,
            "keypoints": list(names),
            "edges": [[names[a], names[b]] for a, b in self.edges],
            "flip_pairs": [[names[a], names[b]] for a, b in self.flip_pairs],
            "sigmas": list(self.sigmas),
            "colors": list(self.colors),
            "edge_colors": list(self.edge_colors),
            "template": [list(p) for p in self.template],
            "face_points": [names[i] for i in self.face_points],
        }
        return {key: value for key, value in data.items() if value not in ("", [])}

    @classmethod
    def numbered(cls, count: int, *, name: str = "") -> Skeleton:
        """A skeleton for a foreign model that says only how many joints it has."""
        return cls(
            name=name or f"points{count}", keypoints=tuple(f"point_{i + 1}" for i in range(count))
        )
