"""The quality desk: what looks wrong, most serious first; a click opens the spot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QListView,
    QProgressBar,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.core.names import spoken
from studio.gui.background import Background
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import icon
from studio.gui.runner import OK, Job
from studio.gui.theme import theme
from studio.gui.widgets.basics import button, row, tool_button
from studio.io.findings import QualityReport, read_report
from studio.metrics.quality import KINDS, Finding, ignore, inspect
from studio.metrics.usual import Usual

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

Index = QModelIndex | QPersistentModelIndex
FINDING = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 44
RECHECK_MS = 400


@dataclass(frozen=True)
class Spot:
    """A finding on its picture."""

    picture: Path
    finding: Finding


def words_of(finding: Finding) -> str:
    """What is said below a finding's kind: which joints, whose, how much."""
    names = ", ".join(spoken(name) for name in finding.joints[:4])
    if len(finding.joints) > 4:
        names += " …"
    value = finding.value
    if finding.kind == "limb":
        return tr("{joints}: {factor} × the usual length", joints=names, factor=f"{value:.1f}")
    if finding.kind == "angle":
        return tr("{joints}: {angle}°", joints=names, angle=f"{value:.0f}")
    if finding.kind in ("picture", "box", "outline"):
        return tr("{joints}: {pixels} px beyond", joints=names, pixels=f"{value:.0f}")
    if finding.kind == "twice":
        return tr("the same as person {id}", id=finding.joints[0] if finding.joints else "?")
    if finding.kind == "unsure":
        return tr("{joints}: confidence {score}", joints=names, score=f"{value:.2f}")
    return names


class FindingModel(QAbstractListModel):
    """The findings of one kind, or all."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.all: list[Spot] = []
        self.shown: list[Spot] = []
        self.kind = ""

    def set_spots(self, spots: Sequence[Spot], kind: str) -> None:
        """Show these, of one `kind` where one is given."""
        self.beginResetModel()
        self.all, self.kind = list(spots), kind
        self.shown = [s for s in self.all if not kind or s.finding.kind == kind]
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.shown):
            return None
        spot = self.shown[index.row()]
        finding = spot.finding
        whose = "" if finding.group_id is None else tr("Person {id}", id=finding.group_id)
        if role == Qt.ItemDataRole.DisplayRole:
            below = " · ".join(p for p in (words_of(finding), whose, spot.picture.name) if p)
            return f"{tr(KINDS.get(finding.kind, finding.kind))}\n{below}"
        if role == Qt.ItemDataRole.DecorationRole:
            serious = finding.severity >= 0.6
            return icon(
                "warning", "danger" if serious else "warning" if _middling(finding) else "muted"
            )
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{spot.picture}\n{words_of(finding)}"
        if role == FINDING:
            return spot
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, ROW_HEIGHT)
        return None


def _middling(finding: Finding) -> bool:
    return finding.severity >= 0.35


class _TwoLines(QStyledItemDelegate):
    """The kind above, the rest below it, both cut where the panel ends."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        first, _, second = str(index.data()).partition("\n")
        shown.text = ""  # type: ignore[attr-defined]
        view = self.parent()
        assert isinstance(view, QWidget)
        view.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, shown, painter, view)
        area = option.rect.adjusted(40, 4, -8, -4)  # type: ignore[attr-defined]
        metrics = option.fontMetrics  # type: ignore[attr-defined]
        half = area.height() // 2
        for text, color, top in ((first, "text", 0), (second, "muted", half)):
            painter.setPen(theme.color(color))
            line = QRect(area.left(), area.top() + top, area.width(), half)
            cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, cut)


class QualityPanel(QWidget):
    """Starts the check, lists what it found, opens and ignores; what is mended goes by itself."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__()
        self._page = page
        self.job: Job | None = None
        self._report: QualityReport | None = None
        self._usual: Usual | None = None
        self._read = Background(self)
        self.check = button(
            "Check the annotations", self.start, role="primary", icon_name="magnify"
        )
        self.stop_button = tool_button("stop", "Stop", self.stop)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.kinds = QComboBox()
        bind_text(self.kinds.setAccessibleName, "Kind of finding")
        self.kinds.activated.connect(self._filter)
        self.count = QLabel()
        self.count.setProperty("role", "hint")
        self.count.setWordWrap(True)
        self.model = FindingModel(self)
        self.list = QListView()
        self.list.setProperty("role", "flat")
        self.list.setModel(self.model)
        self.list.setItemDelegate(_TwoLines(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bind_text(self.list.setAccessibleName, "Findings")
        self.list.clicked.connect(self.open)
        self.list.activated.connect(self.open)
        self.ignore_button = button("Ignore", self.ignore, icon_name="eye-off-outline")
        self.next_button = button("Next", self.next, icon_name="next")
        self._lay_out()
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(RECHECK_MS)
        self._again.timeout.connect(self.recheck)
        page.document.changed.connect(lambda _edit: self._again.start())
        translator.language_changed.connect(self._retext)
        self._show([])

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(8)
        column.addLayout(row(self.check, self.bar, self.stop_button))
        column.addWidget(self.kinds)
        column.addWidget(self.count)
        column.addWidget(self.list, 1)
        column.addLayout(row(self.next_button, None, self.ignore_button))

    # the check

    def start(self) -> None:
        """Look all annotations of the project through, as a job."""
        page = self._page
        if page.studio.project is None or (self.job is not None and not self.job.ended):
            return
        page.document.save_all()
        options = {"skeleton": page.editor.skeleton.name}
        try:
            job = page.studio.runner.start(
                JobSpec("quality", options), title=tr("Check the annotations")
            )
        except StudioError as problem:
            page.show_problem(problem)
            return
        self.job = job
        job.state_changed.connect(lambda _state: self._ended(job))
        job.changed.connect(self._progress)
        self._state()

    def stop(self) -> None:
        """Enough: show what was found so far."""
        if self.job is not None:
            self.job.stop()

    def clear(self) -> None:
        """Another project."""
        self.job = self._report = self._usual = None
        self._show([])

    def _progress(self) -> None:
        if self.job is not None:
            done, total, _stage = self.job.progress
            self.bar.setRange(0, total)
            self.bar.setValue(done)

    def _ended(self, job: Job) -> None:
        if not job.ended or job is not self.job:
            return
        self._state()
        if job.state != OK:
            if job.problem is not None:
                self._page.show_problem(job.problem)
            return
        path = Path(str(job.result["report"]))
        self._read.start(lambda: read_report(path), self._take, self._page.show_problem)

    def _take(self, report: QualityReport) -> None:
        self._report = report
        self._usual = Usual.from_mapping(report.usual)
        self._show([Spot(path, Finding.from_mapping(data)) for path, data in report.found])

    # the list

    def _show(self, spots: Sequence[Spot]) -> None:
        kept = self.current()
        kind = self.kinds.currentData() or ""
        counts = Counter(s.finding.kind for s in spots)
        self.kinds.clear()
        self.kinds.addItem(tr("All findings ({count})", count=len(spots)), "")
        for name, count in counts.most_common():
            self.kinds.addItem(f"{tr(KINDS.get(name, name))} ({count})", name)
        self.kinds.setCurrentIndex(max(0, self.kinds.findData(kind)))
        self.model.set_spots(spots, str(self.kinds.currentData() or ""))
        self._select(kept)
        self._state()

    def _filter(self) -> None:
        self.model.set_spots(self.model.all, str(self.kinds.currentData() or ""))
        self._state()

    def _select(self, spot: Spot | None) -> None:
        for number, other in enumerate(self.model.shown):
            if spot is not None and other == spot:
                self.list.setCurrentIndex(self.model.index(number, 0))
                return

    def current(self) -> Spot | None:
        """The finding that is chosen."""
        index = self.list.currentIndex()
        return index.data(FINDING) if index.isValid() else None

    def open(self, index: Index | None = None) -> None:
        """Open the picture of a finding and select what it is about."""
        spot = self.current() if index is None else index.data(FINDING)
        if spot is None:
            return
        page = self._page
        page.open_picture(spot.picture)
        if page.document.picture != spot.picture:
            return
        shapes = page.document.content.shapes
        finding = spot.finding
        own = [i for i, s in enumerate(shapes) if s.group_id == finding.group_id]
        joints = [i for i in own if shapes[i].label in finding.joints]
        page.document.select(joints or (own if finding.group_id is not None else []))
        x, y = finding.spot
        reach = 60.0
        page.canvas.show_area(QRectF(x - reach, y - reach, 2 * reach, 2 * reach))

    def next(self) -> None:
        """The next finding of the list."""
        index = self.list.currentIndex()
        line = index.row() + 1 if index.isValid() else 0
        if line < len(self.model.shown):
            self.list.setCurrentIndex(self.model.index(line, 0))
            self.open()

    def ignore(self) -> None:
        """The chosen finding is right as it is; the mark stands in the annotation file."""
        spot = self.current()
        if spot is None:
            return
        line = self.list.currentIndex().row()
        self.open()
        document = self._page.document
        if document.picture == spot.picture and document.apply(
            ignore(document.content, spot.finding)
        ):
            self.recheck()
            if self.model.shown:
                self.list.setCurrentIndex(self.model.index(min(line, len(self.model.shown) - 1), 0))

    def recheck(self) -> None:
        """Look at the picture in hand again: what was mended goes, what was undone comes back."""
        document = self._page.document
        picture = document.picture
        if self._report is None or picture is None or not document.editable:
            return
        skeleton = self._page.editor.skeleton
        if skeleton.name != self._report.skeleton:
            return
        fresh = [Spot(picture, f) for f in inspect(document.content, skeleton, self._usual)]
        before = [s for s in self.model.all if s.picture == picture]
        if fresh == before:
            return
        others = [s for s in self.model.all if s.picture != picture]
        self._show(sorted([*others, *fresh], key=lambda s: -s.finding.severity))

    def _state(self) -> None:
        running = self.job is not None and not self.job.ended
        self.check.setVisible(not running)
        self.bar.setVisible(running)
        self.stop_button.setVisible(running)
        some = bool(self.model.all)
        self.kinds.setVisible(some)
        for part in (self.ignore_button, self.next_button):
            part.setEnabled(some)
        if self._report is None:
            text = tr("Nothing has been checked yet.")
        elif some:
            text = tr("Click a finding to go there; ignored ones do not come back.")
        elif self._report.pictures == 1:
            text = tr("1 picture checked: nothing found.")
        else:
            text = tr("{count} pictures checked: nothing found.", count=self._report.pictures)
        self.count.setText(text)

    def _retext(self) -> None:
        self._show(self.model.all)
