"""Films of drawn people: who is who, and how they move."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest

from studio.core.annotation import Instance
from studio.vision.synthetic import SyntheticPicture, frames, make_clip


@pytest.fixture(scope="module")
def film() -> list[SyntheticPicture]:
    return list(make_clip(4, 220, (160, 120), people=3))


def by_track(picture: SyntheticPicture) -> dict[int, Instance]:
    found = {p.track_id: p for p in picture.people if p.track_id is not None}
    assert len(found) == len(picture.people)
    return found


def test_people_keep_their_ids_come_and_go(film: list[SyntheticPicture]) -> None:
    present = [set(by_track(picture)) for picture in film]
    assert set.union(*present) == {1, 2, 3}
    changes = sum(a != b for a, b in pairwise(present))
    assert 1 <= changes < 30
    assert any(len(p) < 3 for p in present)


def test_people_move_smoothly(film: list[SyntheticPicture]) -> None:
    moved: list[float] = []
    for before, after in pairwise(film):
        old, new = by_track(before), by_track(after)
        for track in old.keys() & new.keys():
            a, b = old[track].keypoints, new[track].keypoints
            both = (a[:, 2] > 0) & (b[:, 2] > 0)
            steps = np.linalg.norm(a[both, :2] - b[both, :2], axis=1)
            assert steps.max(initial=0) < 8
            moved += steps.tolist()
    assert len(moved) > 17 * len(film) // 2, "hardly a joint is in two frames"
    assert sum(moved) / len(moved) > 0.2, "nobody moves"


def test_people_cross_each_other(film: list[SyntheticPicture]) -> None:
    def middle(person: Instance) -> float:
        assert person.box is not None
        return float(person.box[0] + person.box[2] / 2)

    order = []
    for picture in film:
        found = by_track(picture)
        if {1, 2} <= found.keys():
            order.append(middle(found[1]) < middle(found[2]))
    assert True in order
    assert False in order


def test_the_place_stays_while_people_move(film: list[SyntheticPicture]) -> None:
    free = ~np.any([m for p in film[:2] for m in p.masks], axis=0)
    assert free.sum() > 1000
    shift = np.abs(film[0].image[free].astype(int) - film[1].image[free])
    assert shift.mean() < 6


def test_a_film_is_the_same_again_and_never_ends() -> None:
    first = [p.image for p in make_clip(9, 3, (128, 96), 2)]
    again = list(islice(frames(9, (128, 96), 25.0, 2), 3))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape == (96, 128, 3)
