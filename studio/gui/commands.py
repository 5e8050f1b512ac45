"""What a person can do anywhere in the window: the studio's menu, its keys, its small windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFileDialog, QMenu

from studio.core.options import N_
from studio.gui.actions import StudioAction
from studio.gui.dialogs import (
    AboutDialog,
    PluginDialog,
    SettingsDialog,
    apply_settings,
    ask_to_stop_jobs,
    read_settings,
)
from studio.gui.help import HelpViewer
from studio.gui.i18n import LANGUAGES, bind_text, tr
from studio.gui.outline import outlined_actions
from studio.gui.page_table import PAGES
from studio.gui.palette import CommandPalette
from studio.gui.runner import Job
from studio.gui.shortcut_editor import ShortcutEditor

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow


# Name, title, what it does, keys, icon.
Declared = tuple[str, str, Callable[[], object], str, str]


class Commands(QObject):
    """Declares the window's own actions and answers them."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.studio = window.studio
        self.palette = CommandPalette(self.studio.actions, window)
        self._help: HelpViewer | None = None
        self._dialogs: list[QDialog] = []
        for declared in self._declared():
            self.studio.actions.declare(declared)
        self._make_menu()
        self._make_rail_tools()

    def _declared(self) -> list[StudioAction]:
        pages = [
            StudioAction(
                f"page.{entry.page_id}",
                entry.title,
                lambda p=entry.page_id: self.window.open_page(p),
                f"Ctrl+{number}",
                icon=entry.icon,
            )
            for number, entry in enumerate(PAGES, start=1)
        ]
        own = [
            StudioAction(
                "studio.palette",
                N_("Find a command…"),
                self.palette.open,
                "Ctrl+K",
                "search",
                in_palette=False,
            ),
            *(
                StudioAction(f"studio.{name}", title, does, keys, icon)
                for name, title, does, keys, icon in (*self._projects(), *self._views())
            ),
        ]
        return pages + own + outlined_actions(self.window.open_page)

    def _projects(self) -> list[Declared]:
        """What opens and closes projects."""
        return [
            ("open", N_("Open a folder of pictures"), self.choose_folder, "Ctrl+Shift+O",
             "folder-open"),
            ("sample", N_("Open the sample project"), self.open_sample, "Ctrl+Alt+S", "skeleton"),
            ("video", N_("Watch a video"), self.window.welcome.choose_video, "Ctrl+Alt+V", "film"),
            ("welcome", N_("Welcome"), self.window.show_welcome, "Ctrl+Alt+H", "welcome"),
            ("close_project", N_("Close the project"), self.close_project, "Ctrl+Alt+W", "close"),
        ]  # fmt: skip

    def _views(self) -> list[Declared]:
        """What shows, hides and sets up the window's parts."""
        return [
            ("jobs", N_("Show or hide the jobs"), self.toggle_jobs, "Ctrl+Alt+J", "jobs"),
            ("sidebar", N_("Show or hide the side panels"), self.window.toggle_sidebar, "Ctrl+B",
             "dock-right"),
            ("settings", N_("Settings"), self.open_settings, "Ctrl+,", "settings"),
            ("shortcuts", N_("Keyboard shortcuts"), self.open_shortcuts, "Ctrl+Alt+K",
             "keyboard-outline"),
            ("theme", N_("Switch between light and dark"), self.switch_theme, "Ctrl+Alt+T",
             "theme-light-dark"),
            ("language", N_("Next language"), self.next_language, "Ctrl+Alt+L", "translate"),
            ("plugins", N_("Plugins"), self.open_plugins, "Ctrl+Alt+P", "plugin"),
            ("help", N_("Help"), self.open_help, "F1", "help"),
            ("about", N_("About Pose Studio"), self.open_about, "Ctrl+F1", "info"),
            ("quit", N_("Quit"), self.window.close, "Ctrl+Q", "exit-to-app"),
        ]  # fmt: skip

    def _make_menu(self) -> None:
        menu = QMenu(self.window)
        recent = QMenu(menu)
        bind_text(recent.setTitle, "Recent projects")
        recent.aboutToShow.connect(lambda: self._fill_recent(recent))
        actions = self.studio.actions
        for name in ("open", "sample", "video"):
            menu.addAction(actions.get(f"studio.{name}"))
        menu.addMenu(recent)
        menu.addAction(actions.get("studio.close_project"))
        menu.addSeparator()
        for name in ("welcome", "palette", "theme", "shortcuts", "plugins", "settings"):
            menu.addAction(actions.get(f"studio.{name}"))
        menu.addSeparator()
        for name in ("help", "about"):
            menu.addAction(actions.get(f"studio.{name}"))
        menu.addSeparator()
        menu.addAction(actions.get("studio.quit"))
        self.window.set_studio_menu(menu)

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        folders = self.studio.settings.recent_projects()
        for folder in folders:
            action = menu.addAction(str(folder))
            action.triggered.connect(lambda _on=False, f=folder: self.open_project(f))
        if not folders:
            menu.addAction(tr("None yet")).setEnabled(False)

    def _make_rail_tools(self) -> None:
        for name, icon_name, source in (
            ("palette", "search", N_("Find a command…")),
            ("settings", "settings", N_("Settings")),
            ("help", "help", N_("Help")),
        ):
            self.window.rail.add_tool(icon_name, source, self.studio.actions.get(f"studio.{name}"))

    def choose_folder(self) -> None:
        """Ask for a folder of pictures and open it as the project."""
        chosen = QFileDialog.getExistingDirectory(self.window, tr("Open a folder of pictures"))
        if chosen:
            self.open_project(Path(chosen))

    def open_project(self, folder: Path) -> None:
        """Open a project and show its pictures."""
        if self.window.open_project(folder):
            self.window.open_page("annotate")

    def open_sample(self) -> None:
        """Open the sample project, made on the first time."""
        self.window.show_welcome()
        self.window.welcome.open_sample()

    def close_project(self) -> None:
        """Back to the welcome page."""
        if all(page.confirm_close() for page in self.window.pages.values()):
            self.studio.set_project(None)
            self.window.show_welcome()

    def toggle_jobs(self) -> None:
        """Open or close the drawer."""
        self.window.drawer.set_open(not self.window.drawer.is_open())

    def open_settings(self) -> SettingsDialog:
        """The settings, beside the window."""
        dialog = SettingsDialog(self.studio.settings, self.window)
        self._show(dialog)
        return dialog

    def open_shortcuts(self) -> ShortcutEditor:
        """The editor of keys; all pages are made, so that it lists every action."""
        for entry in PAGES:
            self.window.page(entry.page_id)
        editor = ShortcutEditor(self.studio, self.window)
        self._show(editor)
        return editor

    def open_plugins(self) -> PluginDialog:
        """The list of plugins."""
        dialog = PluginDialog(self.window)
        self._show(dialog)
        return dialog

    def open_about(self) -> AboutDialog:
        """Name, version, licence."""
        dialog = AboutDialog(self.window)
        self._show(dialog)
        return dialog

    def open_help(self, page: str = "") -> HelpViewer:
        """The help, on the page that fits what is in front."""
        if self._help is None:
            self._help = HelpViewer(self.window)
        self._help.show_page(page or self.window.current_page.page_id)
        self._help.show()
        self._help.raise_()
        return self._help

    def switch_theme(self) -> None:
        """Light to dark and back."""
        from studio.gui.theme import theme

        self._set("theme", "light" if theme.dark else "dark")

    def next_language(self) -> None:
        """One language on."""
        from studio.gui.i18n import translator

        names = list(LANGUAGES)
        self._set("language", names[(names.index(translator.language) + 1) % len(names)])

    def confirm_stop_jobs(self, jobs: Sequence[Job]) -> bool:
        """Ask before the window closes on running jobs."""
        return ask_to_stop_jobs(self.window, jobs)

    def _set(self, name: str, value: str) -> None:
        self.studio.settings.set(name, value)
        apply_settings(read_settings(self.studio.settings))

    def _show(self, dialog: QDialog) -> None:
        self._dialogs.append(dialog)
        dialog.finished.connect(lambda _code: self._forget(dialog))
        dialog.show()

    def _forget(self, dialog: QDialog) -> None:
        self._dialogs.remove(dialog)
        dialog.deleteLater()
