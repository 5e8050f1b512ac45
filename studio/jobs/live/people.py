"""What is known of people beyond what the model finds on one frame: who is who, calm joints, and
how heads are turned.
"""

from __future__ import annotations

from dataclasses import replace

from studio.core.requests.live import LiveOptions
from studio.runtime.calm_joints import CalmJoints
from studio.runtime.heads import heads_for
from studio.runtime.predictor import Finding, Found, PeopleFinder
from studio.runtime.sources import Source, SourceFrame
from studio.runtime.tracking import NobodyAsked, SourceTracker, tracker_called


class People:
    """Frames come in the order of their numbers, which count what was watched without a gap.

    Raises ModelError, PluginError, UsageError.
    """

    def __init__(self, options: LiveOptions, predictor: PeopleFinder) -> None:
        self._predictor = predictor
        self._asked = options.track, options.track_options
        self._heads = heads_for(options, predictor)
        self._calm = CalmJoints()
        self._tracker: SourceTracker | None = None
        # A mistake in the tracker's options shows before the first frame.
        self._restart(0.0)

    def begin(self, source: Source, *, again: bool) -> None:
        """Another opening of the source; `again`: the same camera, which was away for a while."""
        if not again:
            self._restart(source.fps)

    def submit(self, frame: SourceFrame) -> Finding:
        """Have the frame looked at, where the tracker does not follow people by itself."""
        if self._tracker is not None and not self._tracker.wants_people(frame):
            return NobodyAsked(1)
        assert frame.picture is not None
        return self._predictor.submit([frame.picture])

    def told(self, frame: SourceFrame, found: Found, options: LiveOptions) -> Found:
        """What was found with identities and heads."""
        if self._tracker is not None:
            found = self._tracker.told(frame, found)
        calm = self._calm.told(found.predictions, frame.time, options.smoothing)
        found = replace(found, predictions=calm)
        if self._heads is None or frame.picture is None:
            return found
        self._heads.smoothing = options.head_smoothing
        return self._heads.told(frame.picture, found, frame.time)

    def close(self) -> None:
        """Let the head-pose model go."""
        if self._heads is not None:
            self._heads.close()

    def _restart(self, fps: float) -> None:
        skeleton = self._predictor.artifact.skeleton
        self._tracker = tracker_called(*self._asked, skeleton, fps)
