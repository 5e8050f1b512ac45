"""The worst pictures first: label and prediction over the photograph, joined joint by joint."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QWidget,
)

from studio.core.options import N_
from studio.gui.background import Background
from studio.gui.evaluation_marks import read_marks, write_marks
from studio.gui.evaluation_report import CLIPS, HEADS, POSE, EvaluationReport, PictureRow
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import icon
from studio.gui.widgets.basics import button, label, row
from studio.gui.widgets.figures import PREDICTED, TRUTH, Figure
from studio.gui.widgets.parts import column, framed
from studio.gui.widgets.people_view import PeopleView
from studio.gui.widgets.picture_grid import PictureGrid, PictureItem

ALL, MARKED = 0, 2
WHICH = (N_("All pictures"), N_("Not marked"), N_("The model's errors"))


class WorstPictures(QWidget):
    """`opened` carries the PictureRow whose label the person wants to mend."""

    opened = Signal(object)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._marked: frozenset[Path] = frozenset()
        # Nothing is marked before the marks there are were read: they would be written over.
        self._marks_known = False
        self._marks_reader, self._marks_writer = Background(self), Background(self)
        self._report: EvaluationReport | None = None
        self._rows: dict[PictureItem, PictureRow] = {}
        self._current: PictureRow | None = None
        self.grid = PictureGrid()
        bind_text(self.grid.setAccessibleName, "Worst pictures")
        self.grid.chosen.connect(self._choose)
        self.grid.opened.connect(lambda item: self.opened.emit(self._rows[item]))
        self.big = PeopleView()
        self.big.opened.connect(self._open)
        self.words = label("", "muted", wrap=True)
        self.mend = button(
            "Open in Annotate", self._open, icon_name="annotate", tooltip="Mend the label"
        )
        self.mark = QPushButton()
        self.mark.setCheckable(True)
        self.mark.setIcon(icon("flag-outline"))
        bind_text(self.mark.setText, "The model's error")
        bind_text(
            self.mark.setToolTip, "The label is right and the model is wrong; kept with the report"
        )
        self.mark.clicked.connect(self.set_mark)
        self.which = QComboBox()
        for title in WHICH:
            self.which.addItem(tr(title))
        bind_text(self.which.setAccessibleName, "Which pictures")
        self.which.currentIndexChanged.connect(self._list)
        translator.language_changed.connect(self._retext)
        self.truth = self._toggle("Label (white)")
        self.predicted = self._toggle("Prediction (pink)")
        self.joins = self._toggle("Distance (yellow)")
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        toggles = row(self.truth, self.predicted, self.joins, None, spacing=16)
        doing = row(None, self.mark, self.mend)
        split = QSplitter()
        split.addWidget(framed("panel", column(self.which, self.grid), 8))
        split.addWidget(framed("panel", column(self.big, self.words, toggles, doing), 16))
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        split.setChildrenCollapsible(False)
        layout = column(split)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._state()

    def _toggle(self, source: str) -> QCheckBox:
        box = QCheckBox()
        bind_text(box.setText, source)
        box.setChecked(True)
        box.toggled.connect(self._redraw)
        return box

    def show_report(self, report: EvaluationReport) -> None:
        """Its pictures, the worst one chosen."""
        self._report = report
        self._marked, self._marks_known = frozenset(), False
        self.grid.set_marked(self._marked)
        self._list()
        self._marks_reader.start(
            lambda: read_marks(report.path), self._show_marks, self.failed.emit
        )

    def marked(self) -> frozenset[Path]:
        """Pictures that show the model's error, as the person said."""
        return self._marked

    def set_mark(self, on: bool) -> None:
        """Say of the picture in hand that the model is wrong on it, or take that back."""
        report, current = self._report, self._current
        if report is None or current is None:
            return
        this = frozenset((current.image,))
        self._marked = self._marked | this if on else self._marked - this
        self.grid.set_marked(self._marked)
        self._state()
        self._save_marks()

    def _save_marks(self) -> None:
        if self._marks_writer.busy or self._report is None:
            return  # the answer to the write in hand looks whether more is to be written
        path, marked = self._report.path, self._marked

        def written(_: None) -> None:
            if self._report is not None and self._report.path == path and self._marked != marked:
                self._save_marks()

        self._marks_writer.start(lambda: write_marks(path, marked), written, self.failed.emit)

    def _show_marks(self, marked: frozenset[Path]) -> None:
        self._marked, self._marks_known = marked, True
        self.grid.set_marked(marked)
        if self.which.currentIndex():
            self._list()
        self._state()

    def _list(self) -> None:
        """Fill the grid with the pictures asked for, the worst one chosen."""
        report = self._report
        if report is None:
            return
        wanted = self.which.currentIndex()
        rows = [
            p
            for p in report.pictures
            if wanted == ALL or (p.image in self._marked) == (wanted == MARKED)
        ]
        items = [_item(p, report.kind) for p in rows]
        self._rows = dict(zip(items, rows, strict=True))
        self._current = None
        self.big.clear()
        self.grid.set_items(items, report.skeleton)
        if items:
            self.grid.choose(0)
        self._state()

    def _retext(self) -> None:
        for number, title in enumerate(WHICH):
            self.which.setItemText(number, tr(title))
        self._state()

    def _choose(self, item: PictureItem) -> None:
        self._current = self._rows.get(item)
        if self._current is not None and self._report is not None:
            self.big.show_picture(item.path, self._figures(), self._report.skeleton)
        self._state()

    def _figures(self) -> tuple[Figure, ...]:
        if self._current is None:
            return ()
        return figures_of(
            self._current,
            truth=self.truth.isChecked(),
            predicted=self.predicted.isChecked(),
            joins=self.joins.isChecked(),
        )

    def _redraw(self) -> None:
        self.big.set_figures(self._figures())

    def _open(self) -> None:
        if self._current is not None:
            self.opened.emit(self._current)

    def _state(self) -> None:
        current = self._current
        self.mend.setEnabled(current is not None)
        self.mark.setEnabled(current is not None and self._marks_known)
        self.mark.setChecked(current is not None and current.image in self._marked)
        if current is None:
            self.words.setText("")
            return
        kind = self._report.kind if self._report is not None else POSE
        self.words.setText(words_of(current, kind))


def words_of(picture: PictureRow, kind: str) -> str:
    """What went wrong on a picture, in a line."""
    known = math.isfinite(picture.likeness)
    if kind == HEADS:
        angles = picture.people[0].angles if picture.people else None
        turns = "" if angles is None else "; ".join(
            tr("{angle} {true} labelled, {found} found", angle=tr(title), true=f"{t:.0f}°",
               found=f"{f:.0f}°")
            for title, t, f in zip((N_("Yaw"), N_("Pitch"), N_("Roll")), *angles, strict=True)
        )  # fmt: skip
        off = f"{picture.likeness:.1f}°" if known else "–"
        return tr("{name}: {off} off. {turns}", name=picture.image.name, off=off, turns=turns)
    values: dict[str, object] = {
        "name": picture.image.name,
        "missed": picture.missed,
        "false": picture.false,
    }
    likeness = f"{picture.likeness:.2f}" if known else "–"
    if kind == CLIPS:
        return tr("{name}: likeness {likeness}, {missed} missed, {false} found that are not there",
                  likeness=likeness, **values)  # fmt: skip
    return tr("{name}: OKS {oks}, {missed} people missed, {false} found that are not there",
              oks=likeness, **values)  # fmt: skip


def figures_of(
    picture: PictureRow, *, truth: bool = True, predicted: bool = True, joins: bool = True
) -> tuple[Figure, ...]:
    """What to draw of a picture: labels, predictions and the lines between them."""
    found: list[Figure] = []
    for person in picture.people:
        pair = person.predicted if joins else None
        if truth and person.truth is not None:
            found.append(Figure(person.truth, TRUTH, pair=pair))
        if predicted and person.predicted is not None:
            found.append(Figure(person.predicted, PREDICTED))
    return tuple(found)


def _item(picture: PictureRow, kind: str) -> PictureItem:
    form = "{:.1f}°" if kind == HEADS else "{:.2f}"
    badge = form.format(picture.likeness) if math.isfinite(picture.likeness) else "–"
    return PictureItem(picture.image, picture.image.name, badge=badge, figures=figures_of(picture))
