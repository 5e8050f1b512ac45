"""labelme itself, in a process of its own, opens what we write and we read what it saves."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.annotation import AnnotatedImage, Shape
from studio.io import labelme
from tests.io.data import shared, small_picture

# What labelme's window does when it opens a file and saves it: shapes become its own objects, with
# Qt's points, and are written by its own writer.
LABELME = """
import json, sys, warnings
warnings.simplefilter("ignore")
from labelme import app
from labelme._label_file import read_label_file, write_label_file
told = []
for source, target, edit in json.loads(sys.stdin.read()):
    data = read_label_file(filename=source)
    shapes = app._shapes_from_dicts(shape_dicts=data.shapes, label_flags=None)
    told.append([
        [s.label, s.shape_type, s.group_id, [[p.x(), p.y()] for p in s.points], s.flags,
         s.description, s.other_data] for s in shapes
    ])
    if edit:
        shapes[0].label = "edited"
    raw = json.load(open(source, encoding="utf-8"))
    write_label_file(
        filename=target, shapes=[app._shape_to_dict(s) for s in shapes],
        image_path=data.image_path, image_height=raw["imageHeight"],
        image_width=raw["imageWidth"], image_data=None, other_data=data.other_data,
        flags=data.flags,
    )
print("told:" + json.dumps(told))
"""


def ask_labelme(files: list[tuple[Path, Path, bool]]) -> list[list[list]]:
    if importlib.util.find_spec("labelme") is None:
        pytest.skip("needs labelme (the extra of that name)")
    done = subprocess.run(
        [sys.executable, "-c", LABELME],
        input=json.dumps([[str(a), str(b), c] for a, b, c in files]),
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(next(x for x in done.stdout.splitlines() if x.startswith("told:"))[5:])


def ours(image: AnnotatedImage) -> list[list]:
    return [
        [
            s.label,
            s.shape_type,
            s.group_id,
            [list(p) for p in s.points],
            dict(s.flags),
            s.description or "",
            {k: v for k, v in s.extra.items() if k not in ("mask", "flags")},
        ]
        for s in image.shapes
    ]


def mine(folder: Path) -> Path:
    """A file with everything that the studio adds to the format."""
    picture = small_picture(folder / "mine.png", (64, 48))
    box = Shape(
        "person",
        "rectangle",
        ((1.5, 2.25), (40.0, 44.0)),
        3,
        extra={"absent": ["left_ear"], "head_rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]},
    )
    proposal = Shape(
        "person",
        "polygon",
        ((1.1, 2.2), (3.3, 4.4), (5.5, 1.0)),
        4,
        extra={"score": 0.75, "source": "yolo11n-pose"},
    )
    nose = Shape("nose", "point", ((12.125, 7.0),), 3).with_occluded(True)
    line = Shape("edge", "line", ((0.0, 0.0), (9.0, 9.0)), None, {"a": False}, "a note: 日本")
    image = replace(
        labelme.new_image(picture, (64, 48)),
        shapes=(box, nose, proposal, line),
        flags={"reviewed": True},
        extra={"video": "clip.mp4", "mine": {"x": [1, None]}},
    )
    path = labelme.annotation_path(picture)
    labelme.write(path, image)
    return path


def test_labelme_finds_the_same_shapes_and_its_file_comes_back(tmp_path: Path) -> None:
    sources = [mine(tmp_path)]
    for path in sorted(shared("labelme_people").glob("*.json"))[:8]:
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        picture = path.with_suffix(".jpg")
        copy.with_suffix(".jpg").write_bytes(picture.read_bytes())
        labelme.write(copy, labelme.read(copy))
        sources.append(copy)
    saved = [p.with_name(f"saved_{p.name}") for p in sources]
    told = ask_labelme(
        [(a, b, i == 1) for i, (a, b) in enumerate(zip(sources, saved, strict=True))]
    )
    for number, (source, target) in enumerate(zip(sources, saved, strict=True)):
        before, after = labelme.read(source), labelme.read(target)
        assert told[number] == ours(before), f"labelme sees what is in {source.name}"
        expected = ours(before)
        if number == 1:
            expected[0][0] = "edited"
        assert ours(after) == expected, "and nothing but the edit has changed"
        assert (after.flags, after.image_path) == (before.flags, before.image_path)
        assert (after.width, after.height) == (before.width, before.height)
        own = {k: v for k, v in before.extra.items() if k != "imageData"}
        assert {k: v for k, v in after.extra.items() if k != "imageData"} == own
        text = target.read_bytes()
        assert labelme.dumps(after, like=text) == text, "its own file comes back byte for byte"


@pytest.mark.parametrize("name", ["v4/2011_000025.json", "v5/0025.json", "v5/0011.json"])
def test_old_files_open_in_labelme_after_our_save(tmp_path: Path, name: str) -> None:
    source = shared("labelme_found") / name
    copy = tmp_path / source.name
    copy.write_bytes(source.read_bytes())
    if source.with_suffix(".jpg").exists():
        copy.with_suffix(".jpg").write_bytes(source.with_suffix(".jpg").read_bytes())
    image = labelme.read(copy)
    moved = replace(image.shapes[0], points=((5.0, 6.0), *image.shapes[0].points[1:]))
    labelme.write(copy, replace(image, shapes=(moved, *image.shapes[1:])))
    (told,) = ask_labelme([(copy, tmp_path / "saved.json", False)])
    assert told == ours(labelme.read(copy))
    assert told[0][3][0] == [5.0, 6.0]
