"""The small windows: settings, plugins, about, and the question before the jobs are stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

import studio
from studio import RESOURCES, registry
from studio.core.errors import UsageError
from studio.core.options import N_, Choice, Options, option
from studio.gui.forms import OptionsForm
from studio.gui.i18n import LANGUAGES, bind_text, tr, translator
from studio.gui.icons import app_icon
from studio.gui.runner import Job
from studio.gui.settings import Settings
from studio.gui.theme import theme
from studio.gui.widgets.basics import button, label, row
from studio.registry.plugins import user_plugin_folder


@dataclass(frozen=True)
class StudioSettings(Options):
    """What a person can set; each value is kept under its own name."""

    language: str = option(
        "system",
        title=N_("Language"),
        choices=(
            Choice("system", N_("As the system")),
            *(Choice(k, v) for k, v in LANGUAGES.items()),
        ),
    )
    theme: str = option(
        "system",
        title=N_("Theme"),
        choices=(
            Choice("system", N_("As the system")),
            Choice("light", N_("Light")),
            Choice("dark", N_("Dark")),
        ),
    )
    autosave: bool = option(
        True,
        title=N_("Save annotations by themselves"),
        help=N_("When another picture is opened, the one before is saved without a question."),
    )
    reopen: bool = option(
        True,
        title=N_("Open the last project at the start"),
        help=N_("Without it the studio starts with the welcome page."),
    )


def read_settings(store: Settings) -> StudioSettings:
    """The kept settings; a value that no longer fits becomes the default."""
    values = {}
    for field in StudioSettings.fields():
        value = store.get(field.name, field.default)
        values[field.name] = field.default if field.check(value) else value
    return StudioSettings(**values)


def apply_settings(values: StudioSettings) -> None:
    """Give the running program its language and its theme."""
    if translator.choice != values.language:
        translator.set_language(values.language)
    if theme.choice != values.theme:
        theme.set_choice(values.theme)


class SettingsDialog(QDialog):
    """Each change holds at once; there is nothing to confirm."""

    def __init__(self, store: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        bind_text(self.setWindowTitle, "Settings")
        self.setMinimumWidth(440)
        self.form = OptionsForm(
            StudioSettings, read_settings(store).to_mapping(), mark_changes=False
        )
        self.form.changed.connect(self._changed)
        close = button("Close", self.accept, role="primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(16)
        column.addWidget(label("Settings", "heading"))
        column.addWidget(self.form, 1)
        column.addWidget(label("Kept in {folder}", "hint", wrap=True, folder=str(store.folder)))
        column.addLayout(row(None, close))

    def _changed(self) -> None:
        try:
            values = self.form.options()
        except UsageError:
            return
        if isinstance(values, StudioSettings):
            for name, value in values.to_mapping().items():
                self._store.set(name, value)
            apply_settings(values)


class PluginDialog(QDialog):
    """All plugins: what each adds, and why one cannot be used."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        bind_text(self.setWindowTitle, "Plugins")
        self.resize(880, 440)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(4)
        self.tree.setRootIsDecorated(False)
        self.tree.setAlternatingRowColors(True)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(16)
        column.addWidget(label("Plugins", "heading"))
        column.addWidget(self.tree, 1)
        column.addWidget(
            label(
                "Put plugins of your own into {folder}",
                "hint",
                wrap=True,
                folder=str(user_plugin_folder()),
            )
        )
        column.addLayout(
            row(
                button("Look again", self._reload),
                None,
                button("Close", self.accept, role="primary"),
            )
        )
        translator.language_changed.connect(self.fill)
        self.fill()

    def fill(self) -> None:
        """List the plugins as the registry finds them."""
        self.tree.setHeaderLabels([tr("Name"), tr("Version"), tr("Adds"), tr("State")])
        self.tree.clear()
        for info in registry.plugins():
            adds = ", ".join(c.title for c in info.contributes)
            state = tr("Ready") if info.enabled else info.reason
            item = QTreeWidgetItem([tr(info.title or info.name), info.version, adds, state])
            item.setDisabled(not info.enabled)
            for number in range(4):
                item.setToolTip(number, state if number == 3 else str(info.folder))
            self.tree.addTopLevelItem(item)
        for number in range(2):
            self.tree.resizeColumnToContents(number)
        self.tree.setColumnWidth(2, 300)

    def _reload(self) -> None:
        registry.reload()
        self.fill()


class AboutDialog(QDialog):
    """Name, version and licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        bind_text(self.setWindowTitle, "About Pose Studio")
        self.resize(640, 520)
        sign = QLabel()
        sign.setPixmap(app_icon().pixmap(QSize(64, 64)))
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(label("Pose Studio", "heading"))
        texts.addWidget(label("Version {version}", "muted", version=studio.__version__))
        texts.addWidget(
            label(
                "Free software under the GNU Affero General Public License, version 3 or later. "
                "It comes without any warranty.",
                "muted",
                wrap=True,
            )
        )
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(texts, 1)
        licence = QPlainTextEdit()
        licence.setReadOnly(True)
        licence.setProperty("role", "log")
        licence.setPlainText(licence_text())
        bind_text(licence.setAccessibleName, "Licence")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(16)
        column.addLayout(head)
        column.addWidget(licence, 1)
        column.addLayout(row(None, button("Close", self.accept, role="primary")))


def licence_text() -> str:
    """The licence's text, from the checkout or from the installed package's metadata."""
    path = RESOURCES.parent / "LICENSE"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    from importlib import metadata

    for name in ("licenses/LICENSE", "LICENSE"):
        try:
            text = metadata.distribution("pose-studio").read_text(name)
        except metadata.PackageNotFoundError:
            text = None
        if text:
            return text
    return "AGPL-3.0-or-later: https://www.gnu.org/licenses/agpl-3.0.html"


def ask_to_stop_jobs(parent: QWidget, jobs: Sequence[Job]) -> bool:
    """Whether to close although jobs run: they save and stop."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Pose Studio")
    box.setText(tr("{count} jobs are not finished.", count=len(jobs)))
    names = "\n".join(f"• {tr(job.title)}" for job in jobs[:5])
    hint = tr("If you close now, they finish their step, save and stop. A training can be resumed.")
    box.setInformativeText(f"{names}\n\n{hint}")
    stop = QPushButton(tr("Save, stop and close"))
    keep = QPushButton(tr("Keep the window open"))
    box.addButton(stop, QMessageBox.ButtonRole.AcceptRole)
    box.addButton(keep, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    box.exec()
    return box.clickedButton() is stop
