"""Proposed people on the real page: asked of a model, accepted, rejected, undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from studio import RESOURCES
from studio.core.annotation import AnnotatedImage, Instance, shapes_of
from studio.core.prelabels import proposals_of
from studio.gui.pages.annotate.prelabel import ALL, THIS
from studio.io import labelme
from studio.io.images import write_image
from studio.io.skeletons import load_skeleton
from tests.gui.annotating import SIZE, Hands, make_project
from tests.runtime.conftest import toy_model
from tests.runtime.toy import picture_with

__all__ = ["toy_model"]


def _person(x: float, score: float | None, source: str | None) -> Instance:
    points = np.zeros((17, 3))
    points[:5] = [[x + 5 * n, 60 + 5 * n, 2] for n in range(5)]
    box = np.array([x, 50.0, 40.0, 60.0])
    return Instance("person", points, box=box, score=score, source=source)


def _label(picture: Path, people: list[Instance]) -> None:
    skeleton = load_skeleton("coco17")
    shapes = [s for n, p in enumerate(people, 1) for s in shapes_of(p, skeleton, n)]
    image = AnnotatedImage(picture.name, *SIZE, tuple(shapes))
    labelme.write(picture.with_suffix(".json"), image)


def test_settling_a_picture_by_the_keys(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 3)
    _label(
        pictures[0],
        [_person(10, None, None), _person(70, 0.9, "m"), _person(130, 0.4, "m")],
    )
    _label(pictures[2], [_person(10, 0.2, "m"), _person(90, 0.95, "m")])
    page = hands.open(tmp_path / "p", 3)
    bar = page.assist.proposals.bar
    assert bar.isVisible()
    assert bar.text.text() == "2 proposed, lowest 0.40"
    names = [page.tree.people.index(n, 0).data() for n in range(3)]
    assert names == ["person 1", "person 2   0.90 ?", "person 3   0.40 ?"]
    hands.key(Qt.Key.Key_N)
    assert page.document.content.group_ids() == (1, 2)
    assert page.assist.proposals.here[0].group_id == 2
    assert page.document.selection
    hands.key(Qt.Key.Key_Y)
    assert proposals_of(page.document.content) == ()
    assert page.document.content.shapes[6].extra == {"score": 0.9}
    assert not bar.isVisible()
    hands.key(Qt.Key.Key_G)
    hands.wait_until(lambda: page.document.picture == pictures[2], timeout=5000)
    hands.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)
    assert [p.score for p in page.assist.proposals.here] == [0.2]
    page.toggle_reviewed()
    assert page.document.content.reviewed
    assert page.assist.proposals.here == ()
    for _ in range(4):
        page.undo()
    assert page.document.picture == pictures[0]
    assert len(page.assist.proposals.here) == 2


def test_a_corrected_proposal_stays_one(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 1)
    _label(pictures[0], [_person(70, 0.4, "m")])
    page = hands.open(tmp_path / "p", 1)
    page.document.select([1])
    page.editor.nudge(5, 0)
    assert [p.group_id for p in page.assist.proposals.here] == [1]
    page.document.select([])
    hands.key(Qt.Key.Key_Y)
    assert page.assist.proposals.here == ()


def test_a_model_labels_all_pictures_in_one_step(
    hands: Hands, toy_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    write_image(folder / "a.png", picture_with((2, 1), (8, 4), size=(640, 384)))
    write_image(folder / "b.png", picture_with((5, 5), size=(384, 640)))
    write_image(folder / "c.png", picture_with((2, 2), size=(640, 384)))
    _label(folder / "c.png", [_person(300, None, None)])
    page = hands.open(folder, 3)
    page.assist.prelabel.start({"model": str(toy_model), "precision": "f32"}, ALL)
    hands.wait_until((folder / "b.json").is_file, timeout=60000)
    hands.wait_until(lambda: not page.assist.many.busy, timeout=8000)
    assert len(page.assist.proposals.here) == 2
    assert page.document.history.count() == 1
    assert not page.document.unsaved()
    assert len(labelme.read(folder / "c.json").group_ids()) == 1
    hands.key(Qt.Key.Key_Y)
    page.document.save()
    page.undo()
    page.undo()
    assert not (folder / "a.json").exists()
    assert not (folder / "b.json").exists()
    assert page.document.content.shapes == ()
    page.redo()
    assert (folder / "b.json").is_file()
    assert len(page.assist.proposals.here) == 2
    page.redo()
    assert len(page.assist.proposals.here) == 1


def test_the_dialog_offers_the_model_and_this_picture_keeps_people(
    hands: Hands, toy_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    write_image(folder / "a.png", picture_with((2, 1), (8, 4), size=(640, 384)))
    _label(folder / "a.png", [_person(300, None, None)])
    page = hands.open(folder, 1)
    page.studio.settings.set("annotate/prelabel", {"model": str(toy_model), "precision": "f32"})
    page.assist.prelabel.ask(THIS)
    dialog = page.assist.prelabel.dialog
    assert dialog is not None
    assert dialog.form.options().to_mapping()["model"] == str(toy_model)
    dialog.start.click()
    hands.wait_until(lambda: len(page.assist.proposals.here) == 2, timeout=60000)
    assert len(page.document.content.group_ids()) == 3


def test_the_sample_weights_propose_people(hands: Hands, tmp_path: Path) -> None:
    model = RESOURCES / "sample" / "weights"
    if not (model / "model.json").is_file():
        pytest.skip("the sample weights are not here")
    from studio.vision.synthetic import make_picture

    folder = tmp_path / "p"
    folder.mkdir()
    write_image(folder / "a.png", make_picture(5, (320, 240)).image)
    page = hands.open(folder, 1)
    page.assist.prelabel.start({"model": str(model), "conf": 0.05, "kp_conf": 0.05}, THIS)
    job = page.assist.prelabel.job
    assert job is not None
    hands.wait_until(lambda: job.ended, timeout=120000)
    assert job.state == "ok", job.problem


def test_a_frame_kept_by_live_opens_as_proposals(hands: Hands, tmp_path: Path) -> None:
    make_project(tmp_path / "p", 1)
    page = hands.open(tmp_path / "p", 1)
    (tmp_path / "p" / "doubtful").mkdir()
    kept = make_project(tmp_path / "p" / "doubtful", 1)[0]
    _label(kept, [_person(70, 0.4, "m")])
    hands.window.studio.open_page("annotate", picture=kept)
    assert page.document.picture == kept
    assert page.assist.proposals.bar.isVisible()
    hands.wait_until(lambda: page.pictures.model.row_of(kept) >= 0, timeout=8000)
