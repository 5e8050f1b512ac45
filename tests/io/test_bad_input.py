"""Whatever a file holds: it opens, or it is refused with a reason, and it stays as it was."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, instances_of
from studio.core.dataset import TRAIN
from studio.core.errors import FormatError, Problem, StudioError
from studio.io import labelme
from studio.io.annotations import read_record
from studio.io.dataset_folder import Layout, Placed, write_coco
from studio.io.images import image_size, read_image
from studio.io.picture_facts import facts_of
from studio.io.picture_index import PictureIndex
from studio.io.prepared import Setup, prepare, prepare_files
from tests.io.data import shared, small_picture
from tests.io.mutations import mutated
from tests.io.people import SKELETON


def open_all(files: list[bytes], folder: Path) -> Counter[str]:
    """Opens each as the window and as the conversion do; how many opened, and reasons if not."""
    small_picture(folder / "a.png", (640, 480))
    path = folder / "a.json"
    told: Counter[str] = Counter()
    setup = Setup(SKELETON, ("coco", "yolo", "labelme"), folder)
    for number, data in enumerate(files):
        path.write_bytes(data)
        refused = refusal(open_and_save, path)
        told["refused" if refused else "opened"] += 1
        told["not converted" if refusal(convert, path, setup) else "converted"] += 1
        assert refused is None or (refused.message and refused.where), f"file {number}"
        assert path.read_bytes() == data, f"file {number} was changed by being opened"
    return told


def refusal(action: Callable[..., object], *arguments: object) -> StudioError | None:
    """The reason why `action` was refused, if it was; anything else raised is a failure."""
    try:
        action(*arguments)
    except StudioError as error:
        return error
    return None


def open_and_save(path: Path) -> None:
    data = path.read_bytes()
    image = labelme.read(path)
    facts_of(image, (SKELETON,))
    instances_of(image, SKELETON)
    again = labelme.parse(labelme.dumps(image, like=data), path)
    # A key that was missing is added; all that stood there stands there still.
    assert plain(again) == plain(image)


def plain(image: AnnotatedImage) -> tuple[object, ...]:
    return image.flags, tuple(replace(s, key_order=()) for s in image.shapes)


def convert(path: Path, setup: Setup) -> None:
    problems: list[Problem] = []
    prepare(setup, [read_record(path, SKELETON, problems.append)], problems.append)


def test_damaged_annotations(tmp_path: Path) -> None:
    told = open_all(list(mutated(1500)), tmp_path)
    assert told["opened"] + told["refused"] == 1500
    assert min(told["opened"], told["refused"], told["converted"]) > 50, told


@pytest.mark.slow
def test_ten_thousand_damaged_annotations(tmp_path: Path) -> None:
    told = open_all(list(mutated(10_000, seed=1)), tmp_path)
    assert told["opened"] + told["refused"] == 10_000


def test_the_index_takes_them_all(tmp_path: Path) -> None:
    for number, data in enumerate(mutated(150, seed=2)):
        (tmp_path / f"p{number}.jpg").write_bytes(b"\xff\xd8\xff\xd9")
        (tmp_path / f"p{number}.json").write_bytes(data)
    before = {p.name: p.read_bytes() for p in tmp_path.glob("p*")}
    index = PictureIndex(tmp_path, [tmp_path], [SKELETON])
    index.rescan()
    assert index.count() == 150
    states = index.states()
    assert states["problem"] > 10
    assert all(e.problem for e in index.query("state:problem"))
    index.close()
    assert {p.name: p.read_bytes() for p in tmp_path.glob("p*")} == before


def test_a_conversion_of_them_gives_finite_numbers(tmp_path: Path) -> None:
    for number, data in enumerate(mutated(150, seed=3)):
        small_picture(tmp_path / f"p{number}.png", (640, 480))
        renamed = data.replace(b'"a.png"', b'"p%d.png"' % number)
        (tmp_path / f"p{number}.json").write_bytes(renamed)
    spool = tmp_path / "spool"
    spool.mkdir()
    files = [str(p) for p in sorted(tmp_path.glob("*.json"))]
    items, problems = prepare_files(Setup(SKELETON, ("coco", "yolo"), spool), files)
    assert len(items) > 20
    assert all(p.message and p.where for p in problems)
    layout = Layout(tmp_path / "out", ("coco",), link=True)
    layout.make_folders()
    placed = [Placed(item, f"{n}.png", TRAIN, n) for n, item in enumerate(items)]
    write_coco(layout, SKELETON, placed)
    text = (tmp_path / "out/coco/annotations/person_keypoints_train2017.json").read_text()
    assert "NaN" not in text
    assert "null" not in text.replace('"score":null', "")


@pytest.mark.parametrize(
    ("path", "shapes"),
    [
        ("v4/2011_000025.json", 3),
        ("v5/0011.json", 20),
        ("v5/0025.json", 17),
        ("xanylabeling/human-pose.json", 17),
        ("malformed/10005.json", 21),
        ("malformed/10100.json", None),
    ],
)
def test_files_found_in_the_world(path: str, shapes: int | None) -> None:
    file = shared("labelme_found") / path
    before = file.read_bytes()
    if shapes is None:
        refused = refusal(labelme.read, file)
        assert refused is not None
        assert "shspe_type" in refused.message
        assert refused.hint
    else:
        assert len(labelme.read(file).shapes) == shapes
    assert file.read_bytes() == before


def test_an_image_path_that_points_outside_is_only_read(tmp_path: Path) -> None:
    outside = small_picture(tmp_path / "outside.png", (64, 48))
    folder = tmp_path / "project"
    folder.mkdir()
    path = folder / "a.json"
    path.write_text('{"shapes": [], "imagePath": "../outside.png"}')
    found = labelme.picture_path(path, labelme.read(path))
    assert found is not None
    assert found.resolve() == outside
    with pytest.raises(StudioError, match="outside the project"):
        labelme.write(tmp_path / "b.json", labelme.read(path), project=folder)


def giant_png(path: Path, width: int, height: int) -> Path:
    """A whole PNG of one colour, a few kilobytes."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        mark = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + mark

    pack = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    body = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
    return path


def test_a_giant_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    import resource

    path = giant_png(tmp_path / "giant.png", 20_000, 20_000)
    assert path.stat().st_size < 200_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert image_size(path, whole=True) == (20_000, 20_000)
    with pytest.raises(FormatError, match="too large to open: 20000 x 20000"):
        read_image(path)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 50, "megabytes"


def test_an_empty_picture_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.jpg"
    path.touch()
    for action in (image_size, read_image):
        with pytest.raises(FormatError, match="empty"):
            action(path)
    assert np.asarray(image_size(small_picture(tmp_path / "a.png", (64, 48)))).tolist() == [64, 48]
