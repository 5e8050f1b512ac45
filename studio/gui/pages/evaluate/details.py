"""What stands behind a report's figures: its joints, its classes, or its errors by angle."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from studio.core.options import N_
from studio.gui.evaluation_report import CLIPS, HEADS, EvaluationReport
from studio.gui.i18n import bind_text, tr
from studio.gui.pages.evaluate.curves import ANGLE_TITLES
from studio.gui.widgets.basics import label
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import column

_PARTS = ("HOTA", "DetA", "AssA", "LocA")


class ReportDetails(QWidget):
    """Tables by joint, by class and by angle; those that the reports' kind has are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.joints = MetricTable([Column(N_("Joint"))])
        bind_text(self.joints.setAccessibleName, "Joints")
        self.classes = MetricTable([Column(N_("Class"))], sortable=False)
        bind_text(self.classes.setAccessibleName, "Classes")
        self.angles = MetricTable([Column(N_("True angle"))], sortable=False)
        bind_text(self.angles.setAccessibleName, "Angles")
        self._joint_words = label(
            "Error: mean distance between label and prediction, in pixels and in parts of the "
            "person's size. PCK: share of joints that are close enough.",
            "hint",
            wrap=True,
        )
        self._class_words = label(
            "HOTA: finding and keeping apart. DetA: found at all. AssA: keeping the identity. "
            "LocA: how close the matched ones lie.",
            "hint",
            wrap=True,
        )
        self._angle_words = label(
            "Mean error of each angle, in degrees, by its true value; how many heads in brackets.",
            "hint",
            wrap=True,
        )
        self.setLayout(
            column(
                self._class_words, self.classes, self._joint_words, self.joints,
                self._angle_words, self.angles,
            )
        )  # fmt: skip

    def show_reports(self, reports: Sequence[EvaluationReport], names: Sequence[str]) -> None:
        """Reports of one kind with what each is called."""
        kind = reports[0].kind
        for widget in (self.joints, self._joint_words):
            widget.setVisible(kind != HEADS)
        for widget in (self.classes, self._class_words):
            widget.setVisible(kind == CLIPS)
        for widget in (self.angles, self._angle_words):
            widget.setVisible(kind == HEADS)
        self._show_joints(reports, names)
        self._show_classes(reports, names)
        self._show_angles(reports, names)

    def title(self, kind: str) -> str:
        """What the tab with these tables is called."""
        return {CLIPS: tr("Classes and joints"), HEADS: tr("Angles")}.get(kind, tr("Joints"))

    def _show_joints(self, reports: Sequence[EvaluationReport], names: Sequence[str]) -> None:
        several = len(reports) > 1
        columns = [Column(N_("Joint")), Column(N_("Labelled"))]
        for name in names:
            before = f"{name} " if several else ""
            columns += [
                Column(f"{before}px" if several else N_("Error, pixels"), ".1f"),
                Column(f"{before}%" if several else N_("Error, of size"), ".1%"),
                Column(f"{before}PCK" if several else "PCK", ".1%"),
            ]
        others = [{j.name: j for j in r.joints} for r in reports[1:]]
        rows = []
        for joint in reports[0].joints:
            cells: list[object] = [joint.name, joint.count]
            for j in (joint, *(o.get(joint.name) for o in others)):
                cells += [None] * 3 if j is None else [j.error_px, j.error_rel, j.pck]
            rows.append(tuple(cells))
        self.joints.set_rows(rows, columns)

    def _show_classes(self, reports: Sequence[EvaluationReport], names: Sequence[str]) -> None:
        several = len(reports) > 1
        columns = [Column(N_("Class"))]
        for name in names:
            columns += [Column(f"{name} {p}" if several else p, ".3f") for p in _PARTS]
        rows = []
        for each in reports[0].hota:
            cells: list[object] = [each or tr("All classes")]
            for report in reports:
                curves = report.hota.get(each, {})
                cells += [float(curves[p][1].mean()) if p in curves else None for p in _PARTS]
            rows.append(tuple(cells))
        self.classes.set_rows(rows, columns)
        self.classes.fit_height(8)

    def _show_angles(self, reports: Sequence[EvaluationReport], names: Sequence[str]) -> None:
        if not reports[0].angles:
            self.angles.set_rows([])
            return
        several = len(reports) > 1
        columns, cells = [Column(N_("True angle"))], []
        for name, report in zip(names, reports, strict=True):
            for angle, row in report.angles.items():
                title = ANGLE_TITLES.get(angle, angle)
                columns.append(Column(f"{name} {tr(title)}" if several else title))
                cells.append(
                    [
                        f"{e:.1f} ({c:.0f})" if c else "–"
                        for e, c in zip(row.error, row.count, strict=True)
                    ]
                )
        edges = next(iter(reports[0].angles.values())).edges
        spans = [f"{a:.0f}° … {b:.0f}°" for a, b in itertools.pairwise(edges)]
        self.angles.set_rows([tuple(r) for r in zip(spans, *cells, strict=True)], columns)
