"""Published datasets: each sample is recognised, read with its own joints, and converted."""

import json
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import DataError, FormatError, PluginError, Problem
from studio.io.datasets import detect_kind, load_dataset, read_source
from studio.io.masks import mask_areas, outlines_of_mask
from studio.io.skeletons import load_skeleton
from studio.registry import contributions
from tests.io.data import shared, small_picture
from tests.jobs.converting import run

# Pictures, people (crowds included) and labelled joints of each sample.
SAMPLES = {
    "crowdpose": (2, 5, 47),
    "aic": (3, 9, 101),
    "ochuman": (3, 5, 73),
    "mpii": (5, 5, 76),
    "posetrack18": (3, 29, 182),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_are_recognised_and_read(kind: str) -> None:
    folder = shared("formats") / kind
    assert detect_kind(folder) == kind
    problems: list[Problem] = []
    source = read_source(folder, kind, None, problems.append)
    people = [p for r in source.records for p in r.instances]
    joints = sum(p.labelled for p in people)
    assert (len(source.records), len(people), joints) == SAMPLES[kind]
    assert source.skeleton.name == {"ochuman": "coco17"}.get(kind, kind)
    assert not [p for p in problems if p.severity == "error"]
    for record in source.records:
        for person in record.instances:
            seen = person.keypoints[person.keypoints[:, 2] > 0]
            assert (np.abs(seen[:, :2]) < 2000).all()


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_become_labelme_and_back(kind: str, tmp_path: Path) -> None:
    result, _ = run(shared("formats") / kind, tmp_path / "a", to=("labelme",), ratio=0.5)
    assert (result["pictures"], result["people"]) == SAMPLES[kind][:2]
    source = read_source(
        tmp_path / "a" / "labelme", "labelme", load_dataset(tmp_path / "a").skeleton, _fail
    )
    assert sum(p.labelled for r in source.records for p in r.instances) == SAMPLES[kind][2]


def _fail(problem: Problem) -> None:
    raise AssertionError(str(problem))


def test_coco_itself_stays_coco() -> None:
    assert detect_kind(shared("coco_people")) == "coco"
    assert detect_kind(shared("labelme_people")) == "labelme"


def test_posetrack_keeps_tracks_and_videos() -> None:
    source = read_source(shared("formats") / "posetrack18", "posetrack18", None, _fail)
    assert {r.video for r in source.records} == {"012834", "009473", "003418"}
    first = source.records[0]
    tracks = [p.track_id for p in first.instances if not p.iscrowd]
    assert len(set(tracks)) == len(tracks)
    assert {2.0} == {v for p in first.instances for v in p.keypoints[:, 2] if v}


def test_joints_go_over_to_another_skeleton_by_name() -> None:
    problems: list[Problem] = []
    folder = shared("formats") / "crowdpose"
    coco17 = load_skeleton("coco17")
    source = read_source(folder, "crowdpose", coco17, problems.append)
    own = read_source(folder, "crowdpose", None, _fail)
    assert [p.message for p in problems] == [
        "Joints not of the skeleton; left out: top_head, neck."
    ]
    for record, other in zip(source.records, own.records, strict=True):
        for a, b in zip(record.instances, other.instances, strict=True):
            for name in ("left_shoulder", "right_ankle"):
                np.testing.assert_array_equal(
                    a.keypoints[coco17.index[name]], b.keypoints[own.skeleton.index[name]]
                )
            assert not a.keypoints[coco17.index["nose"]].any()
    with pytest.raises(DataError, match="None of the joints"):
        read_source(folder, "crowdpose", load_skeleton("hand21"), problems.append)


def test_masks_become_outlines_of_their_size() -> None:
    judge = pytest.importorskip("pycocotools.mask")
    data = json.loads((shared("formats") / "ochuman/test_ochuman.json").read_text())
    for annotation in data["annotations"]:
        mask = annotation["segmentation"]
        height, width = mask["size"]
        outlines = outlines_of_mask(mask)
        area = mask_areas([outlines], width, height)[0]
        whole = {**mask, "counts": mask["counts"].encode()}
        assert area == pytest.approx(judge.area(whole), rel=0.05)


@pytest.mark.parametrize(
    "mask",
    [
        {},
        {"size": [2, 2], "counts": [1]},
        {"size": [2, 2], "counts": "\x01"},
        {"size": [1e9, 1e9], "counts": []},
        {"size": [2, 2], "counts": [-1, 5]},
    ],
)
def test_damaged_masks_are_told(mask: dict) -> None:
    with pytest.raises(ValueError, match="mask"):
        outlines_of_mask(mask)


def test_damaged_files_are_told(tmp_path: Path) -> None:
    small_picture(tmp_path / "a.png", (64, 48))
    person = {"image": "a.png", "joints": [[1, 1]] * 16, "joints_vis": [1] * 16}
    bad = [person, {**person, "joints": [[1, 1]]}, {**person, "joints_vis": "x"}, 3]
    (tmp_path / "mpii_val.json").write_text(json.dumps([*bad, {**person, "image": "none.png"}]))
    problems: list[Problem] = []
    source = read_source(tmp_path, "mpii", None, problems.append)
    assert [len(r.instances) for r in source.records] == [1]
    assert source.records[0].split == "val"
    np.testing.assert_array_equal(source.records[0].instances[0].keypoints[0], [0, 0, 2])
    said = " ".join(p.message for p in problems)
    assert all(w in said for w in ("Person 2", "Person 3", "names no image", "none.png"))
    with pytest.raises(FormatError, match="CrowdPose"):
        read_source(tmp_path, "crowdpose", None, problems.append)
    with pytest.raises(PluginError, match="no format called"):
        read_source(tmp_path, "voc", None, problems.append)


def test_every_format_names_a_skeleton() -> None:
    for contribution in contributions("format"):
        assert load_skeleton(contribution.load().skeleton).keypoints
