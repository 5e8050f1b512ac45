"""A skeleton while it is edited: joints keep their identity through renaming and reordering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from studio.core.errors import DataError
from studio.core.options import N_
from studio.core.skeleton import Skeleton

Place = tuple[float, float]
NEW_SIGMA = 0.05
NEW_LIMB = "#d7d7d7"


@dataclass(frozen=True)
class DraftJoint:
    """One joint. `uid` names it for the draft's life; `origin` is its name in the skeleton that
    the draft was made of, None for a new one. place: x, y in the template's unit box.
    """

    uid: int
    name: str
    origin: str | None = None
    sigma: float = NEW_SIGMA
    color: str = ""
    place: Place = (0.5, 0.5)
    face: bool = False


@dataclass(frozen=True)
class SkeletonDraft:
    """Every change gives another draft. limbs: {(uid, uid): colour}; mirrors: (left, right)."""

    name: str
    title: str = ""
    category: str = "person"
    joints: tuple[DraftJoint, ...] = ()
    limbs: Mapping[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])
    mirrors: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, skeleton: Skeleton) -> SkeletonDraft:
        """A draft that changes nothing yet."""
        count = len(skeleton)
        around = _row(count)
        joints = tuple(
            DraftJoint(
                uid,
                name,
                name,
                float(skeleton.oks_sigmas[uid]),
                skeleton.colors[uid] if skeleton.colors else "",
                skeleton.template[uid] if skeleton.template else around[uid],
                uid in skeleton.face_points,
            )
            for uid, name in enumerate(skeleton.keypoints)
        )
        colors = skeleton.edge_colors or ("",) * len(skeleton.edges)
        return cls(
            skeleton.name,
            skeleton.title,
            skeleton.category,
            joints,
            dict(zip(skeleton.edges, colors, strict=True)),
            skeleton.flip_pairs,
        )

    def joint(self, uid: int) -> DraftJoint:
        """KeyError where it is not there."""
        for joint in self.joints:
            if joint.uid == uid:
                return joint
        raise KeyError(uid)

    # changes

    def with_joint(self, joint: DraftJoint) -> SkeletonDraft:
        """The joint of that uid replaced."""
        return replace(self, joints=tuple(joint if j.uid == joint.uid else j for j in self.joints))

    def added(self, place: Place = (0.5, 0.5)) -> tuple[SkeletonDraft, int]:
        """A new joint with a free name, and its uid."""
        uid = max((j.uid for j in self.joints), default=-1) + 1
        names = {j.name for j in self.joints}
        number = len(self.joints) + 1
        while f"joint_{number}" in names:
            number += 1
        color = "#f5c518" if any(j.color for j in self.joints) else ""
        joint = DraftJoint(uid, f"joint_{number}", color=color, place=place)
        return replace(self, joints=(*self.joints, joint)), uid

    def removed(self, uid: int) -> SkeletonDraft:
        """Without the joint, its limbs and its pair."""
        return replace(
            self,
            joints=tuple(j for j in self.joints if j.uid != uid),
            limbs={ends: c for ends, c in self.limbs.items() if uid not in ends},
            mirrors=tuple(pair for pair in self.mirrors if uid not in pair),
        )

    def moved(self, uid: int, step: int) -> SkeletonDraft:
        """The joint `step` places down (or up) in the order."""
        joints = list(self.joints)
        at = next(n for n, j in enumerate(joints) if j.uid == uid)
        to = min(max(at + step, 0), len(joints) - 1)
        joints.insert(to, joints.pop(at))
        return replace(self, joints=tuple(joints))

    def with_limb(self, first: int, second: int) -> SkeletonDraft:
        """The limb between two joints added, or taken away where it is."""
        if first == second:
            return self
        for ends in self.limbs:
            if set(ends) == {first, second}:
                return self.without_limb(ends)
        color = NEW_LIMB if any(self.limbs.values()) else ""
        return replace(self, limbs={**self.limbs, (first, second): color})

    def without_limb(self, ends: tuple[int, int]) -> SkeletonDraft:
        """The limb taken away."""
        return replace(self, limbs={e: c for e, c in self.limbs.items() if e != ends})

    def with_limb_color(self, ends: tuple[int, int], color: str) -> SkeletonDraft:
        """A limb in another colour; limbs without one become grey, for all have one or none."""
        limbs = {e: c or NEW_LIMB for e, c in self.limbs.items()}
        return replace(self, limbs={**limbs, ends: color})

    def mirror_of(self, uid: int) -> int | None:
        """The other of a left-right pair."""
        for a, b in self.mirrors:
            if uid in (a, b):
                return b if uid == a else a
        return None

    def with_mirror(self, uid: int, other: int | None) -> SkeletonDraft:
        """`uid` and `other` made a pair, the left one first as their names tell; None parts them."""
        pairs = [p for p in self.mirrors if uid not in p and other not in p]
        if other is not None and other != uid:
            right_first = "right" in self.joint(uid).name.lower()
            pairs.append((other, uid) if right_first else (uid, other))
        return replace(self, mirrors=tuple(pairs))

    # what comes of it

    def to_skeleton(self) -> Skeleton:
        """The skeleton. Raises DataError that says what is wrong."""
        index = {joint.uid: n for n, joint in enumerate(self.joints)}
        for joint in self.joints:
            if not joint.name.strip():
                raise DataError("A joint has no name.", hint="Give every joint a name.")
        if not self.name.strip() or any(c in self.name for c in '/\\:*?"<>|'):
            raise DataError("The skeleton needs a name that a file can have.", where=self.name)
        colored = all(j.color for j in self.joints)
        limbs = list(self.limbs.items())
        return Skeleton(
            name=self.name.strip(),
            title=self.title.strip(),
            category=self.category.strip() or "person",
            keypoints=tuple(j.name.strip() for j in self.joints),
            edges=tuple((index[a], index[b]) for (a, b), _ in limbs),
            flip_pairs=tuple((index[a], index[b]) for a, b in self.mirrors),
            sigmas=tuple(round(j.sigma, 4) for j in self.joints),
            colors=tuple(j.color for j in self.joints) if colored else (),
            edge_colors=tuple(c for _, c in limbs) if limbs and all(c for _, c in limbs) else (),
            template=tuple((round(j.place[0], 4), round(j.place[1], 4)) for j in self.joints),
            face_points=tuple(index[j.uid] for j in self.joints if j.face),
        )

    def renamed(self) -> dict[str, str]:
        """{old name: new name} of the joints that are called otherwise now."""
        return {
            j.origin: j.name.strip()
            for j in self.joints
            if j.origin is not None and j.origin != j.name.strip()
        }

    def gone(self, old: Skeleton) -> tuple[str, ...]:
        """The joints of `old` that the draft no longer has."""
        kept = {j.origin for j in self.joints}
        return tuple(name for name in old.keypoints if name not in kept)


def _row(count: int) -> tuple[Place, ...]:
    """Places for a skeleton without a template: in rows of six."""
    return tuple(
        (0.1 + 0.16 * (n % 6), 0.1 + 0.8 * (n // 6) / max(1, (count - 1) // 6 or 1))
        for n in range(count)
    )


TITLE = N_("Change the skeleton")
