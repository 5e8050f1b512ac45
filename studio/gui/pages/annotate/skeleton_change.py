"""Saving an edited skeleton: its file, the project's settings and the annotated data, previewed
first and taken back in one step.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox

from studio.core.errors import StudioError
from studio.core.names import spoken
from studio.core.skeleton import Skeleton
from studio.core.skeleton_draft import TITLE, SkeletonDraft
from studio.gui.background import Background
from studio.gui.i18n import tr
from studio.gui.pages.annotate.skeleton_editor import SkeletonEditor
from studio.io import migration, snapshots
from studio.io.project import CONFIG, config_text, read_config
from studio.io.skeletons import FOLDER, list_skeletons, load_skeleton, skeleton_files, skeleton_text
from studio.io.snapshots import Snapshot

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage
    from studio.io.project import Project

DEFAULT = "coco17"


class SkeletonChange(QObject):
    """Offers the skeletons, opens the editor and carries out what was chosen there."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self._work = Background(self)
        self._pictures: list[Path] = []
        # The project's, as its list counts people by them.
        self.own: tuple[Skeleton, ...] = (page.editor.skeleton,)
        self.editor: SkeletonEditor | None = None
        self.question: QMessageBox | None = None

    def load(self, project: Project, folder: Path) -> None:
        """Offer the project's skeletons and work with its first."""
        page = self._page
        self.own = (load_skeleton(DEFAULT),)
        try:
            self.own = project.skeletons()
            known = list_skeletons(folder)
        except StudioError as problem:
            page.show_problem(problem)
            known = list_skeletons()
        names = {s.name for s in self.own}
        page.editor.set_skeletons([*self.own, *(s for s in known if s.name not in names)])
        page.parts.skeleton.set_skeletons([(s.name, s.title) for s in known])

    def choose(self, name: str) -> None:
        """Work with another of the skeletons offered."""
        project = self._page.studio.project
        try:
            folder = None if project is None else Path(project.folder)
            self._page.editor.set_skeleton(load_skeleton(name, folder))
        except StudioError as problem:
            self._page.show_problem(problem)

    def open(self) -> None:
        """Edit the skeleton that is worked with."""
        if self._page.studio.project is None:
            return
        editor = SkeletonEditor(self._page, self._page.editor.skeleton)
        editor.accepted.connect(lambda: self.save(editor.old, editor.draft))
        editor.finished.connect(lambda _code: editor.deleteLater())
        self.editor = editor
        editor.open()

    def save(self, old: Skeleton, draft: SkeletonDraft) -> None:
        """Write the skeleton; where annotated data change with it, say how and ask first."""
        page, project = self._page, self._page.studio.project
        new = draft.to_skeleton()
        if project is None or new == old:
            return
        if not page.document.save_all():
            return
        self._pictures = []
        try:
            change = migration.SkeletonChange(old, new, renamed=draft.renamed())
        except StudioError as problem:
            page.show_problem(problem)
            return
        if not draft.renamed() and not draft.gone(old) and old.category == new.category:
            self._carry_out(old, new, None)
            return
        page.editor.said.emit(tr("Looking at the annotated data…"))
        index = project.index

        def look() -> migration.MigrationPlan:
            rows = [row for row in index.query("") if row.annotation]
            self._pictures = [index.picture(row) for row in rows]
            return migration.plan([project.folder / row.annotation for row in rows], change)

        self._work.start(look, lambda plan: self._ask(old, new, draft, plan), page.show_problem)

    def _ask(
        self, old: Skeleton, new: Skeleton, draft: SkeletonDraft, plan: migration.MigrationPlan
    ) -> None:
        if not plan.files:
            self._carry_out(old, new, plan)
            return
        box = QMessageBox(self._page)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(tr("Skeleton editor"))
        box.setText(tr("Change the annotated data?"))
        box.setInformativeText(
            tr(
                "{files} files with {people} people change: {what}",
                files=plan.counts.get("files", len(plan.files)),
                people=plan.counts.get("people", 0),
                what=_what(draft, old),
            )
            + "\n\n"
            + tr("Undo takes all of it back.")
        )
        go = box.addButton(tr("Change the data"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(go)
        box.accepted.connect(lambda: self._carry_out(old, new, plan))
        box.finished.connect(lambda _code: box.deleteLater())
        self.question = box
        box.open()

    def _carry_out(
        self, old: Skeleton, new: Skeleton, plan: migration.MigrationPlan | None
    ) -> None:
        project = self._page.studio.project
        if project is None:
            return
        folder = Path(project.folder)
        try:
            extra = _own_files(folder, old, new)
        except StudioError as problem:
            self._page.show_problem(problem)
            return
        store = folder / snapshots.FOLDER

        def work() -> Snapshot:
            if plan is None:
                changes = [(path, text.encode()) for path, text in extra.items()]
                return snapshots.apply(changes, store, title=TITLE)
            return migration.apply(plan, store, extra=extra, title=TITLE)

        self._work.start(work, lambda made: self._done(made, new), self._page.show_problem)

    def _done(self, snapshot: Snapshot, new: Skeleton) -> None:
        page = self._page

        def after() -> None:
            self.reload(new.name)

        page.assist.many.push(TITLE, snapshot, self._pictures, after)
        page.banner.show_message(
            tr("The skeleton {name} was saved.", name=new.title or new.name),
            kind="success",
            hint=tr("Undo takes all of it back."),
        )

    def reload(self, wanted: str) -> None:
        """Work with the skeleton `wanted`; the project's first where that is gone again."""
        page, project = self._page, self._page.studio.project
        if project is None:
            return
        try:
            project.config = read_config(project.folder)
            self.load(project, project.folder)
            if wanted in skeleton_files(project.folder):
                page.editor.set_skeleton(load_skeleton(wanted, project.folder))
        except StudioError as problem:
            page.show_problem(problem)


def _what(draft: SkeletonDraft, old: Skeleton) -> str:
    parts: list[str] = []
    renamed = ", ".join(f"{spoken(a)} → {spoken(b)}" for a, b in draft.renamed().items())
    gone = ", ".join(spoken(name) for name in draft.gone(old))
    if renamed:
        parts.append(tr("renamed: {names}", names=renamed))
    if gone:
        parts.append(tr("removed: {names}", names=gone))
    return "; ".join(parts)


def _own_files(folder: Path, old: Skeleton, new: Skeleton) -> dict[Path, str]:
    """The skeleton's file, and the project's settings where they name another."""
    files: dict[Path, str] = {folder / FOLDER / f"{new.name}.toml": skeleton_text(new)}
    config = read_config(folder)
    names = tuple(new.name if name == old.name else name for name in config.skeletons)
    if new.name not in names:
        names = (new.name, *names)
    if names != config.skeletons:
        files[folder / CONFIG] = config_text(folder, replace(config, skeletons=names))
    return files
