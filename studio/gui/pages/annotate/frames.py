"""People over the frames of a clip: taken along, filled in between keyframes, followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog

from studio.core.annotation import AnnotatedImage, Shape
from studio.core.errors import StudioError
from studio.core.interpolation import between, person, with_people
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui.background import Background
from studio.gui.i18n import joined, tr
from studio.gui.pages.annotate.many import Outcome
from studio.gui.runner import OK, Job
from studio.io import labelme
from studio.io.clips import Frame, frames_of
from studio.io.tracks import read_tracks

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

People = Mapping[int, Sequence[Shape]]
# A keyframe farther away than this is another shot.
REACH = 300
REASONS = {
    "lost": N_("too few of its points could be followed"),
    "cut": N_("the scene changes"),
    "size": N_("the picture has another size"),
    "drift": N_("its size changed beyond belief"),
    "there": N_("the next picture has this person already"),
    "end": N_("the clip ends"),
    "limit": N_("as many frames as asked"),
}


class Frames(QObject):
    """What the page does with people over several pictures; each is one step back."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self._look = Background(self)
        self._read = Background(self)
        self.job: Job | None = None

    def chosen(self) -> dict[int, tuple[Shape, ...]]:
        """The people that are selected; the one in hand; else all of the picture."""
        content = self._page.document.content
        ids = content.group_ids()
        picked = {content.shapes[i].group_id for i in self._page.document.selection}
        groups = [g for g in ids if g in picked]
        if not groups and self._page.editor.person in ids:
            groups = [g for g in ids if g == self._page.editor.person]
        return {g: person(content, g) for g in groups or ids}

    # taken along

    def propagate(self, count: int = 1) -> None:
        """Copy the people to the next `count` pictures of the list."""
        people = self.chosen()
        if not self._some(people):
            return
        here = self._page.document.picture
        around = (self._page.pictures.neighbour(here, n) for n in range(1, count + 1))
        targets = [p for p in dict.fromkeys(around) if p is not None and p != here]
        if not targets:
            self._say(tr("This is the last picture."))
            return
        self._add(dict.fromkeys(targets, people), N_("Copy people to pictures"))

    def ask_propagate(self) -> None:
        """Ask how many pictures get a copy."""
        count, done = QInputDialog.getInt(
            self._page,
            tr("Copy people to the next pictures"),
            tr("How many pictures?"),
            5,
            1,
            10_000,
        )
        if done:
            self.propagate(count)

    # between keyframes

    def interpolate(self) -> None:
        """Fill the frames from here to the nearest ones before and after that have the person.

        Frames that have the person stay as they are.
        """
        people = self.chosen()
        picture = self._page.document.picture
        if not self._some(people) or picture is None:
            return
        self._page.document.save()
        self._look.start(
            lambda: _filled(picture, people),
            self._interpolated,
            self._page.show_problem,
        )

    def _interpolated(self, found: Mapping[Path, People]) -> None:
        if found:
            self._add(found, N_("Interpolate between keyframes"))
        else:
            self._say(
                tr("No other frame of this clip has this person with frames to fill in between.")
            )

    # followed

    def track(self, direction: str = "forward", frames: int | None = None) -> None:
        """Follow the joints through the frames after or before this one, as a job."""
        page = self._page
        people, picture = self.chosen(), page.document.picture
        if not self._some(people) or picture is None:
            return
        if self.job is not None and not self.job.ended:
            self._say(tr("Joints are being tracked already."))
            return
        if not page.document.save():
            return
        limit = frames or page.studio.settings.get("annotate/track_frames", 30)
        options = {
            "picture": str(picture),
            "people": list(people),
            "direction": direction,
            "frames": limit,
            "write": False,
        }
        try:
            self.job = page.studio.runner.start(
                JobSpec("track-points", options), title=tr("Track joints")
            )
        except StudioError as problem:
            page.show_problem(problem)
            return
        job = self.job
        job.state_changed.connect(lambda _state: self._tracked(job))
        self._say(tr("The joints are being followed…"))

    def ask_track(self) -> None:
        """Ask how far the tracking goes, and track forward."""
        settings = self._page.studio.settings
        before = settings.get("annotate/track_frames", 30)
        count, done = QInputDialog.getInt(
            self._page, tr("Track joints"), tr("Frames at most"), before, 1, 100_000
        )
        if done:
            settings.set("annotate/track_frames", count)
            self.track("forward", count)

    def _tracked(self, job: Job) -> None:
        if not job.ended or job is not self.job:
            return
        if job.state != OK:
            if job.problem is not None:
                self._page.show_problem(job.problem)
            return
        path = Path(str(job.result["tracks"]))
        result = dict(job.result)
        self._read.start(
            lambda: dict(read_tracks(path)),
            lambda found: self._add(found, N_("Track joints"), result),
            self._page.show_problem,
        )

    def _add(
        self, found: Mapping[Path, People], title: str, result: Mapping[str, Any] | None = None
    ) -> None:
        def change(picture: Path, image: AnnotatedImage) -> AnnotatedImage | None:
            return with_people(image, found[picture])

        def done(outcome: Outcome) -> None:
            self._done(outcome, len(found), result)

        if found:
            self._page.assist.many.start(title, list(found), change, done)
        elif result is not None:
            self._done(Outcome((), ()), 0, result)

    def _done(self, outcome: Outcome, asked: int, result: Mapping[str, Any] | None) -> None:
        page = self._page
        for problem in outcome.problems[:1]:
            page.show_problem(problem)
            return
        count = len(outcome.changed)
        message = tr("People were added on {count} pictures; undo takes all back.", count=count)
        if result is None:
            if count < asked:
                left = asked - count
                message += " " + tr("{count} have these people already.", count=left)
            self._say(message)
            return
        page.banner.show_message(message, kind="success" if count else "warning", hint=_why(result))

    def _some(self, people: People) -> bool:
        if not people:
            self._say(tr("Select a person first."))
        return bool(people)

    def _say(self, text: str) -> None:
        self._page.editor.said.emit(text)


def _why(result: Mapping[str, Any]) -> str:
    """Where the tracking ended for each person, and why."""
    parts: list[str] = []
    for stop in list(result.get("stopped", ()))[:4]:
        reason = tr(REASONS.get(str(stop["reason"]), str(stop["reason"])))
        name = Path(str(stop["picture"])).name
        parts.append(
            tr("Person {id} up to {name}: {reason}.", id=stop["person"], name=name, reason=reason)
        )
    if result.get("lost"):
        parts.append(tr("{count} joints were lost on the way and are unset.", count=result["lost"]))
    return joined(parts)


def _filled(picture: Path, people: People) -> dict[Path, dict[int, tuple[Shape, ...]]]:
    """What each frame between here and the nearest keyframes gets. Raises StudioError."""
    clip = frames_of(picture)
    at = next(n for n, frame in enumerate(clip) if frame.picture == picture)
    found: dict[Path, dict[int, tuple[Shape, ...]]] = {}
    sides = (clip[at + 1 : at + 1 + REACH], clip[max(0, at - REACH) : at][::-1])
    for side in sides:
        waiting = dict(people)
        passed: list[Frame] = []
        for frame in side:
            there = _annotations(frame.picture)
            for group in [g for g in waiting if g in there.group_ids()]:
                far = person(there, group)
                for between_frame in passed:
                    part = (between_frame.number - clip[at].number) / (
                        (frame.number - clip[at].number) or 1
                    )
                    made = between(waiting[group], far, part)
                    found.setdefault(between_frame.picture, {})[group] = made
                del waiting[group]
            passed.append(frame)
            if not waiting:
                break
    return found


def _annotations(picture: Path) -> AnnotatedImage:
    path = labelme.annotation_path(picture)
    return labelme.read(path) if path.is_file() else AnnotatedImage("")
