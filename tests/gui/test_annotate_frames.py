"""People over the frames of a clip, on the real page."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from studio.gui.pages.annotate import AnnotatePage
from studio.io import labelme, snapshots
from studio.io.images import write_image
from studio.vision.synthetic import make_clip
from tests.gui.annotating import Hands, annotation, make_picture

SHIFT = Qt.KeyboardModifier.ShiftModifier


def _clip(folder: Path, count: int = 6) -> list[Path]:
    folder.mkdir()
    return [make_picture(folder / f"w.mp4_{n:06}.png", seed=n) for n in range(count)]


def _person(x: float, group: int = 3) -> list[dict]:
    return [
        {
            "label": "person",
            "shape_type": "rectangle",
            "points": [[x, 20.0], [x + 40, 120.0]],
            "group_id": group,
        },
        {"label": "nose", "points": [[x + 20, 30.0]], "group_id": group},
    ]


def _nose(picture: Path) -> float:
    return labelme.read(picture.with_suffix(".json")).shapes[1].points[0][0]


def _settled(hands: Hands, page: AnnotatePage) -> None:
    hands.wait_until(lambda: not page.assist.many.busy, timeout=8000)


def test_frames_between_keyframes_are_filled_in_one_step(hands: Hands, tmp_path: Path) -> None:
    clip = _clip(tmp_path / "p")
    annotation(clip[0], _person(10))
    annotation(clip[4], _person(50))
    annotation(clip[2], _person(200, group=9))
    page = hands.open(tmp_path / "p", 6)
    hands.key(Qt.Key.Key_I, SHIFT)
    hands.wait_until(lambda: clip[3].with_suffix(".json").is_file(), timeout=8000)
    _settled(hands, page)
    assert [_nose(clip[n]) for n in (1, 3)] == [40.0, 60.0]
    assert labelme.read(clip[2].with_suffix(".json")).group_ids() == (9, 3)
    assert not clip[5].with_suffix(".json").exists()
    page.undo()
    assert not clip[1].with_suffix(".json").exists()
    assert labelme.read(clip[2].with_suffix(".json")).group_ids() == (9,)
    page.redo()
    assert _nose(clip[1]) == 40.0


def test_edits_before_and_after_a_step_over_many_pictures(hands: Hands, tmp_path: Path) -> None:
    clip = _clip(tmp_path / "p", 3)
    annotation(clip[0], _person(10))
    page = hands.open(tmp_path / "p", 3)
    page.open_picture(clip[1])
    page.editor.set_label("tree")
    page.editor.add("rectangle", [(1.0, 1.0), (9.0, 9.0)])
    page.open_picture(clip[0])
    page.assist.frames.propagate(2)
    hands.wait_until(lambda: page.document.history.count() == 2, timeout=8000)
    assert [s.label for s in labelme.read(clip[1].with_suffix(".json")).shapes] == [
        "tree",
        "person",
        "nose",
    ]
    page.open_picture(clip[1])
    page.document.select([1])
    page.editor.delete_selection()
    page.open_picture(clip[2])
    assert page.document.content.group_ids() == (3,)
    for _ in range(3):
        page.undo()
    page.document.save_all()
    assert labelme.read(clip[1].with_suffix(".json")).shapes == ()
    assert not clip[2].with_suffix(".json").exists()
    for _ in range(3):
        page.redo()
    page.document.save_all()
    assert [s.label for s in labelme.read(clip[1].with_suffix(".json")).shapes] == ["tree", "nose"]
    assert labelme.read(clip[2].with_suffix(".json")).group_ids() == (3,)


def test_many_files_go_back_off_the_windows_thread(hands: Hands, tmp_path: Path) -> None:
    clip = _clip(tmp_path / "p", 14)
    annotation(clip[0], _person(10))
    page = hands.open(tmp_path / "p", 14)
    page.assist.frames.propagate(13)
    hands.wait_until(lambda: page.document.history.count() == 1, timeout=8000)
    _settled(hands, page)
    page.undo()
    hands.wait_until(lambda: page.document.history.index() == 0, timeout=8000)
    assert not any(p.with_suffix(".json").exists() for p in clip[1:])
    page.redo()
    hands.wait_until(lambda: page.document.history.index() == 1, timeout=8000)
    assert all(p.with_suffix(".json").exists() for p in clip)


def test_a_file_changed_outside_is_not_taken_back(hands: Hands, tmp_path: Path) -> None:
    clip = _clip(tmp_path / "p", 3)
    annotation(clip[0], _person(10))
    page = hands.open(tmp_path / "p", 3)
    page.assist.frames.propagate(2)
    hands.wait_until(lambda: page.document.history.count() == 1, timeout=8000)
    annotation(clip[2], _person(77))
    page.undo()
    assert page.banner.isVisible()
    assert clip[1].with_suffix(".json").exists()
    assert _nose(clip[2]) == 97.0


def test_joints_are_tracked_and_the_reason_of_the_end_is_told(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    made = list(make_clip(3, 5, (640, 480), 2))
    clip = [folder / f"film.mp4_{n:06}.png" for n in range(5)]
    for path, frame in zip(clip, made, strict=True):
        write_image(path, frame.image)
    person = max(made[0].people, key=lambda p: p.labelled)
    x, y, w, h = (float(v) for v in person.tight_box())  # type: ignore[union-attr]
    names = hands.page.editor.skeleton.keypoints
    shapes = [
        {
            "label": "person",
            "shape_type": "rectangle",
            "points": [[x, y], [x + w, y + h]],
            "group_id": 5,
        }
    ] + [
        {"label": name, "points": [[float(px), float(py)]], "group_id": 5}
        for name, (px, py, v) in zip(names, person.keypoints, strict=True)
        if v == 2
    ]
    annotation(clip[0], shapes, size=(640, 480))
    page = hands.open(folder, 5)
    page.studio.settings.set("annotate/track_frames", 3)
    hands.key(Qt.Key.Key_D, SHIFT)
    job = page.assist.frames.job
    assert job is not None
    hands.wait_until(lambda: job.ended, timeout=60000)
    assert job.state == "ok", job.problem
    hands.wait_until(lambda: page.document.history.count() == 1, timeout=8000)
    assert "Person 5 up to film.mp4_000003.png: as many frames as asked." in page.banner.hint.text()
    image = labelme.read(clip[3].with_suffix(".json"))
    assert image.group_ids() == (5,)
    assert any(s.extra.get("score", 1) < 1 for s in image.shapes)
    page.undo()
    assert not clip[3].with_suffix(".json").exists()


def test_a_step_cut_off_by_a_crash_is_offered_to_be_put_back(hands: Hands, tmp_path: Path) -> None:
    clip = _clip(tmp_path / "p", 2)
    annotation(clip[0], _person(10))
    before = clip[0].with_suffix(".json").read_bytes()
    store = tmp_path / "p" / ".studio" / "snapshots"
    made = snapshots.apply(
        [(clip[0].with_suffix(".json"), before.replace(b"nose", b"tail"))], store
    )
    path = made.folder / "snapshot.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "state": "begun", "pid": 2**22 - 3}))
    page = hands.open(tmp_path / "p", 2)
    assert page.parts.unfinished.isVisible()
    (answer,) = page.parts.unfinished.findChildren(QPushButton)
    answer.click()
    hands.wait_until(lambda: clip[0].with_suffix(".json").read_bytes() == before, timeout=5000)
    hands.wait_until(lambda: "nose" in hands.labels(), timeout=5000)
