"""What each of the six pages is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.core.errors import Problem, StudioError
from studio.gui.actions import StudioAction
from studio.gui.banner import Banner

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project


class Page(QWidget):
    """A page of the window: a banner, hidden until needed, above the page's own content.

    A sub-class builds its widgets in its constructor and ends with `self.set_content(widget)`.
    The window makes a page when it is first shown.
    """

    page_id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon_name: ClassVar[str] = ""

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.setProperty("role", "page")
        self.setObjectName(f"page_{self.page_id}")
        self.banner = Banner(self)
        self.outer = QVBoxLayout(self)
        self.outer.setContentsMargins(0, 0, 0, 0)
        self.outer.setSpacing(0)
        self.outer.addWidget(self.banner)

    def set_content(self, widget: QWidget) -> None:
        """The page's own part, below the banner."""
        self.outer.addWidget(widget, 1)

    def activate(self) -> None:
        """The page has come to the front."""

    def deactivate(self) -> None:
        """Another page has come to the front."""

    def set_project(self, project: Project | None) -> None:
        """A project was opened or closed; also called once after the page is made."""

    def receive(self, **payload: Any) -> None:
        """Another page sends something: `studio.open_page("annotate", image=path)`."""

    def studio_actions(self) -> list[StudioAction]:
        """What a person can do here; the window registers it for this page. (`actions` is a
        method of QWidget already.)
        """
        return []

    def sidebar(self) -> QWidget | None:
        """A widget that Tab folds away, if the page has one."""
        return None

    def show_problem(self, problem: StudioError | Problem | BaseException) -> None:
        """Say on this page what went wrong."""
        self.banner.show_problem(problem)

    def confirm_close(self) -> bool:
        """False keeps the window open, for instance while work is not saved."""
        return True
