"""The head's cube on the real canvas, over a rendered head whose rotation is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt

from studio.core import annotation, head
from studio.core.head import Angles
from studio.gui.pages.annotate.tools.head import HeadTool
from studio.io import labelme
from studio.vision.synthetic import scene as synthetic
from studio.vision.synthetic.scene import SyntheticPicture
from tests.gui.annotating import Hands

Key = Qt.Key


def rendered(folder: Path) -> SyntheticPicture:
    """A picture with a person whose face is seen, and its file without the rotation."""
    skeleton = synthetic.coco17()
    face = [skeleton.index[n] for n in ("nose", "left_ear", "right_ear")]
    for seed in range(200):
        made = synthetic.make_picture(np.random.default_rng(seed), (640, 480), people=1)
        person = made.people[0] if made.people else None
        if person is None or person.head_rotation is None or not person.keypoints[face, 2].all():
            continue
        yaw = head.angles_of(person.head_rotation).yaw
        if 15 < abs(yaw) < 60:
            folder.mkdir()
            cv2.imwrite(str(folder / "a.png"), made.image)
            shapes = annotation.shapes_of(person, skeleton, 1)
            bare = [s for s in shapes if s.shape_type != "polygon"]
            for shape in bare:
                assert head.KEY not in shape.extra or shape.shape_type != "point"
            image = labelme.new_image(folder / "a.png", (640, 480))
            from dataclasses import replace

            plain = tuple(
                replace(s, extra={k: v for k, v in s.extra.items() if k != head.KEY}) for s in bare
            )
            labelme.write(folder / "a.json", replace(image, shapes=plain))
            return made
    raise AssertionError("no face was rendered")


def test_the_cube_turned_onto_a_rendered_head_tells_its_rotation(
    hands: Hands, tmp_path: Path
) -> None:
    made = rendered(tmp_path / "p")
    (person,) = made.people
    truth = person.head_rotation
    assert truth is not None
    page = hands.open(tmp_path / "p", 1)
    hands.wait_picture()
    page.use_tool("head")
    nose = person.keypoints[0]
    hands.click(*nose[:2])
    assert page.editor.person == 1
    found = head.head_of(page.document.content, 1)
    assert found is not None
    tool = page.editor.tools["head"]
    assert isinstance(tool, HeadTool)
    ball = tool._ball(found)
    page.canvas.zoom(3.0, page.canvas.view.to_canvas(*found.centre))
    ball = tool._ball(found)
    # The nose's direction, as it is drawn in the picture, is where the middle is dragged to.
    ears = [synthetic.coco17().index[n] for n in ("left_ear", "right_ear")]
    forward = nose[:2] - person.keypoints[ears, :2].mean(axis=0)
    axes = np.diag([1, -1]) @ truth.T[:2] @ np.diag([1, -1, 1])
    assert axes[:, 2] @ forward > 0
    end = np.array(found.centre) + axes[:, 2] * ball.radius
    hands.drag(found.centre, (float(end[0]), float(end[1])))
    stored = head.head_rotation(page.document.content, 1)
    assert stored is not None
    assert head.seen(stored)[:2, 2] == pytest.approx(axes[:, 2], abs=0.06)
    assert np.sign(head.angles_of(stored).yaw) == np.sign(head.angles_of(truth).yaw)
    assert page.document.content.shapes[0].shape_type == "rectangle"
    page.undo()
    assert head.head_rotation(page.document.content, 1) is None


def test_angles_can_be_typed_and_are_saved_as_the_contract_says(
    hands: Hands, tmp_path: Path
) -> None:
    made = rendered(tmp_path / "p")
    truth = made.people[0].head_rotation
    assert truth is not None
    page = hands.open(tmp_path / "p", 1)
    hands.wait_picture()
    page.editor.set_person(1)
    panel = page.parts.flags.head
    angles = head.angles_of(truth)
    for name, value in angles._asdict().items():
        panel.fields[name].setValue(value)
    hands.ctrl(Key.Key_S)
    saved = labelme.read(tmp_path / "p" / "a.json")
    box = next(s for s in saved.shapes if s.shape_type == "rectangle")
    assert np.array(box.extra["head_rotation"]) == pytest.approx(truth, abs=2e-3)
    shown = {name: field.value() for name, field in panel.fields.items()}
    assert shown == pytest.approx(angles._asdict(), abs=0.06)
    page.undo()
    page.undo()
    page.undo()
    assert all(field.value() == 0.0 for field in panel.fields.values())
    page.redo()
    assert head.angles_of(
        head.head_rotation(page.document.content, 1)  # type: ignore[arg-type]
    ).yaw == pytest.approx(angles.yaw, abs=0.06)
    panel.remove.click()
    assert head.head_rotation(page.document.content, 1) is None


def test_a_head_turned_by_numbers_is_drawn_where_the_contract_says(
    hands: Hands, tmp_path: Path
) -> None:
    """The pixels of the cube's nose line lie along the drawn third axis."""
    rendered(tmp_path / "p")
    page = hands.open(tmp_path / "p", 1)
    hands.wait_picture()
    content = page.document.content
    turn = head.rotation_of(Angles(-40.0, 20.0, 0.0))
    before = page.canvas.grab().toImage()
    page.document.apply(head.set_head_rotation(content, page.editor.skeleton, 1, turn))
    after = page.canvas.grab().toImage()
    found = head.head_of(content, 1)
    assert found is not None
    centre = page.canvas.view.to_canvas(*found.centre)
    axes = np.diag([1, -1]) @ turn.T[:2] @ np.diag([1, -1, 1])
    half = max(found.radius * page.canvas.view.scale * 0.72, 9.0)
    tip = np.array([centre.x(), centre.y()]) + axes[:, 2] * half * 1.9
    assert axes[0, 2] > 0 > axes[1, 2]  # to the picture's right, and up
    x, y = (round(float(v)) for v in tip)
    assert before.pixel(x, y) != after.pixel(x, y)
