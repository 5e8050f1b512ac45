"""`convert --to video-keypoints`: annotated frames of videos, with what stood before them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.annotation import Instance, instances_of, shapes_of
from studio.core.errors import FileProblem, UsageError
from studio.core.job import JobContext
from studio.core.requests.convert import ConvertOptions
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.images import read_image, write_image
from studio.io.skeletons import load_skeleton
from studio.io.video import VideoReader, VideoWriter
from studio.io.video_keypoints import mask_files, read_video_set, splits_of
from studio.jobs import convert
from studio.vision.synthetic import make_clip

SIZE = (160, 120)


def _convert(inputs: Path, output: Path, **values: Any) -> dict[str, Any]:
    asked = {"to": ("video-keypoints",), **values}
    options = ConvertOptions(input=(inputs,), output=output, **asked).validated()
    return convert.run(options, JobContext(lambda _: None))


def _project(root: Path, clips: int = 2, *, name: Callable[[str, int], str]) -> Path:
    """Clips of one person in `clips/`; every third frame annotated in `pictures/`."""
    skeleton = load_skeleton("coco17")
    for clip in range(clips):
        video = f"walk{clip}.mp4"
        with VideoWriter(root / "clips" / video, 25.0, SIZE) as writer:
            for number, shot in enumerate(make_clip(clip + 3, 24, SIZE, 1)):
                writer.write(shot.image)
                if number % 3 or number < 12:
                    continue
                path = root / "pictures" / name(video, number)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_image(path, shot.image)
                image = labelme.new_image(path, SIZE)
                shapes = [
                    s for p in shot.people for s in shapes_of(replace(p, box=None), skeleton, 5)
                ]
                labelme.write(labelme.annotation_path(path), replace(image, shapes=tuple(shapes)))
    return root / "pictures"


def _annotated(pictures: Path) -> dict[tuple[str, int], tuple[Instance, ...]]:
    found = {}
    for path in sorted(pictures.rglob("*.json")):
        stem = path.stem
        video, number = stem.replace(".mp4_", "_frame_").split("_frame_")
        found[video, int(number)] = instances_of(labelme.read(path), load_skeleton("coco17"))
    return found


@pytest.mark.parametrize("form", ["{video}_{number:06d}.jpg", "{stem}_frame_{number:04d}.png"])
def test_annotated_frames_become_a_set(tmp_path: Path, form: str) -> None:
    def name(video: str, number: int) -> str:
        return form.format(video=video, stem=Path(video).stem, number=number)

    pictures = _project(tmp_path / "project", name=name)
    result = _convert(pictures, tmp_path / "out", ratio=0.5)
    assert result["problems"] == 0
    root = tmp_path / "out" / "video-keypoints"
    assert result["paths"] == {"video_keypoints": str(root)}
    assert splits_of(tmp_path / "out") == ("train", "val")
    truth = _annotated(pictures)
    seen = 0
    for side in ("train", "val"):
        found = read_video_set(tmp_path / "out", side)
        assert [p.name for p in found.parts] == ["person"]
        assert found.skeleton == load_skeleton("coco17")
        (video,) = found.videos
        assert [n for n, _ in video.frames] == [12, 15, 18, 21]
        # The frame before each is the video's own, and no frame to be judged.
        assert [n for n, _ in video.before] == [11, 14, 17, 20]
        with VideoReader(tmp_path / "project" / "clips" / f"{video.name}.mp4") as reader:
            own = {i: f for i, _, f in reader}
        before = read_image(dict(video.before)[14]).astype(int)
        others = [int(np.abs(before - own[n]).sum()) for n in (13, 14, 15)]
        assert others[1] < min(others[0], others[2])
        assert video.labelled == {12, 15, 18, 21}
        for row in video.rows:
            (person,) = truth[video.name, row.frame]
            assert np.abs(row.keypoints - person.keypoints).max() <= 5e-4
            assert row.track == 5
            seen += 1
        masks = mask_files(root / "masks", video.name)
        assert sorted(masks) == [12, 15, 18, 21]
    assert seen == sum(len(people) for people in truth.values())
    assert (root / "masks" / "classes.txt").read_text().split() == ["background", "person"]
    # Train keeps rows a frame, val rows a video, as the guide has them.
    train = sorted(p.name for p in (root / "train" / "mot").iterdir())
    assert len(train) == 4
    assert all("_frame_" in n for n in train)
    (one,) = (root / "val" / "mot").iterdir()
    assert one.stem in ("walk0", "walk1")
    assert (root / "val" / "frames" / one.stem).is_dir()


def test_masks_are_the_polygons(tmp_path: Path) -> None:
    from studio.io.masks import mask_areas

    pictures = _project(tmp_path / "project", 1, name=lambda v, n: f"{v}_{n:06d}.jpg")
    _convert(pictures, tmp_path / "out", ratio=1.0)
    masks = mask_files(tmp_path / "out" / "video-keypoints" / "masks", "walk0")
    for (_, number), people in _annotated(pictures).items():
        drawn = read_image(masks[number])[..., 0]
        area = sum(mask_areas([p.polygons for p in people], *SIZE))
        assert set(np.unique(drawn)) <= {0, 1}
        # The two rules differ by the outline's pixels at most.
        assert (drawn == 1).sum() == pytest.approx(area, rel=0.2)


def test_several_categories_on_a_frame(tmp_path: Path) -> None:
    pictures = _project(tmp_path / "project", 1, name=lambda v, n: f"{v}_{n:06d}.jpg")
    tool = Skeleton("tool", ("tip", "grip"), category="tool")
    path = tmp_path / "tool.toml"
    path.write_text('name = "tool"\ncategory = "tool"\nkeypoints = ["tip", "grip"]\n')
    file = sorted(pictures.glob("*.json"))[1]
    image = labelme.read(file)
    held = Instance("tool", np.array([[20.5, 30.25, 2], [26, 40, 1]]))
    labelme.write(file, replace(image, shapes=(*image.shapes, *shapes_of(held, tool, 9))))
    _convert(pictures, tmp_path / "out", ratio=1.0, categories=(str(path),))
    found = read_video_set(tmp_path / "out", "train")
    assert [(p.category, p.name, p.start) for p in found.parts] == [
        (0, "person", 0),
        (1, "tool", 17),
    ]
    (row,) = [r for r in found.videos[0].rows if r.category == 1]
    assert (row.frame, row.track) == (15, 9)
    assert np.array_equal(row.keypoints, held.keypoints)


def test_what_is_no_frame_of_a_video_is_said(tmp_path: Path) -> None:
    pictures = _project(tmp_path / "project", 1, name=lambda v, n: f"{v}_{n:06d}.jpg")
    for suffix in (".jpg", ".json"):
        (pictures / f"walk0.mp4_000015{suffix}").rename(pictures / f"portrait{suffix}")
    (tmp_path / "project" / "clips" / "walk0.mp4").unlink()
    result = _convert(pictures, tmp_path / "out", ratio=1.0)
    assert result["problems"] == 2
    said = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8-sig")
    assert "portrait.jpg" in said
    assert "does not say which frame" in said
    assert "The video walk0.mp4 is not found: 3 of its frames" in said
    (video,) = read_video_set(tmp_path / "out", "train").videos
    assert [n for n, _ in video.frames] == [12, 18, 21]
    assert video.before == ()
    for path in pictures.iterdir():
        path.rename(path.with_name(path.name.replace("walk0.mp4_", "photo")))
    with pytest.raises(FileProblem, match="None of these pictures is a frame"):
        _convert(pictures, tmp_path / "other", ratio=1.0)


def test_beside_other_formats_and_again(tmp_path: Path) -> None:
    pictures = _project(tmp_path / "project", name=lambda v, n: f"{v}_{n:06d}.jpg")
    both = ("coco", "video-keypoints")
    first = _convert(pictures, tmp_path / "out", to=both, ratio=0.5)
    assert {"coco_train", "coco_val", "video_keypoints"} <= first["paths"].keys()
    names = sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file())
    again = _convert(pictures, tmp_path / "out", to=("video-keypoints",), ratio=0.9)
    assert again["counts"] == first["counts"]
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == names
    coco = _convert(tmp_path / "out", tmp_path / "from_coco", ratio=0.5)
    assert coco["problems"] == 2  # The videos are not beside a dataset's pictures.
    rows = {
        side: [
            (v.name, r.frame, r.track)
            for v in read_video_set(tmp_path / "from_coco", side).videos
            for r in v.rows
        ]
        for side in ("train", "val")
    }
    assert rows == {
        side: [
            (v.name, r.frame, r.track)
            for v in read_video_set(tmp_path / "out", side).videos
            for r in v.rows
        ]
        for side in ("train", "val")
    }


def test_formats_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="video-keypoints"):
        ConvertOptions(input=(tmp_path,), output=tmp_path, to=("mot",)).validated()
