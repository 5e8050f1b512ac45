"""What has been annotated so far: per label, joint, visibility, completeness; saved as a table."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QProgressBar, QVBoxLayout, QWidget

from studio.core.errors import Cancelled
from studio.gui.background import Background
from studio.gui.i18n import bind_text, tr
from studio.gui.pages.datasets.holdings import Holdings
from studio.gui.widgets.bars import Bar, Bars
from studio.gui.widgets.basics import button, label, row, scrolled
from studio.gui.widgets.parts import Figure

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage
    from studio.io.statistics import Statistics

LABELS = 12


class StatisticsDialog(QDialog):
    """Counts the annotation files of the project in a worker that ends with the window."""

    progress = Signal(int, int)

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self._stop = threading.Event()
        self._work = Background(self)
        self.statistics: Statistics | None = None
        bind_text(self.setWindowTitle, "Statistics of the annotations")
        self.resize(880, 680)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.holdings = Holdings(margin=0)
        self.holdings.failed.connect(page.show_problem)
        self.holdings.saved.connect(self._saved)
        self.labels = Bars()
        self.figures = {
            "pictures": Figure("Annotated pictures"),
            "reviewed": Figure("Reviewed"),
            "people": Figure("People"),
            "problems": Figure("Files that cannot be read"),
        }
        self.note = label("", "success", wrap=True)
        inside = QWidget()
        body = QVBoxLayout(inside)
        # Figures at the right keep off the bar that scrolls.
        body.setContentsMargins(0, 0, 16, 0)
        body.setSpacing(16)
        body.addLayout(row(*self.figures.values(), None, spacing=24))
        body.addWidget(label("Labels", "title"))
        body.addWidget(self.labels)
        body.addWidget(self.holdings)
        self.body = scrolled(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(12)
        column.addWidget(label("Statistics of the annotations", "heading"))
        column.addWidget(self.bar)
        column.addWidget(self.body, 1)
        column.addWidget(self.note)
        column.addLayout(row(None, button("Close", self.accept, role="primary")))
        self.progress.connect(self._progress)
        self.finished.connect(lambda _code: self._stop.set())
        self.body.hide()
        self._count()

    def _count(self) -> None:
        project, skeleton = self._page.studio.project, self._page.editor.skeleton
        if project is None:
            return
        folders = project.picture_folders

        def tell(done: int, total: int) -> None:
            if done % 50 == 0 or done == total:
                self.progress.emit(done, total)

        def work() -> Statistics:
            from studio.io.statistics import folder_statistics

            return folder_statistics(folders, skeleton, tell, self._stop.is_set)

        self._work.start(work, self._show, self._failed)

    def _progress(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def _show(self, found: Statistics) -> None:
        self.statistics = found
        self.bar.hide()
        self.body.show()
        for name, figure in self.figures.items():
            figure.set_value(f"{getattr(found, name)}")
        joints = self._page.editor.skeleton.index
        listed = [(k, n) for k, n in found.labels.items() if k not in joints][:LABELS]
        self.labels.set_bars([Bar(name, (float(n.shapes),), f"{n.shapes}") for name, n in listed])
        name = self._page.studio.project.name if self._page.studio.project else ""
        self.holdings.show_statistics(name, found)

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, Cancelled):
            self.reject()
            self._page.show_problem(error)

    def _saved(self, path: object) -> None:
        self.note.setText(tr("Saved as {name}", name=str(path)))
