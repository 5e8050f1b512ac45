"""A report, or several side by side: figures, curves, details, and the pictures it went wrong on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QSplitter, QTabWidget, QWidget

from studio.core.options import N_
from studio.gui.evaluation_report import CLIPS, HEADS, POSE, EvaluationReport
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.evaluate.curves import ReportCurves
from studio.gui.pages.evaluate.details import ReportDetails
from studio.gui.pages.evaluate.worst import WorstPictures
from studio.gui.widgets.basics import ElidedLabel, button, label, row
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import Figure, column, framed
from studio.metrics.names import measure

# What stands large above the tabs, by kind: figures, then how many were judged.
FIGURES = {
    POSE: ("AP", "AP50", "AR"),
    CLIPS: ("HOTA-KP", "DetA", "AssA", "joint-error"),
    HEADS: ("geodesic", "MAE", "official-MAE"),
}
COUNTS = {
    POSE: (N_("Pictures"), N_("People")),
    CLIPS: (N_("Frames"), N_("Instances")),
    HEADS: (N_("Pictures"), N_("Heads")),
}


class ReportView(QWidget):
    """`picture_opened` carries the PictureRow to mend in Annotate."""

    picture_opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.reports: tuple[EvaluationReport, ...] = ()
        self.heading = label("", "heading")
        self.place = ElidedLabel()
        self.place.setProperty("role", "hint")
        self.left_out = label(
            "Reports of another kind of model cannot stand beside this one.", "hint", wrap=True
        )
        self.left_out.hide()
        self._by_kind = {kind: _figures(kind) for kind in FIGURES}
        self._rows: dict[str, QWidget] = {}
        for kind, figures in self._by_kind.items():
            self._rows[kind] = QWidget()
            self._rows[kind].setLayout(row(*figures.values(), None, spacing=24))
            if kind != POSE:
                self._rows[kind].hide()
        head = row(spacing=8)
        head.addLayout(column(self.heading, self.place, spacing=0), 1)
        head.addWidget(button("Open report", self._open_report, role="quiet", icon_name="external"))
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.worst = WorstPictures()
        self.worst.opened.connect(self.picture_opened)
        self.details = ReportDetails()
        for widget in (self._overview(), framed("panel", column(self.details), 16), self.worst):
            self.tabs.addTab(widget, "")
        top = framed("panel", column(head, *self._rows.values(), self.left_out), 16)
        self.setLayout(column(top, self.tabs, spacing=0))
        translator.language_changed.connect(self._retext)
        self._retext()

    @property
    def kind(self) -> str:
        """What was judged in the report in hand."""
        return self.reports[0].kind if self.reports else POSE

    @property
    def figures(self) -> dict[str, Figure]:
        """The large figures of the report in hand, by name."""
        return self._by_kind[self.kind]

    def _overview(self) -> QWidget:
        self.metrics = MetricTable([Column(N_("Metric"))], sortable=False)
        bind_text(self.metrics.setAccessibleName, "Metrics")
        self.curves = ReportCurves()
        split = QSplitter()
        split.addWidget(framed("panel", column(self.metrics), 16))
        split.addWidget(framed("panel", column(self.curves), 16))
        split.setSizes([380, 480])
        split.setChildrenCollapsible(False)
        return split

    def show_reports(self, reports: Sequence[EvaluationReport]) -> None:
        """The first is the one in hand; others of its kind stand beside it in tables and plots."""
        first = reports[0]
        self.reports = tuple(r for r in reports if r.kind == first.kind)
        self.left_out.setVisible(len(self.reports) < len(reports))
        self.heading.setText(first.title)
        self.place.setText(str(first.model))
        for kind, widget in self._rows.items():
            widget.setVisible(kind == first.kind)
        for name in FIGURES[first.kind]:
            value = first.metrics.get(name, math.nan)
            text = measure(name).text(value) if math.isfinite(value) else ""
            self.figures[name].set_value(text)
        self.figures["pictures"].set_value(str(first.picture_count))
        self.figures["people"].set_value(str(first.people_count))
        speed = first.milliseconds
        known = math.isfinite(speed) and speed > 0
        self.figures["speed"].set_value(f"{speed:.0f} ms" if known else "")
        self.worst.show_report(first)
        self._retext()

    def _show_metrics(self, names: Sequence[str]) -> None:
        reports = self.reports
        columns = [Column(N_("Metric")), *(Column(n) for n in names)]
        if len(reports) == 2:
            columns.append(Column(N_("Difference"), "+.3f"))
        rows = []
        tips = []
        for name in reports[0].metric_names():
            known = measure(name)
            values = [r.metrics.get(name, math.nan) for r in reports]
            extra = [values[1] - values[0]] if len(reports) == 2 else []
            title = tr(known.title) if known.title else name
            rows.append((title, *(known.text(v) for v in values), *extra))
            tips.append(tr(known.help) if known.help else "")
        self.metrics.set_rows(rows, columns)
        self.metrics.set_row_tooltips(tips)

    def _open_report(self) -> None:
        if self.reports:
            page = self.reports[0].path.with_suffix(".html")
            path = page if page.is_file() else self.reports[0].path
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _retext(self) -> None:
        if self.reports:
            names = _names(self.reports)
            self._show_metrics(names)
            self.details.show_reports(self.reports, names)
            self.curves.show_reports(self.reports, names)
        self.tabs.setTabText(0, tr("Metrics"))
        self.tabs.setTabText(1, self.details.title(self.kind))
        self.tabs.setTabText(2, tr("Worst pictures"))


def _figures(kind: str) -> dict[str, Figure]:
    found = {}
    for name in FIGURES[kind]:
        known = measure(name)
        found[name] = Figure(known.title or name, known.help)
    pictures, people = COUNTS[kind]
    found["pictures"], found["people"] = Figure(pictures), Figure(people)
    found["speed"] = Figure(N_("Time a picture"))
    return found


def _names(reports: Sequence[EvaluationReport]) -> list[str]:
    """Titles that tell the reports apart, as short as that allows."""
    if len(reports) == 1:
        return [tr("Value")]
    names = [r.title.split(" · ")[0] for r in reports]
    if len(set(names)) < len(names):
        names = [r.title for r in reports]
    return [n if names.count(n) == 1 else f"{n} ({i + 1})" for i, n in enumerate(names)]
