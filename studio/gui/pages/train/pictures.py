"""Pictures that a run made of itself: its first batch, and what it found as it learnt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QSplitter, QWidget

from studio.gui.i18n import bind_text, tr
from studio.gui.widgets.parts import column, framed
from studio.gui.widgets.people_view import PeopleView
from studio.gui.widgets.picture_grid import PictureGrid, PictureItem

_JUDGED = re.compile(r"val_0*(\d+)$")


class RunPictures(QWidget):
    """Small ones at the left, the chosen one large. Until somebody chooses, the newest is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: tuple[Path, ...] = ()
        self._shown: Path | None = None
        self.grid = PictureGrid()
        bind_text(self.grid.setAccessibleName, "Pictures of the run")
        self.grid.chosen.connect(lambda item: self._show(item.path))
        self.big = PeopleView()
        self.big.opened.connect(self._open)
        bind_text(self.big.setToolTip, "A click opens the picture itself")
        split = QSplitter()
        split.addWidget(framed("panel", column(self.grid), 8))
        split.addWidget(framed("panel", column(self.big), 16))
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 3)
        split.setChildrenCollapsible(False)
        layout = column(split)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def show_pictures(self, paths: Sequence[Path]) -> None:
        """These pictures, in the order they were made. One that somebody looks at stays."""
        if tuple(paths) == self._paths:
            return
        followed = self._shown is None or not self._paths or self._shown == self._paths[-1]
        another = bool(self._paths) and self._paths[0] not in paths
        self._paths = tuple(paths)
        self.grid.set_items([PictureItem(p, title_of(p)) for p in paths], None)
        if not paths:
            self._shown = None
            self.big.clear()
        elif followed or another or self._shown not in paths:
            self.grid.choose(len(paths) - 1)
            self._show(paths[-1])

    @property
    def shown(self) -> Path | None:
        """The one that is seen large."""
        return self._shown

    def count(self) -> int:
        """How many there are."""
        return len(self._paths)

    def _show(self, path: Path) -> None:
        if path != self._shown:
            self._shown = path
            self.big.show_picture(path, (), None)

    def _open(self) -> None:
        if self._shown is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._shown)))


def title_of(path: Path) -> str:
    """What a picture of a run is called: by its epoch, or the batch it began with."""
    judged = _JUDGED.match(path.stem)
    if judged:
        return tr("Epoch {epoch}", epoch=judged[1])
    return tr("First batch") if path.stem == "batch" else path.stem
