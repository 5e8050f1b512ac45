"""labelme files: nothing in them is lost, whoever wrote them and whatever is in them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.annotation import AnnotatedImage, Shape
from studio.core.errors import FileProblem, FormatError
from studio.io import labelme
from tests.io.data import shared, shared_files, small_picture

REAL = [p for p in shared_files("labelme_found", "*.json") if p.name != "10100.json"]
REAL += shared_files("labelme_people", "*.json")


@pytest.mark.parametrize("path", REAL, ids=lambda p: p.stem)
def test_real_files_come_back_byte_for_byte(path: Path, tmp_path: Path) -> None:
    if not path.exists():
        pytest.skip("needs ../shared/data")
    before = path.read_bytes()
    image = labelme.parse(before, path)
    assert labelme.dumps(image, like=before) == before
    copy = tmp_path / path.name
    shutil.copyfile(path, copy)
    labelme.write(copy, labelme.read(copy))
    assert copy.read_bytes() == before


def test_an_edit_changes_its_own_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    shutil.copyfile(shared("labelme_people") / "000000000785.json", path)
    before = path.read_text()
    image = labelme.read(path)
    number = next(i for i, s in enumerate(image.shapes) if s.label == "nose")
    nose = image.shapes[number]
    moved = replace(nose, points=((123.25, 45.5),)).with_occluded(True)
    shapes = (*image.shapes[:number], moved, *image.shapes[number + 1 :])
    labelme.write(path, replace(image, shapes=shapes))
    old, new = before.splitlines(), path.read_text().splitlines()
    assert len(new) == len(old) + 2
    assert [line for line in new if line not in old] == [
        "          123.25,",
        "          45.5",
        '      "flags": {',
        '        "occluded": true',
        "      },",
    ]


TEXT = """{
    "version": "4.5.6",
    "flags": null,
    "mine": {"deep": [1, {"a": null}]},
    "shapes": [
        {
            "shape_type": "circle",
            "points": [[1.50, 2e1], [3, -0.0]],
            "label": "ball",
            "flags": null,
            "colour": "#ff0000"
        },
        {"label": "m", "points": [[0, 0], [1, 1]], "shape_type": "mask", "mask": "abc=="},
        {"label": "l", "points": [[0.10, 0], [1, 1.0]], "shape_type": "line", "group_id": null},
        {"label": "old", "points": [], "line_color": null}
    ],
    "imageWidth": 640.0,
    "imagePath": "..\\\\pics\\\\x.jpg"
}
"""


def test_odd_files_keep_everything() -> None:
    image = labelme.parse(TEXT.encode())
    assert [s.shape_type for s in image.shapes] == ["circle", "mask", "line", "polygon"]
    assert (image.width, image.height) == (640, 0)
    back = labelme.to_mapping(image)
    before = json.loads(TEXT)
    assert back.pop("imageData") is None, "labelme refuses files without it"
    assert back["shapes"][3].pop("shape_type") == "polygon"
    assert json.dumps(back) == json.dumps(before), "values, types and order of keys"
    written = labelme.dumps(image, like=TEXT.encode()).decode()
    for spelling in ("1.50,", "2e1", "-0.0", "0.10,", "640.0"):
        assert spelling in written
    assert written.endswith("}\n")


def test_layouts_are_kept() -> None:
    value = json.loads(TEXT.replace("1.50", "1.5"))
    value["shapes"][3]["shape_type"] = "polygon"
    value["imageData"] = None
    value["note"] = "日本"
    for text in (
        json.dumps(value),
        json.dumps(value, separators=(",", ":")),
        json.dumps(value, indent=4, ensure_ascii=False),
        json.dumps(value, indent="\t").replace("\n", "\r\n") + "\r\n",
        "\ufeff" + json.dumps(value, indent=2, ensure_ascii=False),
        json.dumps(value, indent=0),
    ):
        data = text.encode()
        assert labelme.dumps(labelme.parse(data), like=data) == data


FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64) | st.integers(-(2**53), 2**53)
KEYS = st.text(min_size=1, max_size=6).filter(
    lambda k: k not in ("label", "points", "group_id", "description", "shape_type", "flags")
)
PLAIN = st.recursive(
    st.none() | st.booleans() | FINITE | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def shape_values(draw: st.DrawFn) -> dict[str, object]:
    value: dict[str, object] = {
        "label": draw(st.text(max_size=8)),
        "points": draw(st.lists(st.lists(FINITE, min_size=2, max_size=2), max_size=5)),
        "shape_type": draw(st.sampled_from(["polygon", "point", "rectangle", "mask", "circle"])),
    }
    if draw(st.booleans()):
        value["group_id"] = draw(st.none() | st.integers(0, 99))
    if draw(st.booleans()):
        value["description"] = draw(st.none() | st.text(max_size=5))
    if draw(st.booleans()):
        value["flags"] = draw(st.none() | st.dictionaries(st.text(max_size=5), st.booleans()))
    value.update(draw(st.dictionaries(KEYS, PLAIN, max_size=3)))
    return dict(draw(st.permutations(list(value.items()))))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    shapes=st.lists(shape_values(), max_size=4),
    top=st.dictionaries(KEYS, PLAIN, max_size=3),
    indent=st.sampled_from([None, 0, 2, 4, "\t"]),
    ascii_only=st.booleans(),
)
def test_any_file_survives(
    shapes: list[object], top: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    value = {
        "version": "5.0",
        **top,
        "flags": {},
        "shapes": shapes,
        "imagePath": "a.jpg",
        "imageData": None,
        "imageHeight": 4,
        "imageWidth": 5,
    }
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    image = labelme.parse(data)
    assert json.dumps(labelme.to_mapping(image)) == json.dumps(value)
    again = labelme.dumps(image, like=data)
    assert json.dumps(json.loads(again)) == json.dumps(value)
    assert labelme.parse(labelme.dumps(image)) == image


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"shapes": [', "ends too early"),
        ("", "empty"),
        ("[1, 2]", "no labelme file"),
        ('{"images": [], "annotations": []}', "no labelme file"),
        ('{\n"shapes": [\n{"points": []}]}', r"Shape 1 \(line 3\).*label"),
        ('{"shapes": [{"label": "a", "points": [[1, NaN]]}]}', "not finite"),
        ('{"shapes": [{"label": "a", "points": [[1, Infinity]]}]}', "not finite"),
        ('{"shapes": [{"label": "a", "points": [[1, "2"]]}]}', "point 1 is not two finite"),
        ('{"shapes": [{"label": "a", "points": [[1, 2, 3]]}]}', r"point 1 is not \[x, y\]"),
        ('{"shapes": [{"label": "a", "points": 7}]}', 'no list "points"'),
        ('{"shapes": [{"label": "a", "points": [], "group_id": "7"}]}', "group_id"),
        ('{"shapes": [{"label": "a", "points": [], "flags": [1]}]}', "flags"),
        ('{"shapes": [{"label": "a", "points": [], "shape_typ": "point"}]}', "misspelt"),
        ('{"shapes": [5]}', "not an object"),
        ('{"shapes": [], "imagePath": 7}', "imagePath"),
    ],
)
def test_damage_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=said) as caught:
        labelme.read(path)
    assert str(path) in str(caught.value.where)
    assert caught.value.hint
    assert path.read_text() == text


def test_the_malformed_file_of_another_tool() -> None:
    with pytest.raises(FormatError, match="shspe_type") as caught:
        labelme.read(shared("labelme_found/malformed/10100.json"))
    assert "10100.json:1" in str(caught.value.where)


def test_a_cut_file_names_line_and_is_left_alone(tmp_path: Path) -> None:
    whole = (shared("labelme_people") / "000000000785.json").read_bytes()
    path = tmp_path / "half.json"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"in line \d+"):
        labelme.read(path)
    assert path.read_bytes() == whole[: len(whole) // 2]


def test_nothing_that_is_not_finite_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    image = AnnotatedImage("a.jpg", 5, 4, (Shape("nose", "point", ((1.0, 2.0),)),))
    labelme.write(path, image)
    before = path.read_bytes()
    for bad in (float("nan"), float("inf")):
        broken = replace(image, shapes=(replace(image.shapes[0], points=((bad, 2.0),)),))
        with pytest.raises(FormatError, match="not a finite number"):
            labelme.write(path, broken)
    assert path.read_bytes() == before


def test_pictures_are_found_but_writing_stays_inside(tmp_path: Path) -> None:
    project = tmp_path / "project"
    picture = small_picture(project / "pics" / "x.JPG")
    annotation = labelme.annotation_path(picture)
    image = labelme.new_image(picture, (64, 48))
    assert labelme.picture_path(annotation, image) == picture
    windows = replace(image, image_path="C:\\other\\pics\\x.JPG")
    assert labelme.picture_path(annotation, windows) == picture
    lost = replace(image, image_path="elsewhere/renamed.png")
    assert labelme.picture_path(annotation, lost) == picture
    assert labelme.picture_path(project / "pics" / "y.json", lost) is None
    labelme.write(annotation, image, project=project)
    with pytest.raises(FileProblem, match="outside the project"):
        labelme.write(tmp_path / "out.json", image, project=project)
    (project / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(FileProblem, match="outside the project"):
        labelme.write(project / "link" / "out.json", image, project=project)
    assert not (tmp_path / "out.json").exists()


def test_embedded_pictures() -> None:
    image = labelme.read(shared("labelme_found/v5/0025.json"))
    data = labelme.embedded_picture(image)
    assert data is not None
    assert data[:2] == b"\xff\xd8"
    broken = replace(image, extra={**image.extra, "imageData": "%%%"})
    with pytest.raises(FormatError, match="imageData"):
        labelme.embedded_picture(broken)
    assert labelme.embedded_picture(AnnotatedImage("a.jpg")) is None


def test_hidden_and_prelabels_of_xanylabeling() -> None:
    image = labelme.read(shared("labelme_found/xanylabeling/human-pose.json"))
    shape = image.shapes[1]
    assert not shape.occluded
    hidden = shape.with_occluded(True)
    assert hidden.occluded
    assert hidden.extra["difficult"] is True
