"""Random edits over several pictures with real files: undone they are the start, redone the end.

On values and on the saved files; and what a killed window would give back is what it showed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.annotation import AnnotatedImage
from studio.core.errors import StudioError
from studio.gui.document import Document
from studio.io import journal, labelme
from tests.core.test_edits import PICTURES, edit_of
from tests.gui.killing import digest

NAMES = ("a.png", "b.png")
SIZE = (640, 480)


class Desk:
    """A document on files of its own, and the picture of its history."""

    def __init__(self, folder: Path, contents: dict[str, AnnotatedImage | None]) -> None:
        self.folder = folder
        for name, image in contents.items():
            if image is not None:
                labelme.write((folder / name).with_suffix(".json"), image)
        self.document = Document()
        self.document.set_project(folder)
        self.problems: list[StudioError] = []
        self.document.problem.connect(self.problems.append)
        for name in reversed(NAMES):
            self.open(name)

    def open(self, name: str) -> None:
        self.document.open(self.folder / name, SIZE)

    def contents(self) -> list[str]:
        found = [self.document.content_of(self.folder / name) for name in NAMES]
        return [digest(image) for image in found if image is not None]

    def files(self) -> list[str]:
        """What the files say, as if each picture were opened for the first time."""
        paths = [(self.folder / name).with_suffix(".json") for name in NAMES]
        return [digest(labelme.read(p) if p.is_file() else AnnotatedImage("")) for p in paths]

    def after_a_crash(self) -> list[str]:
        """The files, with what a killed window's journal gives back on top."""
        with pytest.MonkeyPatch.context() as patch:
            # This process stands for the killed one.
            patch.setattr(journal, "_is_running", lambda _head: False)
            left = {r.picture.name: r for r in journal.leftovers(self.folder)}
        assert all(r.problem is None for r in left.values())
        restored = {name: r.image for name, r in left.items() if r.image is not None}
        return [
            digest(restored[name]) if name in restored else file
            for name, file in zip(NAMES, self.files(), strict=True)
        ]


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_undo_all_is_the_start_and_redo_all_the_end(qapp: object, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        begin = {name: data.draw(st.one_of(st.none(), PICTURES)) for name in NAMES}
        desk = Desk(Path(folder), begin)
        document = desk.document
        document.autosave = data.draw(st.booleans())
        start, start_files = desk.contents(), desk.files()
        assert start == start_files
        for _ in range(data.draw(st.integers(1, 14))):
            act = data.draw(
                st.sampled_from(["edit"] * 5 + ["open", "undo", "redo", "save", "soon"])
            )
            if act == "edit":
                document.apply(data.draw(edit_of(document.content)))
            elif act == "open":
                desk.open(data.draw(st.sampled_from(NAMES)))
            elif act == "save":
                assert document.save()
            elif act == "soon":
                document.save_soon()
            else:
                (document.history.undo if act == "undo" else document.history.redo)()
        document.settle()
        assert desk.after_a_crash() == desk.contents()
        while document.history.canRedo():
            document.history.redo()
        end = desk.contents()
        assert document.save_all()
        assert desk.files() == end
        while document.history.canUndo():
            document.history.undo()
        assert desk.contents() == start
        assert document.save_all()
        assert desk.files() == start
        while document.history.canRedo():
            document.history.redo()
        assert desk.contents() == end
        assert document.save_all()
        assert desk.files() == end
        assert desk.problems == []
        document.set_project(None)
