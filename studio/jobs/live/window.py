"""What the window is told of: frames in shared memory, and an event for each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core import job as names
from studio.core.job import JobContext, JobEvent
from studio.runtime.predictor import PeopleFinder
from studio.runtime.ring import FrameRing
from studio.runtime.sources import Source

RING = "ring"
# A window that is a few frames behind still finds what it is told of; those that the network has
# under way lie in slots of their own meanwhile.
_BEHIND = 4


class Window:
    """The ring of the session; made anew where a frame is larger than its slots."""

    def __init__(self, context: JobContext, predictor: PeopleFinder) -> None:
        self._context = context
        self._predictor = predictor
        # The first is the one that the window knows once it was shown; frames may still be under
        # way in all of them.
        self._rings: list[FrameRing] = []
        self._shown: FrameRing | None = None

    def put(self, picture: npt.NDArray[np.uint8]) -> tuple[FrameRing, int, int]:
        """Copy a frame where the window finds it: the ring, slot and number. Raises FileProblem."""
        if not self._rings or picture.nbytes > self._rings[-1].max_bytes:
            slots = self._predictor.engine.requests + _BEHIND
            self._rings.append(FrameRing.create(slots, picture.nbytes))
        ring = self._rings[-1]
        return (ring, *ring.write(picture))

    def show(
        self, ring: FrameRing, source: Source, size: tuple[int, int], values: Mapping[str, Any]
    ) -> None:
        """Tell of a frame, and of its ring before it where that is new."""
        if ring is not self._shown:
            self._shown = ring
            self._context.emit(JobEvent(RING, self._described(ring, source, size), time.time()))
            # Frames are shown in the order in which they were put.
            while self._rings[0] is not ring:
                self._rings.pop(0).close()
        self._context.event(names.FRAME, **values)

    def close(self) -> None:
        """Remove the shared memory."""
        for ring in self._rings:
            ring.close()

    def _described(self, ring: FrameRing, source: Source, size: tuple[int, int]) -> dict[str, Any]:
        artifact, engine = self._predictor.artifact, self._predictor.engine
        return {
            "name": ring.name,
            "slots": ring.slots,
            "max_bytes": ring.max_bytes,
            "width": size[0],
            "height": size[1],
            "source": source.name,
            "kind": source.kind,
            "skeleton": artifact.skeleton.to_mapping(),
            "categories": list(artifact.categories),
            "engine": engine.name,
            "device": engine.device,
            "precision": engine.precision,
        }
