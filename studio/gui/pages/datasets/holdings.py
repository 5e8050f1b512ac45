"""What a dataset holds, as bars: people, sizes, joints, completeness; saved as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QWidget

from studio.core.names import spoken
from studio.core.options import N_
from studio.gui.background import Background
from studio.gui.i18n import tr, translator
from studio.gui.widgets.bars import Bar, Bars, Legend
from studio.gui.widgets.basics import button, label
from studio.gui.widgets.parts import Figure, column, row

if TYPE_CHECKING:
    from studio.io.statistics import Statistics

SIZES = (("small", N_("Small")), ("medium", N_("Medium")), ("large", N_("Large")))
# More people in a picture, or more picture sizes and labels, share one last bar.
MOST_PEOPLE, MOST_ROWS = 8, 6
HEIGHTS = ("5 %", "25 %", "50 %", "75 %", "95 %")


class Holdings(QWidget):
    """The counts of `io/statistics.py`; `saved` carries the path of a table that was written."""

    saved = Signal(object)
    failed = Signal(object)

    def __init__(self, margin: int = 16) -> None:
        super().__init__()
        self.statistics: Statistics | None = None
        self._name = ""
        self._writer = Background(self)
        self.figures = {
            "empty": Figure(N_("Without people")),
            "crowds": Figure(N_("Crowds"), N_("Marked as a group; not counted as people")),
            "whole": Figure(N_("All joints set"), N_("People with every joint of the skeleton")),
            "hidden": Figure(N_("Hidden joints")),
            "outside": Figure(N_("Outside"), N_("Joints that lie outside of their picture")),
        }
        self.save = button("Save as CSV…", self._ask_save, icon_name="table")
        self.per_picture, self.sizes, self.heights = Bars(), Bars(), Bars()
        self.picture_sizes, self.completeness = Bars(), Bars()
        self.joints = Bars(("series_1", "series_2"))
        legend = Legend((("series_1", N_("Visible")), ("series_2", N_("Hidden"))))
        left = column(
            label("People in a picture", "title"), self.per_picture, 16,
            label("Size of people", "title"),
            label("By the area of the box, as COCO counts: 32² and 96² pixels.", "hint", wrap=True),
            self.sizes, 16,
            label("Height of people", "title"),
            label("In pixels; so many of the people are at most as high.", "hint", wrap=True),
            self.heights, 16,
            label("Size of pictures", "title"), self.picture_sizes, None,
        )  # fmt: skip
        right = column(
            label("Joints", "title"), legend, self.joints, 16,
            label("Joints set on a person", "title"), self.completeness, None,
        )  # fmt: skip
        grid = QGridLayout()
        grid.setHorizontalSpacing(40)
        grid.addLayout(left, 0, 0)
        grid.addLayout(right, 0, 1)
        for each in (0, 1):
            grid.setColumnStretch(each, 1)
        head = row(*self.figures.values(), None, self.save, spacing=24)
        layout = column(head, grid, spacing=16)
        layout.setContentsMargins(margin, margin, margin, margin)
        self.setLayout(layout)
        translator.language_changed.connect(self._show)
        self._show()

    def show_statistics(self, name: str, statistics: Statistics | None) -> None:
        """Show these counts of the dataset `name`; None while they are not known."""
        self._name, self.statistics = name, statistics
        self._show()

    def write(self, path: Path) -> None:
        """Save the counts as a table, in the background."""
        statistics = self.statistics
        if statistics is None:
            return

        def work() -> Path:
            from studio.io.statistics import write_csv

            write_csv(path, statistics)
            return path

        self._writer.start(work, self.saved.emit, self.failed.emit)

    def _ask_save(self) -> None:
        start = str(Path.home() / f"{self._name}.csv")
        chosen, _ = QFileDialog.getSaveFileName(self, tr("Save as CSV…"), start, "CSV (*.csv)")
        if chosen:
            path = Path(chosen)
            self.write(path if path.suffix else path.with_suffix(".csv"))

    def _show(self) -> None:
        found = self.statistics
        self.save.setEnabled(found is not None)
        if found is None:
            return
        whole = found.completeness[-1] if found.completeness else 0
        values = {
            "empty": found.empty,
            "crowds": found.crowds,
            "whole": whole,
            "hidden": sum(j.hidden for j in found.joints),
            "outside": sum(j.outside for j in found.joints),
        }
        for key, value in values.items():
            self.figures[key].set_value(f"{value}")
        self.per_picture.set_bars(_people(found.people_per_picture))
        self.sizes.set_bars([_bar(title, found.sizes.get(key, 0)) for key, title in SIZES])
        self.heights.set_bars(
            [
                Bar(share, (value,), f"{value:.0f}")
                for share, value in zip(HEIGHTS, found.heights, strict=False)
            ]
        )
        self.picture_sizes.set_bars(_picture_sizes(found.picture_sizes))
        self.joints.set_bars(
            [
                Bar(
                    spoken(j.name),
                    (float(j.visible), float(j.hidden)),
                    f"{j.visible + j.hidden}",
                    tr("{name}: {visible} visible, {hidden} hidden, {absent} not labelled",
                       name=spoken(j.name), visible=j.visible, hidden=j.hidden,
                       absent=j.absent + j.missing),
                )
                for j in found.joints
            ],
            top=float(found.people),
        )  # fmt: skip
        self.completeness.set_bars([_bar(str(n), c) for n, c in enumerate(found.completeness) if c])


def _bar(name: str, count: int) -> Bar:
    return Bar(name, (float(count),), f"{count}")


def _people(counts: Mapping[int, int]) -> list[Bar]:
    """From none up; the last bar holds that many and more."""
    most = min(max(counts, default=0), MOST_PEOPLE)
    bars = [_bar(str(n), counts.get(n, 0)) for n in range(most)]
    more = sum(c for n, c in counts.items() if n >= most)
    several = any(n > most for n in counts)
    return [*bars, _bar(f"{most}+" if several else str(most), more)]


def _picture_sizes(counts: Mapping[tuple[int, int], int]) -> list[Bar]:
    """The most frequent first, the rest together."""
    listed = list(counts.items())
    bars = [_bar(f"{w} × {h}", c) for (w, h), c in listed[:MOST_ROWS]]
    rest = sum(c for _, c in listed[MOST_ROWS:])
    return [*bars, _bar(N_("Others"), rest)] if rest else bars
