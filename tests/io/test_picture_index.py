"""The index of a project's pictures: fast, never in the way, made anew when it is lost."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.annotation import Shape
from studio.io import labelme, picture_index
from studio.io.project import Project
from studio.io.workers import Workers
from tests.io.data import small_picture
from tests.io.projects import annotate, make_project


def test_the_index_knows_what_the_files_say(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    found: list[tuple[int, int]] = []
    scan = project.index.rescan(lambda done, total: found.append((done, total)))
    assert (scan.added, scan.changed, scan.removed, scan.total) == (6, 0, 0, 6)
    assert found[-1] == (6, 6)
    entries = {Path(e.path).stem: e for e in project.index.query()}
    assert list(entries) == ["img_1", "img_2", "img_3", "img_4", "img_10", "dog a pic"]
    one = entries["img_1"]
    assert (one.state, one.people, one.occluded, one.missing) == ("annotated", 1, 1, 13)
    assert entries["img_3"].score == 0.25
    assert entries["img_4"].state == "reviewed"
    assert entries["img_10"].annotation == ""
    assert "ends too early" in entries["dog a pic"].problem
    assert project.index.picture(one) == tmp_path / "shots" / "img_1.png"
    assert project.index.entry(tmp_path / "shots" / "img_1.png") == one
    assert project.index.labels()["person"] == 4
    assert project.index.states() == {"annotated": 3, "empty": 1, "problem": 1, "reviewed": 1}


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    index = project.index
    index.rescan()
    assert index.rescan().changed == 0
    picture = tmp_path / "shots" / "img_10.png"
    box = Shape("person", "rectangle", ((1.0, 1.0), (20.0, 20.0)), 1)
    image = replace(labelme.new_image(picture, (64, 48)), shapes=(box,))
    annotate(picture, image)
    (tmp_path / "shots" / "img_2.png").unlink()
    small_picture(tmp_path / "shots" / "img_11.png")
    small_picture(tmp_path / "runs" / "x" / "not_mine.png")
    scan = index.rescan()
    assert (scan.added, scan.changed, scan.removed, scan.total) == (1, 1, 1, 6)
    annotate(picture, replace(image, flags={"reviewed": True}))
    index.update(picture, replace(image, flags={"reviewed": True}))
    entry = index.entry(picture)
    assert entry is not None
    assert entry.state == "reviewed"
    assert index.rescan().changed == 0, "an update has the file's own stamp"
    picture.unlink()
    index.update(picture)
    assert index.entry(picture) is None


def test_names_are_there_before_their_annotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.io.picture_index._FIRST", 2)
    index = make_project(tmp_path).index
    seen: list[list[str]] = []
    index.rescan(listed=lambda: seen.append([e.path for e in index.query()]))
    assert seen[0] == ["shots/img_1.png", "shots/img_2.png"], "the top of the list comes first"
    assert len(seen[1]) == 6
    assert index.states() == {"annotated": 3, "empty": 1, "problem": 1, "reviewed": 1}
    small_picture(tmp_path / "shots" / "img_0.png")
    (tmp_path / "zoo" / "dog a pic.png").unlink()
    index.rescan(listed=lambda: seen.append([e.path for e in index.query()]))
    assert seen[-1][0] == "shots/img_0.png"
    assert "zoo/dog a pic.png" not in seen[-1]
    index.close()


def test_a_selection_fetches_rows_when_they_are_looked_at(tmp_path: Path) -> None:
    index = make_project(tmp_path).index
    index.rescan()
    some = index.select("label:person")
    assert (len(some), some.path(0), some[0].people) == (4, "shots/img_1.png", 1)
    assert (some[-1].path, some[-1].state) == ("shots/img_4.png", "reviewed")
    assert [e.path for e in some[1:3]] == ["shots/img_2.png", "shots/img_3.png"]
    assert [some.row_of(f"shots/img_{n}.png") for n in (1, 3, 10, 99)] == [0, 2, -1, -1]
    with pytest.raises(IndexError):
        _ = some[4]
    picture = tmp_path / "shots" / "img_1.png"
    index.update(picture, labelme.new_image(picture, (64, 48)))
    assert some[0].people == 1, "as it was when it was fetched"
    some.refresh()
    assert (some[0].people, some[0].state) == (0, "empty")
    picture.unlink()
    index.update(picture)
    some.refresh()
    assert some[0].path == "shots/img_1.png", "a list in use does not break"
    assert len(index.select("label:person")) == 3
    index.close()


def test_a_save_during_a_scan_is_not_overwritten(tmp_path: Path) -> None:
    index = make_project(tmp_path).index
    picture = tmp_path / "shots" / "img_1.png"
    newer = replace(labelme.new_image(picture, (64, 48)), flags={"reviewed": True})

    def save() -> None:
        annotate(picture, newer)
        index.update(picture, newer)

    index.rescan(listed=save)
    entry = index.entry(picture)
    assert entry is not None
    assert entry.state == "reviewed"
    index.close()


def test_helpers_read_large_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.io.picture_index.helpers_for", lambda _count, **_more: 2)
    monkeypatch.setattr("studio.io.picture_index._CHUNK", 2)
    index = make_project(tmp_path).index
    assert index.rescan().added == 6
    assert index.states() == {"annotated": 3, "empty": 1, "problem": 1, "reviewed": 1}
    index.close()


def test_a_lost_or_damaged_index_is_made_anew(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.index.rescan()
    path = project.index.path
    project.close()
    for damage in (b"", b"no database at all, but long enough to be looked at" * 100):
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(damage)
        again = Project.open(tmp_path)
        assert again.index.count() == 0
        assert again.index.rescan().added == 6
        again.close()
    again = Project.open(tmp_path)
    assert again.index.count() == 6, "and is there at once the next time"
    again.save_config(replace(again.config, skeletons=("hand21",)))
    assert again.index.count() == 0, "another skeleton counts anew"
    again.close()


def test_reading_while_another_thread_scans(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    index = project.index
    counts: list[int] = []
    inside = threading.Event()
    go = threading.Event()

    def slow(_done: int, _total: int) -> None:
        inside.set()
        assert go.wait(10)

    worker = threading.Thread(target=index.rescan, args=(slow,))
    worker.start()
    assert inside.wait(10)
    counts.append(index.count())
    go.set()
    worker.join(10)
    assert counts == [6], "no waiting for the writer; the names are in first"
    assert index.count() == 6
    index.close()


def test_closing_ends_a_scan_in_another_thread(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    index = project.index
    inside, go = threading.Event(), threading.Event()
    found: list[object] = []

    def slow(_done: int, _total: int) -> None:
        inside.set()
        assert go.wait(10)

    worker = threading.Thread(target=lambda: found.append(index.rescan(slow)))
    worker.start()
    assert inside.wait(10)
    closer = threading.Thread(target=project.close)
    closer.start()
    time.sleep(0.05)
    go.set()
    worker.join(10)
    closer.join(10)
    assert len(found) == 1, "the scan ended in order"
    assert Project.open(tmp_path).index.rescan().total == 6


def test_a_cancelled_scan_keeps_what_it_has(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.index.rescan(cancelled=lambda: True)
    assert project.index.states() == {"annotated": 5, "empty": 1}, "the names, nothing read yet"
    assert project.index.count("people>0") == 0
    project.index.rescan()
    assert project.index.count("people>0") == 4
    project.close()


def test_a_read_only_project_can_be_looked_at(tmp_path: Path, monkeypatch) -> None:
    make_project(tmp_path / "p").close()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("studio.io.index_database.os.access", lambda *_: False)
    project = Project.open(tmp_path / "p")
    project.index.rescan()
    assert project.index.count() == 6
    assert not (tmp_path / "p" / ".studio").exists()
    project.close()


def test_the_first_names_of_the_order_are_listed_before_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_index, "_FIRST", 4)
    for number in (10, 3, 2, 1, 20, 7, 100):
        small_picture(tmp_path / "shots" / f"img_{number}.png")
    project = Project.open(tmp_path)
    index = project.index
    seen: list[list[str]] = []
    told: list[tuple[int, int]] = []

    def listed() -> None:
        seen.append([Path(row.path).stem for row in index.query("")])

    result = index.rescan(lambda done, total: told.append((done, total)), listed=listed)
    ordered = [f"img_{n}" for n in (1, 2, 3, 7, 10, 20, 100)]
    assert seen == [ordered[:4], ordered]
    assert (result.added, result.total) == (7, 7)
    assert told[-1] == (7, 7)
    # A picture that comes later stands in its place, and nothing else is read again.
    small_picture(tmp_path / "shots" / "img_5.png")
    assert index.rescan(listed=listed).added == 1
    assert seen[-1] == [*ordered[:3], "img_5", *ordered[3:]]
    assert index.rescan() == picture_index.Rescan(0, 0, 0, 8)


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system knows no niceness")
def test_helpers_beside_a_window_give_way() -> None:
    with Workers(2, give_way=True) as beside, Workers(2) as alone:
        assert list(beside.map(os.nice, [0, 0])) == [os.nice(0) + 10] * 2
        assert list(alone.map(os.nice, [0, 0])) == [os.nice(0)] * 2
