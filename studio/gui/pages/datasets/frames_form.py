"""Which frames of a video become pictures: the job's options, and how many pictures that makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox

from studio.gui.forms import OptionsForm
from studio.gui.i18n import tr
from studio.gui.pages.datasets.recognise import Recognised, frames_between, frames_taken
from studio.gui.suggestions import suggestions
from studio.registry.jobs import job_entry

if TYPE_CHECKING:
    from studio.gui.context import StudioContext

OWN_FIELDS = ("video", "output", "name")
# Fields that only one way of choosing looks at.
ONLY_FOR = {
    "difference": "difference",
    "model": "doubt",
    "apart": "doubt",
    "imgsz": "doubt",
    "precision": "doubt",
    "device": "doubt",
}
# Where no limit is given, as the job has it.
MOST_DOUBTED = 50


class FramesForm(OptionsForm):
    """The options of the job `frames`, without those that the import decides."""

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(
            job_entry("frames").options_class(), suggestions=suggestions(studio), skip=OWN_FIELDS
        )
        self.changed.connect(self._follow)
        self._follow()

    def read(self, name: str) -> Any:
        """What stands in a field; None where that is no value."""
        editor = self.editors.get(name)
        return editor.value() if editor is not None and editor.problem() is None else None

    def words(self, video: Recognised) -> str:
        """The video, and how many pictures will come of it."""
        size = f"{video.size[0]} × {video.size[1]}"
        words = [size, f"{video.fps:g} fps", tr("{count} frames", count=video.frames)]
        begin, end = self.read("start") or 0.0, self.read("end")
        count = frames_between(video.frames, video.fps, begin, end)
        choose, limit = self.read("choose"), int(self.read("limit") or 0)
        most = limit or (MOST_DOUBTED if choose == "doubt" else 0)
        taken = frames_taken(count, int(self.read("every") or 1), most)
        if choose == "every":
            words.append(tr("{count} pictures will be made", count=taken))
        else:
            words.append(tr("at most {count} pictures will be made", count=taken))
        return " · ".join(words)

    def _follow(self) -> None:
        """Show the fields that count; to go by doubt a model is needed: the first is a guess."""
        choose = self.read("choose")
        for name, only in ONLY_FOR.items():
            if name in self.editors:
                self.editors[name].setVisible(choose == only)
        model = self.editors["model"]
        offered = model.input
        if choose == "doubt" and not model.text() and isinstance(offered, QComboBox):
            if offered.count():
                model.set_value(offered.itemData(0))
            self._check()
