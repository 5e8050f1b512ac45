"""Joints followed through the frames of a clip whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, instances_of, shapes_of
from studio.core.errors import DataError
from studio.core.job import JobContext, JobSpec
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.images import write_image
from studio.io.skeletons import load_skeleton
from studio.io.tracks import read_tracks
from studio.jobs.track_points import run as track_points
from studio.registry.jobs import options_for
from studio.vision.synthetic import make_clip
from tests.jobs.listening import Listener

FRAMES = 12


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return load_skeleton("coco17")


@pytest.fixture
def clip(tmp_path: Path, skeleton: Skeleton) -> tuple[list[Path], list[AnnotatedImage]]:
    """Frames of a synthetic film, the first of them annotated; the truth of all."""
    folder = tmp_path / "clip"
    folder.mkdir()
    pictures: list[Path] = []
    truth: list[AnnotatedImage] = []
    for number, made in enumerate(make_clip(3, FRAMES, (640, 480), 2)):
        path = folder / f"film.mp4_{number:06}.png"
        write_image(path, made.image)
        shapes = [s for p in made.people for s in shapes_of(p, skeleton, p.track_id or 0)]
        pictures.append(path)
        truth.append(AnnotatedImage(path.name, 640, 480, tuple(shapes)))
    labelme.write(pictures[0].with_suffix(".json"), truth[0])
    return pictures, truth


def _run(run_dir: Path, picture: Path, **options: object) -> dict:
    run_dir.mkdir(exist_ok=True)
    listener = Listener()
    spec = JobSpec("track-points", {"picture": str(picture), **options})
    context = JobContext(listener.emit, listener, run_dir, picture.parent)
    return dict(track_points(options_for(spec), context))


def test_joints_go_with_the_people(
    clip: tuple[list[Path], list[AnnotatedImage]], skeleton: Skeleton, tmp_path: Path
) -> None:
    pictures, truth = clip
    result = _run(tmp_path / "run", pictures[0], frames=6)
    assert result["frames"] == 6
    assert {s["reason"] for s in result["stopped"]} <= {"limit", "lost", "drift"}
    errors: list[float] = []
    for number in range(1, 7):
        found = {
            p.track_id: p
            for p in instances_of(labelme.read(pictures[number].with_suffix(".json")), skeleton)
        }
        for person in instances_of(truth[number], skeleton):
            if person.track_id in found:
                seen = (person.keypoints[:, 2] == 2) & (found[person.track_id].keypoints[:, 2] == 2)
                off = person.keypoints[seen, :2] - found[person.track_id].keypoints[seen, :2]
                errors += np.linalg.norm(off, axis=1).tolist()
    assert len(errors) > 30
    assert np.median(errors) < 3.0
    image = labelme.read(pictures[3].with_suffix(".json"))
    scored = [s for s in image.shapes if s.shape_type == "point" and s.label in skeleton.index]
    assert all(0 < s.extra["score"] <= 1 for s in scored)
    assert not any(s.is_prelabel for s in image.shapes)


def test_backward_without_writing_and_people_there_stop_it(
    clip: tuple[list[Path], list[AnnotatedImage]], tmp_path: Path
) -> None:
    pictures, truth = clip
    labelme.write(pictures[5].with_suffix(".json"), truth[5])
    group = truth[5].group_ids()[0]
    result = _run(tmp_path / "run", pictures[5], people=[group], direction="backward", write=False)
    lines = list(read_tracks(Path(result["tracks"])))
    assert [p.name for p, _ in lines][:2] == [pictures[4].name, pictures[3].name]
    assert result["snapshot"] is None
    assert not pictures[4].with_suffix(".json").exists()
    (stop,) = result["stopped"]
    assert stop["reason"] in ("there", "lost", "drift")
    assert stop["person"] == group


def test_what_cannot_be_followed(
    clip: tuple[list[Path], list[AnnotatedImage]], tmp_path: Path
) -> None:
    pictures, _ = clip
    with pytest.raises(DataError, match="no further frame"):
        _run(tmp_path / "run", pictures[0], direction="backward")
    with pytest.raises(DataError, match="99"):
        _run(tmp_path / "run", pictures[0], people=[99])
