"""What a killed window leaves behind comes back, and only that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import people, shape_edits
from studio.core.annotation import AnnotatedImage, Shape
from studio.core.edits import Edit
from studio.core.skeleton import Skeleton
from studio.io import journal, labelme
from studio.io.edit_codec import decode, encode
from tests.core.test_edits import PICTURES, edit_of

SKELETON = Skeleton(name="two", keypoints=("nose", "tail"))
EMPTY = AnnotatedImage("a.jpg", 64, 48, version=labelme.FORMAT_VERSION)


def joint(image: AnnotatedImage, x: float) -> Edit:
    return people.set_joint(image, SKELETON, image.next_group_id(), 0, (x, 5.0))


@given(PICTURES, st.data())
def test_every_edit_comes_back_from_json(image: AnnotatedImage, data: st.DataObject) -> None:
    import orjson

    edit = data.draw(edit_of(image))
    assert decode(orjson.loads(orjson.dumps(encode(edit)))) == edit


# A window in another process: it writes what a session writes, and is killed where told.
SESSION = """
import os, signal, sys
from pathlib import Path
from studio.io import journal, labelme
from tests.io.test_journal import EMPTY, joint
folder = Path(sys.argv[1]); until = sys.argv[2]
own = journal.Journal(folder)
image, base = EMPTY, journal.NO_FILE
def step(name, x):
    global image
    edit = joint(image, x)
    image = edit.apply(image)
    own.record(folder / name, base, edit, (64, 48))
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
step("a.jpg", 1.0); step("a.jpg", 2.0)
if until == "edits": kill()
own.saving(folder / "a.jpg", journal.content_hash(labelme.dumps(image)))
if until == "saving": kill()
labelme.write(folder / "a.json", image)
if until == "saved": kill()
base = journal.file_hash(folder / "a.json")
step("a.jpg", 3.0)
if until == "after": kill()
own.done(folder / "a.jpg")
"""


def killed_session(folder: Path, until: str) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", SESSION, str(folder), until]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False
    )
    assert done.returncode == (0 if until == "end" else -signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize(
    ("until", "people_in_file", "people_back"),
    [("edits", 0, 2), ("saving", 0, 2), ("saved", 2, None), ("after", 2, 3), ("end", 2, None)],
)
def test_a_killed_window_loses_nothing(
    tmp_path: Path, until: str, people_in_file: int, people_back: int | None
) -> None:
    killed_session(tmp_path, until)
    annotation = tmp_path / "a.json"
    assert annotation.is_file() == bool(people_in_file)
    found = journal.leftovers(tmp_path)
    if people_back is None:
        assert found == ()
        assert list((tmp_path / journal.FOLDER).glob("*")) == []
        return
    (recovery,) = found
    assert recovery.picture == tmp_path / "a.jpg"
    assert recovery.problem is None
    assert recovery.image is not None
    assert len(recovery.image.shapes) == people_back
    assert (recovery.image.width, recovery.image.height) == (64, 48)
    journal.forget(recovery)
    assert journal.leftovers(tmp_path) == ()
    assert not recovery.journal.exists()


def test_a_line_cut_short_costs_that_edit_alone(tmp_path: Path) -> None:
    killed_session(tmp_path, "edits")
    (path,) = (tmp_path / journal.FOLDER).glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-40])
    (recovery,) = journal.leftovers(tmp_path)
    assert recovery.image is not None
    assert len(recovery.image.shapes) == 1
    journal.forget(recovery)
    assert journal.leftovers(tmp_path) == ()


def test_pictures_are_restored_one_by_one(tmp_path: Path) -> None:
    killed_session(tmp_path, "edits")
    (path,) = (tmp_path / journal.FOLDER).glob("*.jsonl")
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines, lines[1].replace(b"a.jpg", b"b.jpg")]) + b"\n")
    first, second = journal.leftovers(tmp_path)
    assert [r.picture.name for r in (first, second)] == ["a.jpg", "b.jpg"]
    journal.forget(first)
    (left,) = journal.leftovers(tmp_path)
    assert left.picture.name == "b.jpg"


def test_edits_that_do_not_fit_the_file_are_kept_with_the_reason(tmp_path: Path) -> None:
    killed_session(tmp_path, "after")
    labelme.write(tmp_path / "a.json", EMPTY)
    (recovery,) = journal.leftovers(tmp_path)
    # The file is not the one that was saved, so every step counts again.
    assert recovery.problem is None
    assert recovery.image is not None
    assert [s.group_id for s in recovery.image.shapes] == [1, 2, 3]
    (tmp_path / "a.json").write_text("{")
    (recovery,) = journal.leftovers(tmp_path)
    assert recovery.image is None
    assert recovery.problem is not None


def test_a_living_window_keeps_its_journal(tmp_path: Path) -> None:
    own = journal.Journal(tmp_path)
    edit = joint(EMPTY, 1.0)
    own.record(tmp_path / "a.jpg", journal.NO_FILE, edit, (64, 48))
    own.record(tmp_path / "b.jpg", journal.NO_FILE, edit, (64, 48))
    assert own.path is not None
    assert journal.leftovers(tmp_path) == ()
    own.done(tmp_path / "a.jpg")
    assert own.path is not None
    own.done(tmp_path / "b.jpg")
    assert own.path is None
    assert list((tmp_path / journal.FOLDER).iterdir()) == []


def test_steps_after_a_mark_are_not_in_the_file(tmp_path: Path) -> None:
    """A file written in the background does not hold what was edited meanwhile."""
    own = journal.Journal(tmp_path)
    picture = tmp_path / "a.jpg"
    first = joint(EMPTY, 1.0)
    image = first.apply(EMPTY)
    own.record(picture, journal.NO_FILE, first, (64, 48))
    mark = own.mark(picture)
    second = joint(image, 2.0)
    own.record(picture, journal.NO_FILE, second, (64, 48))
    own.saving(picture, journal.content_hash(labelme.dumps(image)), mark)
    own.record(picture, journal.NO_FILE, joint(second.apply(image), 3.0), (64, 48))
    labelme.write(tmp_path / "a.json", image)
    assert own.path is not None
    left_behind(own.path)
    (recovery,) = journal.leftovers(tmp_path)
    assert recovery.problem is None
    assert recovery.image is not None
    assert [s.points[0][0] for s in recovery.image.shapes] == [1.0, 2.0, 3.0]


def left_behind(path: Path) -> None:
    """As if the window that wrote it were gone."""
    head, *lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([head.replace(b'"born":', b'"born":9'), *lines]))


def test_a_project_that_cannot_be_written_has_its_journal_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSE_STUDIO_DATA_DIR", str(tmp_path / "data"))
    project = tmp_path / "p"
    project.mkdir()
    own = journal.Journal(project)
    picture = project / "a.jpg"
    first = joint(EMPTY, 1.0)
    own.record(picture, journal.NO_FILE, first, (64, 48))
    assert own.trouble is None
    # A file where the folder was: nothing can be written there, not even by root.
    (project / journal.FOLDER).rename(project / "away")
    (project / journal.FOLDER).write_text("")
    own.record(picture, journal.NO_FILE, joint(first.apply(EMPTY), 2.0), (64, 48))
    assert own.trouble is not None
    assert own.path is not None
    assert own.path.is_relative_to(tmp_path / "data")
    left_behind(own.path)
    (project / journal.FOLDER).unlink()
    (project / "away").rename(project / journal.FOLDER)
    (recovery,) = journal.leftovers(project)
    assert recovery.image is not None
    assert [s.points[0][0] for s in recovery.image.shapes] == [1.0, 2.0]
    journal.forget(recovery)
    assert not own.path.exists()


def test_undo_is_an_edit_too(tmp_path: Path) -> None:
    image = AnnotatedImage("a.jpg", 64, 48, (Shape("nose", "point", ((1.0, 1.0),)),))
    edit = shape_edits.move_shapes(image, [0], (4, 0))
    assert decode(encode(edit.inverse())).apply(edit.apply(image)) == image
