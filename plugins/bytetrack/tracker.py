"""ByteTrack (Y. Zhang et al., ECCV 2022), written after its paper: every box is associated, the
sure ones first and then the doubtful ones with who is left over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.vision.assignment import best_pairs
from studio.vision.kalman import BoxFilter
from studio.vision.nms import overlaps

from .config import ByteTrackOptions

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

# The paper's limits of 1 - IoU for doubtful boxes and for those seen only once.
_DOUBTFUL = 0.5
_ONCE = 0.7


@dataclass(eq=False)
class _Track:
    """One person. sure: seen on two frames running, or on the first; till then it is a trial."""

    id: int
    box: BoxFilter
    category: int
    frame: int
    sure: bool


class ByteTracker:
    """See `studio.registry.interfaces.Tracker`."""

    needs_frames = False

    def start(self, options: ByteTrackOptions, skeleton: Skeleton, fps: float) -> None:
        """Begin a video."""
        del skeleton, fps
        self._options = options
        self._tracks: list[_Track] = []
        self._next = 1
        self._first = True

    def wants_people(self, index: int) -> bool:
        """Always."""
        del index
        return True

    def camera(self, frame: Picture | None, people: Sequence[Prediction]) -> FloatArray | None:
        """(2, 3) how the camera moved since the frame before, None where that is not looked at."""
        del frame, people
        return None

    def update(
        self, frame: Picture | None, people: Sequence[Prediction], index: int, time: float
    ) -> tuple[Prediction, ...]:
        """The people with their identities."""
        del time
        options = self._options
        self._move(self.camera(frame, people), index)
        scores = np.array([_score(p) for p in people])
        high = [i for i, s in enumerate(scores) if s >= options.track_thresh]
        low = [i for i, s in enumerate(scores) if options.low_thresh <= s < options.track_thresh]
        given: dict[int, _Track] = {}
        known = [t for t in self._tracks if t.sure]
        near = 1 - options.match_thresh
        known, rest = self._match(known, high, people, given, near, index, weigh=True)
        # A doubtful box is no proof that who was long gone is back.
        present = [t for t in known if t.frame == index - 1]
        self._match(present, low, people, given, 1 - _DOUBTFUL, index)
        trials = [t for t in self._tracks if not t.sure]
        trials, rest = self._match(trials, rest, people, given, 1 - _ONCE, index, weigh=True)
        self._tracks = [t for t in self._tracks if t not in trials]
        for number in rest:
            if scores[number] >= options.new_thresh:
                given[number] = self._begun(people[number], index)
        self._tracks = [t for t in self._tracks if index - t.frame <= options.lost]
        self._first = False
        told = {n: t.id for n, t in given.items() if t.sure}
        return tuple(replace(p, track_id=told.get(i)) for i, p in enumerate(people))

    def _move(self, motion: FloatArray | None, index: int) -> None:
        for track in self._tracks:
            track.box.predict(seen=track.frame == index - 1)
            if motion is not None:
                track.box.move(motion)

    def _match(
        self, tracks: list[_Track], numbers: list[int], people: Sequence[Prediction],
        given: dict[int, _Track], least: float, index: int, *, weigh: bool = False,
    ) -> tuple[list[_Track], list[int]]:  # fmt: skip
        """Pair them and note who was found; the tracks and people that are left."""
        if not tracks or not numbers:
            return tracks, numbers
        found = [people[n] for n in numbers]
        similar = overlaps(
            np.array([t.box.box for t in tracks], np.float32),
            np.array([p.box for p in found], np.float32),
        )
        same = [[t.category == p.category_id for p in found] for t in tracks]
        similar = np.where(np.array(same), similar, 0.0)
        if weigh:
            similar = similar * np.array([_score(p) for p in found])
        pairs = best_pairs(similar, max(least, 1e-6))
        for row, column in pairs:
            track = tracks[row]
            track.box.update(found[column].box)
            track.frame, track.sure = index, True
            given[numbers[column]] = track
        rows, columns = {r for r, _ in pairs}, {c for _, c in pairs}
        return (
            [t for i, t in enumerate(tracks) if i not in rows],
            [n for i, n in enumerate(numbers) if i not in columns],
        )

    def _begun(self, person: Prediction, index: int) -> _Track:
        track = _Track(
            self._next, BoxFilter(person.box), person.category_id, index, sure=self._first
        )
        self._next += 1
        self._tracks.append(track)
        return track


def _score(person: Prediction) -> float:
    return float(person.score if person.box_score is None else person.box_score)
