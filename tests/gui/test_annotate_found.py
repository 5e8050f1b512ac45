"""Files of other people and other tools: each opens or is refused, and none is changed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.core.errors import StudioError
from studio.gui.document import Document
from studio.gui.pages.annotate.canvas import Canvas
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.people_tree import PeopleTree
from studio.gui.pages.annotate.pictures import load_picture
from studio.gui.pages.annotate.skeleton_panel import SkeletonPanel
from studio.gui.pages.annotate.tools import TOOLS
from studio.io.skeletons import load_skeleton
from tests.gui.annotating import make_picture

FOUND = Path(__file__).parents[3] / "shared" / "data" / "labelme_found"
ROUNDS = 150


class Desk:
    """A document with everything that shows it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.problems: list[StudioError] = []
        self.document = Document()
        self.document.problem.connect(self.problems.append)
        self.editor = Editor(self.document, load_skeleton("coco17"))
        self.canvas = Canvas(self.editor)
        self.editor.tools = {tool.id: tool(self.editor, self.canvas) for tool in TOOLS}
        self.editor.use("select")
        self.widgets = [self.canvas, PeopleTree(self.editor), SkeletonPanel(self.editor)]
        for widget in self.widgets:
            qtbot.addWidget(widget)
            widget.resize(500, 400)
            widget.show()

    def look(self, picture: Path) -> None:
        """Open, draw, search and select everything."""
        self.document.open(picture, (320, 240))
        self.canvas.set_picture(load_picture(picture))
        self.editor.select_all()
        for x, y in ((0, 0), (160, 120), (319, 239)):
            self.editor.scene.hits.at(x, y, 5)
            self.editor.scene.limb_at(x, y, 5)
        for widget in self.widgets:
            widget.grab()


@pytest.fixture
def desk(qtbot: QtBot) -> Desk:
    return Desk(qtbot)


@pytest.mark.skipif(not FOUND.is_dir(), reason="../shared/data/labelme_found is not here")
def test_files_found_in_the_wild(desk: Desk, tmp_path: Path) -> None:
    opened = refused = 0
    paths = sorted(FOUND.rglob("*.json"))
    for number, path in enumerate(paths):
        picture = make_picture(tmp_path / f"{number}.png", seed=number)
        target = picture.with_suffix(".json")
        target.write_bytes(path.read_bytes())
        desk.look(picture)
        if desk.document.editable:
            opened += 1
        else:
            refused += 1
            assert desk.problems[-1].message
        assert target.read_bytes() == path.read_bytes()
    assert opened >= 4
    assert opened + refused == len(paths)


def mutated(value: object, dice: random.Random) -> object:
    """The value with something in it gone, doubled or of another kind."""
    if dice.random() < 0.12:
        return dice.choice(
            [None, True, -1, 1e308, 10**30, "", "x" * 10_000, [], {}, [[]], "é\u2028"]
        )
    if isinstance(value, dict):
        return {k: mutated(v, dice) for k, v in value.items() if dice.random() > 0.04}
    if isinstance(value, list):
        return [mutated(v, dice) for v in value for _ in range(dice.choice([1, 1, 1, 1, 0, 2]))]
    return value


def test_mutated_files_reach_nobody_as_a_crash(desk: Desk, tmp_path: Path) -> None:
    base = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [
            {
                "label": n,
                "points": [[9 * i, 7 * i]],
                "group_id": 1,
                "shape_type": "point",
                "flags": {},
            }
            for i, n in enumerate(load_skeleton("coco17").keypoints)
        ]
        + [
            {"label": "person", "points": [[1, 1], [50, 80]], "group_id": 1, "shape_type": kind}
            for kind in ("rectangle", "circle", "polygon", "line", "mask", "rotation")
        ],
        "imagePath": "../../etc/passwd",
        "imageData": None,
        "imageHeight": 240,
        "imageWidth": 320,
    }
    picture = make_picture(tmp_path / "a.png")
    target = picture.with_suffix(".json")
    dice = random.Random(7)
    opened = 0
    for _ in range(ROUNDS):
        text = json.dumps(mutated(base, dice))
        if dice.random() < 0.1:
            text = text[: dice.randrange(len(text))]
        target.write_text(text, encoding="utf-8")
        desk.document.set_project(None)
        desk.look(picture)
        opened += desk.document.editable
        assert target.read_text(encoding="utf-8") == text
    assert 0 < opened < ROUNDS
