"""A certificate to look at: the verdict first, then what it rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from studio.core.options import N_
from studio.gui.i18n import said, tr
from studio.gui.pages.export.certificate import (
    ABSENT,
    FAILED,
    OPEN,
    PASSED,
    WORDS,
    Certificate,
    Check,
    check_title,
)
from studio.gui.theme import set_role
from studio.gui.widgets.basics import Sign, label, row
from studio.gui.widgets.parts import clear_layout, column, framed
from studio.gui.widgets.picture_grid import PictureGrid, PictureItem

SIGNS = {
    PASSED: ("ok", "ok", "banner-success"),
    FAILED: ("error", "danger", "banner-error"),
    OPEN: ("info", "warning", "banner-warning"),
    ABSENT: ("info", "accent", "banner-info"),
}
MARKS = {True: ("ok", "ok"), False: ("error", "danger"), None: ("info", "muted")}
MARK_WORDS = {True: N_("Passed"), False: N_("Not passed"), None: N_("Told only")}
CELL = QSize(344, 184)
FIGURE_COLUMNS = 9


class CertificateView(QWidget):
    """Shows one certificate; hidden parts have nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self.certificate: Certificate | None = None
        self.sign = Sign("ok", 28, "ok")
        self.verdict = label("", "heading")
        self.headline = label("", wrap=True)
        self.not_run = label("", wrap=True)
        words = column(self.verdict, self.headline, self.not_run, spacing=2)
        line = row(self.sign, 4)
        line.addLayout(words, 1)
        self.band = framed("banner-info", line, 14)
        self._figures = QGridLayout()
        self._figures.setHorizontalSpacing(20)
        self._figures.setVerticalSpacing(8)
        self.checks = QGridLayout()
        self.checks.setHorizontalSpacing(12)
        self.checks.setVerticalSpacing(6)
        self.checks.setColumnStretch(1, 3)
        self.checks.setColumnStretch(2, 2)
        self.checks.setColumnStretch(3, 2)
        self._pictures_title = label("Pictures that differ most", "title")
        self._pictures_hint = label("The weights at the left, the artefact at the right.", "hint")
        self.pictures = PictureGrid(cell=CELL)
        self.pictures.setProperty("role", "flat")
        self.pictures.opened.connect(_open)
        self.setLayout(
            column(
                self.band,
                self._figures,
                4,
                self.checks,
                4,
                self._pictures_title,
                self._pictures_hint,
                self.pictures,
            )
        )

    def show_certificate(self, certificate: Certificate) -> None:
        """Fill in everything, in the language of the moment."""
        self.certificate = certificate
        sign, color, role = SIGNS[certificate.verdict]
        self.sign.show_icon(sign, color)
        set_role(self.band, role)
        never = certificate.verdict == OPEN and bool(certificate.not_run)
        self.verdict.setText(tr("Never run here") if never else tr(WORDS[certificate.verdict]))
        for part, text in (
            (self.headline, certificate.headline()),
            (self.not_run, _never(certificate, never)),
        ):
            part.setText(text)
            part.setVisible(bool(text))
        # What stands beside a verdict must not be read over.
        set_role(self.not_run, "" if never else "warning")
        self._show_figures(certificate.figures)
        clear_layout(self.checks)
        place = self._show_checks(N_("Limits"), certificate.limits, 0)
        self._show_checks(N_("What the device's tools say"), certificate.device, place)
        for part in (self._pictures_title, self._pictures_hint, self.pictures):
            part.setVisible(bool(certificate.worst))
        items = [PictureItem(path, caption) for path, caption in certificate.worst]
        self.pictures.set_items(items, None)
        self._fit_pictures()

    def _show_figures(self, figures: Sequence[tuple[str, str]]) -> None:
        clear_layout(self._figures)
        for number, (title, value) in enumerate(figures):
            caption, shown = QLabel(title), QLabel(value)
            caption.setProperty("role", "hint")
            shown.setProperty("role", "title")
            shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            shown.setAccessibleName(f"{title}: {value}")
            line, place = divmod(number, FIGURE_COLUMNS)
            self._figures.addWidget(caption, 2 * line, place)
            self._figures.addWidget(shown, 2 * line + 1, place)
        self._figures.setColumnStretch(FIGURE_COLUMNS, 1)

    def _show_checks(self, title: str, checks: Sequence[Check], place: int) -> int:
        """Lines from `place` on; the next free one."""
        if not checks:
            return place
        self.checks.addWidget(label(title, "title"), place, 0, 1, 4)
        for number, check in enumerate(checks, place + 1):
            mark = Sign(MARKS[check.passed][0], 16, MARKS[check.passed][1])
            mark.setAccessibleName(tr(MARK_WORDS[check.passed]))
            mark.setToolTip(tr(MARK_WORDS[check.passed]))
            value = QLabel(check.value, wordWrap=True)
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if check.passed is False:
                value.setProperty("role", "error")
            name = QLabel(check_title(check.title), wordWrap=True)
            most = tr("at most {limit}", limit=check.limit) if check.limit else ""
            limit = QLabel(most, wordWrap=True)
            limit.setProperty("role", "muted")
            top = Qt.AlignmentFlag.AlignTop
            self.checks.addWidget(mark, number, 0, top)
            for part, spot in ((name, 1), (value, 2), (limit, 3)):
                self.checks.addWidget(part, number, spot, top)
        return place + 1 + len(checks)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_pictures()

    def _fit_pictures(self) -> None:
        """As high as its pictures: the page scrolls, not the grid."""
        across = max(1, (self.width() - 8) // CELL.width())
        lines = math.ceil(self.pictures.count() / across)
        self.pictures.setFixedHeight(max(1, lines) * CELL.height() + 8)


def _never(certificate: Certificate, alone: bool) -> str:
    if not certificate.not_run:
        return ""
    text = said(certificate.not_run)
    return text if alone else tr("Never run here: {what}", what=text)


def _open(item: PictureItem) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(item.path)))
