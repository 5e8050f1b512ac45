"""The project folder and its settings."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.annotation import AnnotatedImage, Shape
from studio.core.errors import DataError, FileProblem, FormatError
from studio.io.picture_facts import facts_of, natural_key
from studio.io.project import Project, ProjectConfig
from studio.io.skeletons import load_skeleton
from tests.io.data import small_picture
from tests.io.projects import make_project


def test_a_folder_of_pictures_is_a_project(tmp_path: Path) -> None:
    small_picture(tmp_path / "a.png")
    before = sorted(tmp_path.rglob("*"))
    project = Project.open(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before, "opening writes nothing"
    assert project.name == tmp_path.name
    assert project.picture_folders == (tmp_path,)
    assert [s.name for s in project.skeletons()] == ["coco17"]
    assert (project.runs(), project.datasets(), project.exports()) == ((), (), ())
    with pytest.raises(FileProblem, match="no such folder"):
        Project.open(tmp_path / "none")


def test_settings_keep_comments_and_foreign_keys(tmp_path: Path) -> None:
    path = tmp_path / "studio.toml"
    path.write_text('# mine\nname = "Dance"\n[other]\nx = 1 # stays\n')
    project = Project.open(tmp_path)
    assert project.config == ProjectConfig("Dance")
    project.save_config(replace(project.config, skeletons=("hand21",), pictures=("a", "b")))
    text = path.read_text()
    assert "# mine" in text
    assert "x = 1 # stays" in text
    again = Project.open(tmp_path)
    assert again.config.skeletons == ("hand21",)
    assert again.picture_folders == ()
    made = Project.create(tmp_path / "new", ProjectConfig("New", defaults={"ratio": 0.9}))
    assert made.config.defaults == {"ratio": 0.9}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not TOML"),
        ("skeletons = 3", '"skeletons".*not a list'),
        ("name = 3", '"name".*not text'),
        ("defaults = 3", '"defaults".*not a table'),
    ],
)
def test_damaged_settings_are_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "studio.toml").write_text(text)
    with pytest.raises(FormatError, match=said) as caught:
        Project.open(tmp_path)
    assert caught.value.where == str(tmp_path / "studio.toml")


def test_sides_come_from_the_newest_dataset(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for name, side in (("old", "train"), ("new", "val")):
        folder = tmp_path / "datasets" / name
        folder.mkdir(parents=True)
        source = str(tmp_path / "shots" / "img_1.png")
        value = {"v": 1, "split": {"a": side}, "pictures": {"a": {"source": source}}}
        (folder / "dataset.json").write_text(json.dumps(value))
    os.utime(tmp_path / "datasets" / "old", (1, 1))
    (tmp_path / "datasets" / "broken").mkdir()
    (tmp_path / "datasets" / "broken" / "dataset.json").write_text("{")
    project.index.rescan()
    assert [e.path for e in project.index.query("split:val")] == ["shots/img_1.png"]
    assert {p.name for p in project.datasets()} == {"old", "new", "broken"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_leftovers_of_a_killed_save_go(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    code = (
        "import os, signal, sys; from pathlib import Path; from studio.io import files\n"
        "files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.atomic_write_text(Path(sys.argv[1]), 'half')\n"
    )
    target = tmp_path / "shots" / "img_1.json"
    before = target.read_bytes()
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert len(list(target.parent.glob(".*.part"))) == 1
    assert target.read_bytes() == before
    project.index.rescan()
    assert not list(target.parent.glob(".*.part"))
    project.close()


def test_names_in_natural_order() -> None:
    names = ["frame10", "frame9", "Frame1", "frame010", "a", "frame9b"]
    assert sorted(names, key=natural_key) == [
        "a",
        "Frame1",
        "frame9",
        "frame9b",
        "frame10",
        "frame010",
    ]


def test_the_project_imports_nothing_heavy() -> None:
    code = (
        "import sys; from studio.io.project import Project; import studio.io.datasets\n"
        "from studio.io import labelme, journal\n"
        "bad = {'cv2', 'torch', 'PIL', 'PySide6', 'yaml', 'tomlkit', 'labelme'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_bad_skeleton_in_the_project_is_told(tmp_path: Path) -> None:
    (tmp_path / "skeletons").mkdir()
    (tmp_path / "skeletons" / "mine.toml").write_text('keypoints = ["a", "a"]')
    (tmp_path / "studio.toml").write_text('skeletons = ["mine"]')
    project = Project.open(tmp_path)
    with pytest.raises(DataError, match="appear twice"):
        _ = project.index


def test_a_person_counts_once_among_skeletons_of_one_category() -> None:
    coco, mpii = load_skeleton("coco17"), load_skeleton("mpii")
    box = ((0.0, 0.0), (50.0, 50.0))
    shapes = (
        Shape("person", "rectangle", box, 1),
        Shape("nose", "point", ((1.0, 1.0),), 1),
        Shape("person", "rectangle", box, 2),
        Shape("thorax", "point", ((1.0, 1.0),), 2),
        Shape("person", "rectangle", box),
    )
    facts = facts_of(AnnotatedImage("a.jpg", 50, 50, shapes), (coco, mpii))
    assert facts.people == 3
    assert facts.missing["left_eye"] == 2
    assert facts.missing["upper_neck"] == 1
    assert (
        "nose" not in facts_of(AnnotatedImage("a.jpg", 50, 50, shapes[2:4]), (coco, mpii)).missing
    )
