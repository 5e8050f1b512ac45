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
# A window that is a few frames behind still finds what it is told of.
_SLOTS = 6


class Window:
    """The ring of the session; made anew where a frame is larger than its slots."""

    def __init__(self, context: JobContext, predictor: PeopleFinder) -> None:
        self._context = context
        self._predictor = predictor
        self._ring: FrameRing | None = None
        self._shown: FrameRing | None = None

    def put(self, picture: npt.NDArray[np.uint8]) -> tuple[FrameRing, int, int]:
        """Copy a frame where the window finds it: the ring, slot and number. Raises FileProblem."""
        if self._ring is None or picture.nbytes > self._ring.max_bytes:
            old, self._ring = self._ring, FrameRing.create(_SLOTS, picture.nbytes)
            if old is not None and old is not self._shown:
                old.close()
        return (self._ring, *self._ring.write(picture))

    def show(
        self, ring: FrameRing, source: Source, size: tuple[int, int], values: Mapping[str, Any]
    ) -> None:
        """Tell of a frame, and of its ring before it where that is new."""
        if ring is not self._shown:
            old, self._shown = self._shown, ring
            self._context.emit(JobEvent(RING, self._described(ring, source, size), time.time()))
            if old is not None:
                old.close()
        self._context.event(names.FRAME, **values)

    def close(self) -> None:
        """Remove the shared memory."""
        for ring in {self._ring, self._shown} - {None}:
            assert ring is not None
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
