"""A live session from its start to its end."""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from studio.core.errors import DeviceError, FormatError, StudioError, UsageError
from studio.core.job import JobContext
from studio.core.requests.live import CHANGEABLE, LiveOptions
from studio.jobs.live.flow import Flow, Watched
from studio.jobs.live.keeping import Keeper
from studio.jobs.live.people import People
from studio.jobs.live.window import Window
from studio.runtime.capture import PICTURES_PER_SECOND, Capture, Rate, opened
from studio.runtime.outlets import Outlets
from studio.runtime.predictor import Found, PeopleFinder, predictor_for
from studio.runtime.results import prediction_to_values
from studio.runtime.sources import CAMERA, STREAM, CameraWish, Source, SourceFrame, cut_short
from studio.runtime.stages import one_opencv_thread
from studio.runtime.stream_source import without_password

STATUS = "status"
_RETRY_SECONDS = 1.0
_POLL_SECONDS = 0.2
# Whoever gives nothing for so long is said to have stalled.
_STALL_SECONDS = 3.0


def run(options: LiveOptions, context: JobContext) -> dict[str, Any]:
    """See the package. Raises DeviceError, FileProblem, ModelError, UsageError."""
    wish = CameraWish(options.width, options.height, options.fps)
    source = opened(options.source, wish, lambda: context.stop_requested)
    if options.check_only:
        return {"source": _described(source)}
    if source is None:
        return Session.nothing()
    with (
        one_opencv_thread(),
        predictor_for(
            options, max_people=options.max_people, throughput=not source.live
        ) as predictor,
    ):
        session = Session(options, context, predictor)
        try:
            while source is not None:
                session.watch(source)
                source = session.again(source, wish)
        finally:
            session.close()
    return session.result()


def written(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of the options stands in the job's folder: addresses without their passwords."""
    bare = {k: without_password(str(options[k])) for k in ("source", "serve") if options.get(k)}
    return {**options, **bare}


class Session:
    """One model, one source, whatever happens to either."""

    def __init__(self, options: LiveOptions, context: JobContext, predictor: PeopleFinder) -> None:
        self._options = options
        self._context = context
        self._predictor = predictor
        self._people = People(options, predictor)
        self._window = Window(context, predictor)
        self._keeper = Keeper(context, predictor, self._status)
        self._outlets = Outlets(predictor.artifact)
        self._rate = Rate()
        self._started = time.perf_counter()
        self._frames = self._found = self._dropped = 0
        self._stages: defaultdict[str, float] = defaultdict(float)
        self._problems: list[dict[str, str]] = []
        self._number = 0
        self._base = self._moment = 0.0
        self._waits = ""
        self._away = False
        engine, asked = predictor.engine, options.precision
        if asked not in ("auto", engine.precision):
            context.log(f"This device computes in {engine.precision}, not in {asked}.", "warning")
        self._serve(options.serve)

    def watch(self, source: Source) -> None:
        """Everything from one opening of the source to its end."""
        # Every opening counts its time from 0; the session's own goes on.
        if source.live:
            self._base = time.perf_counter() - self._started
        elif self._number:
            self._base = self._moment + 1 / (source.fps or PICTURES_PER_SECOND)
        self._people.begin(source, again=self._away)
        self._away = False
        capture = Capture(source, self._options.fps)
        flow = Flow(capture, self._predictor, self._begin)
        dropped = self._dropped
        self._status("running", f"Watching {source.name}.")
        self._waits = ""
        try:
            while not self._context.stop_requested:
                self._obey(self._context.control.take_values())
                step = flow.step(_POLL_SECONDS)
                self._dropped = dropped + capture.dropped
                if step is not None:
                    self._show(*step, source, capture)
                elif flow.ended:
                    self._check_whole(source, capture)
                    break
                else:
                    self._check_silence(source, capture)
        finally:
            capture.close()

    def again(self, source: Source, wish: CameraWish) -> Source | None:
        """The source opened once more: a camera that went away as soon as it is back, a file
        when it shall repeat. None where the session ends.
        """
        self._away = source.live and source.kind in (CAMERA, STREAM)
        if self._context.stop_requested:
            return None
        if not self._away and not (self._options.loop and self._frames):
            self._status("ended", f"{source.name} has ended.")
            return None
        if self._away:
            self._status("waiting", f"{source.name} went away; it is waited for.")
        while not self._context.stop_requested:
            self._obey(self._context.control.take_values())
            try:
                return opened(self._options.source, wish, lambda: self._context.stop_requested)
            except (DeviceError, FormatError) as error:
                if not self._away:
                    raise
                # Not there yet: that is what is waited for.
                self._waits = error.message
                self._rest(_RETRY_SECONDS)
        return None

    def close(self) -> None:
        """Finish the recording and let everything go."""
        try:
            self._keeper.end_recording()
        finally:
            self._outlets.close()
            self._people.close()
            self._window.close()

    def result(self) -> dict[str, Any]:
        """What the session was."""
        seconds = time.perf_counter() - self._started
        frames = max(self._frames, 1)
        return {
            "frames": self._frames,
            "people": self._found,
            "dropped": self._dropped,
            "seconds": round(seconds, 3),
            "fps": round(self._frames / seconds, 2) if seconds else 0.0,
            "stages_ms": {k: round(v / frames, 3) for k, v in sorted(self._stages.items())},
            "problems": self._problems,
            "saved": [str(p) for p in self._keeper.saved],
        }

    @staticmethod
    def nothing() -> dict[str, Any]:
        """The result of a session that was stopped before its source opened."""
        return {"frames": 0, "people": 0, "dropped": 0, "seconds": 0.0, "fps": 0.0,
                "stages_ms": {}, "problems": [], "saved": []}  # fmt: skip

    def _begin(self, frame: SourceFrame, taken: float) -> Watched | None:
        if frame.picture is None:
            if frame.problem is not None:
                self._problem(frame.problem.where or frame.name, frame.problem.message)
            return None
        # What is dropped has no number: trackers see frames without a gap.
        frame = dataclasses.replace(frame, index=self._number, time=self._base + frame.time)
        self._number += 1
        self._moment = frame.time
        ticket = self._people.submit(frame)
        assert frame.picture is not None
        # The copy into shared memory runs while the network computes.
        return Watched(frame, ticket, *self._window.put(frame.picture), taken)

    def _show(self, watched: Watched, found: Found, source: Source, capture: Capture) -> None:
        frame = watched.frame
        assert frame.picture is not None
        if self._waits:
            self._waits = ""
            self._status("running", f"Watching {source.name}.")
        found = self._people.told(frame, found, self._options)
        self._rate.tick()
        self._keeper.keep(frame, found, source, self._options, self._rate.value)
        recorded = self._keeper.milliseconds
        timings = found.timings | ({} if recorded is None else {"record": recorded})
        timings["latency"] = (time.perf_counter() - watched.taken) * 1000
        size = (frame.picture.shape[1], frame.picture.shape[0])
        told = {
            "index": frame.index,
            "time": round(frame.time, 6),
            "taken": round(watched.taken, 6),
            "predictions": [prediction_to_values(p) for p in found.predictions],
            "timings": {k: round(v, 3) for k, v in timings.items()},
            "fps": {"capture": round(capture.rate.value, 2), "infer": round(self._rate.value, 2)},
            "dropped": self._dropped,
        }
        seen = {"slot": watched.slot, "seq": watched.seq, "recording": self._keeper.recording}
        self._window.show(watched.ring, source, size, told | seen)
        self._outlets.send({**told, "source": source.name, "width": size[0], "height": size[1]})
        if problem := self._outlets.problem():
            self._context.log(problem, level="warning")
        for stage, milliseconds in timings.items():
            self._stages[stage] += milliseconds
        self._frames += 1
        self._found += len(found.predictions)

    def _check_silence(self, source: Source, capture: Capture) -> None:
        if source.live and not self._waits and capture.silent >= _STALL_SECONDS:
            self._waits = "stalled"
            self._status("stalled", f"{source.name} gives nothing; it is waited for.")

    def _check_whole(self, source: Source, capture: Capture) -> None:
        said = cut_short(source, capture.count)
        if said:
            self._problem(self._options.source, said)

    def _problem(self, where: str, message: str) -> None:
        problem = {"where": where, "message": message}
        if problem in self._problems:
            # A source that repeats brings it again each time.
            return
        self._problems.append(problem)
        self._context.log(f"{where}: {message}", level="warning")

    def _obey(self, values: Mapping[str, Any]) -> None:
        """Change options while running; what cannot be is said and changes nothing."""
        if not values:
            return
        wanted = dict(values)
        if wanted.pop("snapshot", False):
            self._keeper.snap()
        known = {k: v for k, v in wanted.items() if k in CHANGEABLE}
        try:
            if len(known) != len(wanted):
                unknown = ", ".join(sorted(set(wanted) - set(known)))
                raise UsageError(f"These cannot be changed while Live runs: {unknown}.")
            options = LiveOptions.from_mapping(self._options.to_mapping() | known).validated()
            if options.serve != self._options.serve:
                # Where the new address cannot be had, the old one is given up all the same.
                self._options = dataclasses.replace(self._options, serve="")
                self._serve(options.serve)
        except StudioError as error:
            self._context.log(str(error), level="warning")
            return
        self._options = options
        self._predictor.conf = options.conf
        self._predictor.iou = options.iou
        self._predictor.max_people = options.max_people
        self._keeper.obey(options, frozenset(known))

    def _serve(self, address: str) -> None:
        said = self._outlets.serve(address)
        if said:
            self._status("serving", said)

    def _status(self, state: str, message: str, hint: str = "") -> None:
        more = {"hint": hint} if hint else {}
        self._context.event(STATUS, state=state, message=message, **more)

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._context.stop_requested:
            time.sleep(0.1)


def _described(source: Source | None) -> dict[str, Any]:
    """Name, kind, size and rate of a source that was opened to be looked at."""
    if source is None:
        return {}
    try:
        size = source.size
        if not all(size):
            pictures = (frame.picture for frame in source)
            first = next((p for p in pictures if p is not None), None)
            size = (0, 0) if first is None else (int(first.shape[1]), int(first.shape[0]))
        return {"name": source.name, "kind": source.kind, "fps": source.fps,
                "width": size[0], "height": size[1]}  # fmt: skip
    finally:
        source.close()
