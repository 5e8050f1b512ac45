"""The help pages in the window: Markdown files of `resources/help/<language>`."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import (
    QDesktopServices,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextTable,
)
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QWidget,
)

from studio import RESOURCES
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.theme import theme

HELP = RESOURCES / "help"
# The order of the list; other pages follow by name.
ORDER = (
    "index", "tour", "annotate", "datasets", "train", "evaluate", "export", "live", "keys",
    "coming-from-yolo-openvino", "command-line", "files", "troubleshooting", "glossary",
    "architecture", "never-run",
)  # fmt: skip


def help_pages(language: str, root: Path = HELP) -> dict[str, Path]:
    """Page name to file: the language's own, else the English one."""
    found = {p.stem: p for p in sorted((root / "en").glob("*.md"))}
    found |= {p.stem: p for p in sorted((root / language).glob("*.md"))}
    names = [n for n in ORDER if n in found] + [n for n in found if n not in ORDER]
    return {name: found[name] for name in names}


def page_title(path: Path) -> str:
    """The first heading of a page."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return path.stem


def _set_type(document: QTextDocument) -> None:
    """Give headings, paragraphs, lists and code the room that reading wants."""
    one, half = theme.token("space.one"), theme.token("space.half")
    block = document.begin()
    while block.isValid():
        layout = block.blockFormat()
        level = layout.headingLevel()
        code = bool(layout.property(QTextFormat.Property.BlockCodeFence)) or bool(
            layout.property(QTextFormat.Property.BlockCodeLanguage)
        )
        cursor = QTextCursor(block)
        letters = QTextCharFormat()
        if level:
            layout.setTopMargin(0 if block.position() == 0 else 3 * one)
            layout.setBottomMargin(one)
            letters.setProperty(QTextFormat.Property.FontSizeAdjustment, max(0, 3 - level))
            letters.setFontWeight(QFont.Weight.DemiBold)
        elif code:
            layout.setBackground(theme.color("sunken"))
            layout.setNonBreakableLines(False)
            letters.setFontFamilies(theme.token("font.mono"))
        elif (table := cursor.currentTable()) is not None:
            # The first cell would keep the room of what stands before the table.
            layout.setTopMargin(0)
            layout.setBottomMargin(0)
            if table.cellAt(cursor).row() == 0:
                letters.setFontWeight(QFont.Weight.DemiBold)
        else:
            layout.setBottomMargin(half if block.textList() is not None else one)
            layout.setLineHeight(140, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(layout)
        if letters.propertyCount():
            end = QTextCursor.MoveOperation.EndOfBlock
            cursor.movePosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(letters)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            table = frame.format().toTableFormat()
            table.setCellPadding(half + 2)
            table.setCellSpacing(0)
            table.setBorderCollapse(True)
            table.setBorderBrush(theme.color("border"))
            table.setTopMargin(half)
            table.setBottomMargin(2 * one)
            frame.setFormat(table)


def _drop_empty_beginnings(document: QTextDocument) -> None:
    """Of a table right below code, Qt begins the first cell with an empty line."""
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            cursor = frame.cellAt(0, 0).firstCursorPosition()
            last = frame.cellAt(0, 0).lastCursorPosition()
            if not cursor.block().text() and cursor.block() != last.block():
                cursor.deleteChar()


class HelpViewer(QDialog):
    """A window beside the studio: the pages at the left, the text at the right."""

    def __init__(self, parent: QWidget | None = None, root: Path = HELP) -> None:
        super().__init__(parent)
        self._root = root
        self._pages: dict[str, Path] = {}
        self.resize(960, 680)
        bind_text(self.setWindowTitle, "Help")
        self.list = QListWidget()
        self.list.setFixedWidth(240)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setProperty("role", "nav")
        bind_text(self.list.setAccessibleName, "Help pages")
        self.text = QTextBrowser()
        self.text.setProperty("role", "page-text")
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._follow)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.list)
        row.addWidget(self.text, 1)
        self.list.currentItemChanged.connect(self._chosen)
        translator.language_changed.connect(self.reload)
        theme.changed.connect(self._show_current)
        self.reload()

    def reload(self) -> None:
        """Read the pages of the language of the moment; the page shown stays."""
        name = self.current()
        self._pages = help_pages(translator.language, self._root)
        self.list.blockSignals(True)
        self.list.clear()
        for page, path in self._pages.items():
            item = QListWidgetItem(page_title(path))
            item.setToolTip(item.text())
            item.setData(Qt.ItemDataRole.UserRole, page)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.show_page(name)

    def current(self) -> str:
        """The name of the page shown."""
        item = self.list.currentItem()
        return "" if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def show_page(self, name: str) -> None:
        """Show a page; the first one where there is none of that name."""
        names = list(self._pages)
        self.list.setCurrentRow(names.index(name) if name in names else 0)
        self._show_current()

    def _chosen(self) -> None:
        self._show_current()

    def _show_current(self) -> None:
        path = self._pages.get(self.current())
        if path is None:
            self.text.setPlainText(tr("The help pages are missing."))
            return
        self.text.setSearchPaths([str(path.parent), str(self._root), str(self._root.parent)])
        document = self.text.document()
        document.setDocumentMargin(32)
        document.setBaseUrl(QUrl.fromLocalFile(str(path.parent) + "/"))
        self.text.setMarkdown(path.read_text(encoding="utf-8"))
        _drop_empty_beginnings(document)
        _set_type(document)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    def _follow(self, url: QUrl) -> None:
        name = Path(url.path()).stem
        if not url.scheme().startswith("http") and name in self._pages:
            self.show_page(name)
        elif url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
        elif url.hasFragment():
            self.text.scrollToAnchor(url.fragment())
