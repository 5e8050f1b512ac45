"""The two plots of a report: which curves they show follows from what was judged."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from studio.core.options import N_
from studio.gui.evaluation_report import CLIPS, HEADS, POSE, EvaluationReport
from studio.gui.i18n import tr
from studio.gui.widgets.parts import column
from studio.gui.widgets.plots import Curve, LinePlot

PR_LINES = ("0.50", "0.75", "0.50:0.95")
ANGLE_TITLES = {"yaw": N_("Yaw"), "pitch": N_("Pitch"), "roll": N_("Roll")}


class ReportCurves(QWidget):
    """Shows the plots of the reports' kind; the others are hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.precision_recall = LinePlot(N_("Precision and recall"), N_("Recall"), last=False)
        self.hota = LinePlot(N_("HOTA over the threshold α"), "α", last=False)
        self.pck = LinePlot(
            N_("PCK: share of joints within a distance"), N_("Distance"), last=False
        )
        self.against = LinePlot(
            N_("Error against the true angle, in degrees"), N_("True angle"), last=False
        )
        self.within = LinePlot(
            N_("Share of heads within an error"), N_("Geodesic error, degrees"), last=False
        )
        for plot in (self.precision_recall, self.hota, self.pck, self.within):
            plot.set_y_range(0.0, 1.0)
        self._plots = {
            self.precision_recall: (POSE,),
            self.hota: (CLIPS,),
            self.pck: (POSE, CLIPS),
            self.against: (HEADS,),
            self.within: (HEADS,),
        }
        self.setLayout(column(*self._plots, spacing=16))

    def show_reports(self, reports: Sequence[EvaluationReport], names: Sequence[str]) -> None:
        """Reports of one kind with what each is called; one alone shows more of itself."""
        kind = reports[0].kind
        for plot, kinds in self._plots.items():
            plot.setVisible(kind in kinds)
        rows = list(zip(names, reports, strict=True))
        self.precision_recall.set_curves(_precision(rows))
        self.hota.set_curves(_hota(rows))
        self.pck.set_curves(
            [
                Curve(name if len(rows) > 1 else "PCK", *report.pck["all"], number)
                for number, (name, report) in enumerate(rows)
                if "all" in report.pck
            ]
        )
        self.against.set_curves(_against(rows))
        self.within.set_curves(
            [
                Curve(name if len(rows) > 1 else tr("Heads"), *report.within, number)
                for number, (name, report) in enumerate(rows)
                if report.within is not None
            ]
        )


Rows = Sequence[tuple[str, EvaluationReport]]


def _precision(rows: Rows) -> list[Curve]:
    several = len(rows) > 1
    found: list[Curve] = []
    for number, (name, report) in enumerate(rows):
        lines = [k for k in PR_LINES if k in report.precision_recall]
        for position, key in enumerate(lines[-1:] if several else lines):
            x, y = report.precision_recall[key]
            title = name if several else f"OKS {key}"
            found.append(Curve(title, x, y, number if several else position))
    return found


def _hota(rows: Rows) -> list[Curve]:
    """One report: each class and the mean; several: the mean of each."""
    if len(rows) > 1:
        return [
            Curve(name, *report.hota[""]["HOTA"], number, marks=True)
            for number, (name, report) in enumerate(rows)
            if report.hota
        ]
    found: list[Curve] = []
    for number, (name, curves) in enumerate(rows[0][1].hota.items()):
        title = name or tr("All classes")
        found.append(
            Curve(title, *curves["HOTA"], number, dash=0 if not name else 1, marks=not name)
        )
    return found


def _against(rows: Rows) -> list[Curve]:
    several = len(rows) > 1
    found: list[Curve] = []
    for number, (name, report) in enumerate(rows):
        for position, (angle, row) in enumerate(report.angles.items()):
            title = tr(ANGLE_TITLES.get(angle, angle))
            middles = (row.edges[:-1] + row.edges[1:]) / 2
            color = number if several else position
            found.append(
                Curve(f"{name} {title}" if several else title, middles, row.error, color,
                      marks=True, dash=position if several else 0)
            )  # fmt: skip
    return found
