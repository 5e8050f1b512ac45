"""A report, or several side by side: table, joints, curves, and the pictures it went wrong on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QSplitter, QTabWidget, QWidget

from studio.core.options import N_
from studio.gui.evaluation_report import EvaluationReport
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.evaluate.worst import WorstPictures
from studio.gui.widgets.basics import ElidedLabel, button, label, row
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import Figure, column, framed
from studio.gui.widgets.plots import Curve, LinePlot

EXPLAINED = {
    "AP": N_("Mean precision over OKS 0.50 to 0.95, the figure to compare by"),
    "AP50": N_("Precision at OKS 0.50: roughly the right place"),
    "AP75": N_("Precision at OKS 0.75: close"),
    "APM": N_("Only people of 32² to 96² pixels"),
    "APL": N_("Only people above 96² pixels"),
    "AR": N_("Mean recall over OKS 0.50 to 0.95"),
    "AR50": N_("Recall at OKS 0.50"),
    "AR75": N_("Recall at OKS 0.75"),
    "ARM": N_("Recall of people of 32² to 96² pixels"),
    "ARL": N_("Recall of people above 96² pixels"),
}
PR_LINES = ("0.50", "0.75", "0.50:0.95")


class ReportView(QWidget):
    """`picture_opened` carries the PictureRow to mend in Annotate."""

    picture_opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.reports: tuple[EvaluationReport, ...] = ()
        self.heading = label("", "heading")
        self.place = ElidedLabel()
        self.place.setProperty("role", "hint")
        self.figures = {
            "AP": Figure("AP", EXPLAINED["AP"]),
            "AP50": Figure("AP50", EXPLAINED["AP50"]),
            "AR": Figure("AR", EXPLAINED["AR"]),
            "pictures": Figure(N_("Pictures")),
            "people": Figure(N_("People")),
            "speed": Figure(N_("Time a picture")),
        }
        head = row(spacing=8)
        head.addLayout(column(self.heading, self.place, spacing=0), 1)
        head.addWidget(button("Open report", self._open_report, role="quiet", icon_name="external"))
        figures = row(*self.figures.values(), None, spacing=24)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.worst = WorstPictures()
        self.worst.opened.connect(self.picture_opened)
        for widget in (self._overview(), self._joints(), self.worst):
            self.tabs.addTab(widget, "")
        self.setLayout(column(framed("panel", column(head, figures), 16), self.tabs, spacing=0))
        translator.language_changed.connect(self._retext)
        self._retext()

    def _overview(self) -> QWidget:
        self.metrics = MetricTable([Column(N_("Metric"))], sortable=False)
        bind_text(self.metrics.setAccessibleName, "Metrics")
        self.precision_recall = LinePlot(N_("Precision and recall"), N_("Recall"), last=False)
        self.pck = LinePlot(
            N_("PCK: share of joints within a distance"), N_("Distance"), last=False
        )
        for plot in (self.precision_recall, self.pck):
            plot.set_y_range(0.0, 1.0)
        curves = QWidget()
        curves.setLayout(column(self.precision_recall, self.pck, spacing=16))
        split = QSplitter()
        split.addWidget(framed("panel", column(self.metrics), 16))
        split.addWidget(framed("panel", column(curves), 16))
        split.setSizes([380, 480])
        split.setChildrenCollapsible(False)
        return split

    def _joints(self) -> QWidget:
        self.joints = MetricTable([Column(N_("Joint"))])
        bind_text(self.joints.setAccessibleName, "Joints")
        hint = label(
            "Error: mean distance between label and prediction, in pixels and in parts of the "
            "person's size. PCK: share of joints that are close enough.",
            "hint",
            wrap=True,
        )
        return framed("panel", column(hint, self.joints), 16)

    def show_reports(self, reports: Sequence[EvaluationReport]) -> None:
        """The first is the one in hand; the others stand beside it in tables and plots."""
        self.reports = tuple(reports)
        first = self.reports[0]
        self.heading.setText(first.title)
        self.place.setText(str(first.model))
        for key in ("AP", "AP50", "AR"):
            value = first.metrics.get(key, math.nan)
            self.figures[key].set_value(f"{value:.3f}" if math.isfinite(value) else "")
        self.figures["pictures"].set_value(str(first.picture_count))
        self.figures["people"].set_value(str(first.people_count))
        speed = first.milliseconds
        self.figures["speed"].set_value(f"{speed:.0f} ms" if math.isfinite(speed) else "")
        self._show_tables()
        self._show_curves()
        self.worst.show_report(first)
        self._retext()

    def _show_tables(self) -> None:
        names = _names(self.reports)
        reports = self.reports
        columns = [Column(N_("Metric")), *(Column(n, ".3f") for n in names)]
        if len(reports) == 2:
            columns.append(Column(N_("Difference"), "+.3f"))
        rows = []
        for metric in reports[0].metric_names():
            values = [r.metrics.get(metric, math.nan) for r in reports]
            extra = [values[1] - values[0]] if len(reports) == 2 else []
            rows.append((metric, *values, *extra))
        self.metrics.set_rows(rows, columns)
        self.metrics.set_row_tooltips([tr(EXPLAINED.get(r[0], "")) for r in rows])
        self._show_joints(names)

    def _show_joints(self, names: list[str]) -> None:
        columns = [Column(N_("Joint")), Column(N_("Labelled"))]
        several = len(names) > 1
        for name in names:
            before = f"{name}: " if several else ""
            columns += [
                Column(f"{before}px" if several else N_("Error, pixels"), ".1f"),
                Column(f"{before}%" if several else N_("Error, of size"), ".1%"),
                Column(f"{before}PCK" if several else "PCK", ".1%"),
            ]
        others = [{j.name: j for j in r.joints} for r in self.reports[1:]]
        rows = []
        for joint in self.reports[0].joints:
            cells: list[object] = [joint.name, joint.count]
            for j in (joint, *(o.get(joint.name) for o in others)):
                cells += [None] * 3 if j is None else [j.error_px, j.error_rel, j.pck]
            rows.append(tuple(cells))
        self.joints.set_rows(rows, columns)

    def _show_curves(self) -> None:
        several = len(self.reports) > 1
        precision, pck = [], []
        for number, (name, report) in enumerate(
            zip(_names(self.reports), self.reports, strict=True)
        ):
            lines = [k for k in PR_LINES if k in report.precision_recall]
            for position, key in enumerate(lines[-1:] if several else lines):
                x, y = report.precision_recall[key]
                title = name if several else f"OKS {key}"
                precision.append(Curve(title, x, y, number if several else position))
            if "all" in report.pck:
                x, y = report.pck["all"]
                pck.append(Curve(name if several else "PCK", x, y, number))
        self.precision_recall.set_curves(precision)
        self.pck.set_curves(pck)

    def _open_report(self) -> None:
        if self.reports:
            page = self.reports[0].path.with_suffix(".html")
            path = page if page.is_file() else self.reports[0].path
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _retext(self) -> None:
        self.tabs.setTabText(0, tr("Metrics"))
        self.tabs.setTabText(1, tr("Joints"))
        self.tabs.setTabText(2, tr("Worst pictures"))


def _names(reports: Sequence[EvaluationReport]) -> list[str]:
    """Titles that tell the reports apart, as short as that allows."""
    if len(reports) == 1:
        return [tr("Value")]
    names = [r.title.split(" · ")[0] for r in reports]
    if len(set(names)) < len(names):
        names = [r.title for r in reports]
    return [n if names.count(n) == 1 else f"{n} ({i + 1})" for i, n in enumerate(names)]
