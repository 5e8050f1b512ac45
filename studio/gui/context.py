"""What every page is given: settings, the open project, the job runner, the actions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from studio.gui.actions import ActionRegistry
from studio.gui.runner import JobRunner
from studio.gui.settings import Settings
from studio.gui.shortcuts import Shortcuts
from studio.gui.trust import TrustGuard

if TYPE_CHECKING:
    from studio.io.project import Project

SHORTCUTS = "shortcuts"


class StudioContext(QObject):
    """One per window. `project_changed` carries the Project or None."""

    project_changed = Signal(object)
    problem = Signal(object)

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings(parent=self)
        self.runner = JobRunner(self)
        self.trust = TrustGuard(self.settings)
        self.runner.guard = self.trust.admit
        self.actions = ActionRegistry(parent=self)
        self.actions.shortcuts = Shortcuts.from_mapping(self.settings.get(SHORTCUTS, {}))
        self.project: Project | None = None
        self._open_page: Callable[..., Any] | None = None

    def set_page_opener(self, opener: Callable[..., Any]) -> None:
        """The window says how a page is shown."""
        self._open_page = opener

    def open_page(self, page_id: str, **payload: Any) -> None:
        """Show a page; `payload` goes to its `receive(**payload)`."""
        if self._open_page is not None:
            self._open_page(page_id, **payload)

    def open_project(self, folder: Path) -> None:
        """Open a folder as the project. Raises StudioError where it cannot be."""
        from studio.io.project import Project

        self.set_project(Project.open(folder))
        self.settings.add_recent_project(folder)

    def set_project(self, project: Project | None) -> None:
        """Take on a project that is already open."""
        before, self.project = self.project, project
        self.runner.set_project(None if project is None else Path(project.folder))
        self.project_changed.emit(project)
        if before is not None and before is not project:
            before.close()

    def set_shortcuts(self, shortcuts: Shortcuts) -> None:
        """Other keys, at once and for the next start."""
        self.settings.set(SHORTCUTS, shortcuts.to_mapping())
        self.actions.set_shortcuts(shortcuts)

    def report(self, problem: Any) -> None:
        """Show a StudioError, Problem or exception as a banner on the page in front."""
        self.problem.emit(problem)
