"""A tracker beside a model that looks at a source: which tracker, and when it has to be asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from studio.core.errors import UsageError
from studio.core.options import Options
from studio.core.skeleton import Skeleton
from studio.registry.interfaces import Tracker
from studio.registry.plugins import find
from studio.runtime.clip_source import place_of
from studio.runtime.clips import Place
from studio.runtime.predictor import Found
from studio.runtime.sources import SourceFrame


def tracker_called(
    name: str, values: Sequence[str], skeleton: Skeleton, fps: float
) -> SourceTracker | None:
    """The tracker called `name`, None for "". values: its own options, "name=value" each. Raises
    PluginError, UsageError.
    """
    if not name:
        if values:
            raise UsageError("--track-options needs --track.", hint="Name the tracker they are of.")
        return None
    contribution = find("tracker", name)
    spellings = _spellings(contribution.options_class())
    given: dict[str, str] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(
                f"{text!r} says no value.", where="track_options", hint="Write lost=30."
            )
        key = key.strip().lstrip("-").replace("-", "_")
        given[spellings.get(key, key)] = value
    options = contribution.options_class().from_mapping(given).validated()
    return SourceTracker(contribution.load(), options, skeleton, fps)


@dataclass
class SourceTracker:
    """Takes a source's frames in order and begins anew with every video in it."""

    tracker: Tracker
    options: object
    skeleton: Skeleton
    fps: float
    _video: str | None = None

    def __post_init__(self) -> None:
        self.tracker.start(self.options, self.skeleton, self.fps)

    def wants_people(self, frame: SourceFrame) -> bool:
        """Whether the model has to look at this frame."""
        return self.tracker.wants_people(frame.index)

    def told(self, frame: SourceFrame, found: Found) -> Found:
        """What was found with identities, and the milliseconds that it took."""
        started = time.perf_counter()
        video = _video_of(frame)
        if self._video not in (None, video):
            self.tracker.start(self.options, self.skeleton, self.fps)
        self._video = video
        people = found.predictions if self.wants_people(frame) else ()
        tracked = self.tracker.update(frame.picture, people, frame.index, frame.time)
        spent = (time.perf_counter() - started) * 1000
        return replace(found, predictions=tracked, timings={**found.timings, "track": spent})


class NobodyAsked:
    """Stands for an inference on frames that the tracker follows people through by itself."""

    def __init__(self, count: int) -> None:
        self._count = count

    def result(self) -> tuple[Found, ...]:
        """Nothing found, nothing spent."""
        return tuple(Found((), {}) for _ in range(self._count))


def _spellings(options: type[Options]) -> dict[str, str]:
    """The field's name by each of its spellings: what the guides call it is understood, too."""
    return {
        spelling.lstrip("-").replace("-", "_"): field.name
        for field in options.fields()
        for spelling in field.aliases
    }


def _video_of(frame: SourceFrame) -> str:
    """Pictures that name no video are one together."""
    place: Place = place_of(frame)
    return "" if frame.path is not None and place[0] == str(frame.path) else place[0]
