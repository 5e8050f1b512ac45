"""Conversions into head-pose sets: real files in, crops and tables out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.cli.commands import run_command
from studio.core.annotation import Shape
from studio.core.errors import DataError, MissingTool, UsageError
from studio.core.head import Angles, rotation_of, set_head_rotation
from studio.core.requests.convert_heads import ConvertHeadsOptions
from studio.core.requests.sample import SampleOptions
from studio.io import labelme
from studio.io.headpose_set import load_heads
from studio.io.images import read_image, write_image
from studio.io.skeletons import load_skeleton
from studio.jobs import convert_heads
from studio.jobs import sample as sample_job
from studio.metrics.head import geodesic
from studio.runtime import faces
from studio.runtime.head_pose import HeadPoser
from studio.vision.head_crop import REACH_300W, crop_of, cropped, reaching, whole_pixels
from studio.vision.synthetic.head import make_head
from tests.io.data import shared
from tests.plugins.test_head_pose_formats import biwi_frame, landmarks_set, motion_set, table
from tests.training_runs import Remote, context_of

YUNET = "weights/face_detection_yunet_2023mar.onnx"


def convert(source: Path, out: Path, remote: Remote | None = None, **values: Any) -> dict[str, Any]:
    options = ConvertHeadsOptions.from_mapping(
        {"input": [str(source)], "output": str(out), **values}
    ).validated()
    return convert_heads.run(options, context_of(out.with_name("job"), remote or Remote()))


def test_300w_lp_becomes_a_set(tmp_path: Path) -> None:
    source = landmarks_set(tmp_path / "300W_LP")
    result = convert(source, tmp_path / "out", ratio=0.5)
    assert result["heads"] == 2
    assert result["counts"] == {"train": 1, "val": 1}
    out = tmp_path / "out"
    assert (out / "files.txt").read_text().split() == ["heads/a/one.jpg", "heads/b_Flip/three.jpg"]
    found = load_heads(out)
    assert found.samples[0].angles == pytest.approx((20, 5, -3), abs=1e-5)
    assert {s.split for s in found.samples} == {"train", "val"}
    # The crop is the published one, in as many pixels as it has.
    original = load_heads(source, report=lambda _: None).samples[0]
    assert original.face is not None
    box = whole_pixels(reaching(original.face, 0.2, REACH_300W))
    width, height = round(box[2] - box[0]), round(box[3] - box[1])
    assert read_image(found.samples[0].picture).shape == (height, width, 3)
    said = json.loads((out / "dataset.json").read_text())
    assert said["kind"] == "head-pose"
    assert said["content_hash"] == found.content_hash == result["content_hash"]
    assert "99" in (out / "problems.csv").read_text(encoding="utf-8-sig")
    preview = read_image(out / "preview.jpg")
    assert preview.shape == (128, 256, 3)


def test_converting_again_keeps_every_side(tmp_path: Path) -> None:
    source = motion_set(tmp_path / "set")
    first = convert(source, tmp_path / "out", ratio=0.5, face_detect_method="keypoint")
    sides = {s.name: s.split for s in load_heads(tmp_path / "out").samples}
    again = convert(source, tmp_path / "out", ratio=0.5, seed=9, face_detect_method="keypoint")
    assert {s.name: s.split for s in load_heads(tmp_path / "out").samples} == sides
    assert again["content_hash"] == first["content_hash"]


def test_a_scene_stays_on_one_side(tmp_path: Path) -> None:
    convert(motion_set(tmp_path / "set"), tmp_path / "out", ratio=0.5)
    by_scene: dict[str, set[str]] = {}
    for found in load_heads(tmp_path / "out").samples:
        by_scene.setdefault(found.name.split("/")[1], set()).add(found.split)
    assert sorted(map(sorted, by_scene.values())) == [["train"], ["val"]]


def test_motion_folders_are_cropped_by_their_joints(tmp_path: Path) -> None:
    source = motion_set(tmp_path / "set")
    # A picture whose face is one colour: the joints say where.
    picture = source / "image" / "01_250116_111921_0" / "img_0005.jpg"
    drawn = np.full((48, 64, 3), 30, np.uint8)
    cv2.rectangle(drawn, (20, 7), (40, 27), (0, 200, 0), -1)
    write_image(picture.with_suffix(".png"), drawn)
    picture.unlink()
    (source / "keypoint" / "01_250116_111921_0" / "img_0005.csv").write_text(
        "AnnoName,CentorX,CentorY\nNose,30,20\nLEye,36,14\nREye,24,14\n"
    )
    result = convert(source, tmp_path / "out", crop_margin=0.0, face_detect_method="keypoint")
    assert result["heads"] == 4
    heads = {s.name: s for s in load_heads(tmp_path / "out").samples}
    crop = read_image(heads["heads/01_250116_111921_0/img_0005.jpg"].picture)
    assert crop.shape == (64, 64, 3)
    # 12 wide around (30, 17): all of it inside the green.
    assert np.abs(crop.reshape(-1, 3).mean(axis=0) - (0, 200, 0)).max() < 12
    wide = convert(source, tmp_path / "wide", face_detect_method="keypoint", img_size=32)
    assert wide["heads"] == 4
    sample = next(s for s in load_heads(tmp_path / "wide").samples if "img_0005" in s.name)
    assert read_image(sample.picture).shape == (32, 32, 3)
    preset = (tmp_path / "out" / "motion.toml").read_text()
    assert 'rotation_order = "zyx"' in preset


def test_a_table_preset_is_read_again_and_what_is_given_wins(tmp_path: Path) -> None:
    source = motion_set(tmp_path / "set")
    for path in (source / "motion").glob("*.csv"):
        path.write_text("n,a,b,c\n5,10,0,0\n6,20,0,0\n")
    columns = {"motion_key": "n", "yaw_column": "a", "pitch_column": "b", "roll_column": "c"}
    convert(source, tmp_path / "one", invert_angles=["yaw"], **columns)
    preset = tmp_path / "one" / "motion.toml"
    convert(source, tmp_path / "two", mapping=str(preset))
    yaws = [s.angles.yaw for s in load_heads(tmp_path / "two").samples]
    assert yaws == pytest.approx([-10, -20, -10, -20])
    convert(source, tmp_path / "three", mapping=str(preset), yaw_column="b", pitch_column="a")
    found = load_heads(tmp_path / "three").samples
    assert [s.angles.pitch for s in found] == pytest.approx([10, 20, 10, 20])
    preset.write_text("nonsense = 1\n")
    with pytest.raises(UsageError, match="nonsense"):
        convert(source, tmp_path / "four", mapping=str(preset))


@pytest.mark.parametrize(
    ("asked", "heads"), [("skip", 2), ("center", 4), ("previous", 3), ("error", 0)]
)
def test_what_becomes_of_a_picture_without_a_head(tmp_path: Path, asked: str, heads: int) -> None:
    source = motion_set(tmp_path / "set")
    table(
        source / "keypoint/01_250116_111921_0/img_0006.csv", "AnnoName,CentorX,CentorY\nNose,1,2\n"
    )
    (source / "keypoint/02_250116_111922_0/img_0005.csv").unlink()
    values = {"face_detect_method": "keypoint", "on_no_face": asked}
    if asked == "error":
        with pytest.raises(DataError, match="No head"):
            convert(source, tmp_path / "out", **values)
        assert not (tmp_path / "out").exists()
        return
    result = convert(source, tmp_path / "out", **values)
    assert result["heads"] == heads
    if asked == "center":
        sample = next(s for s in load_heads(tmp_path / "out").samples if "1_0/img_0006" in s.name)
        frame = read_image(source / "image/01_250116_111921_0/img_0006.jpg")
        middle = cropped(frame, crop_of((8, 0, 56, 48)), (64, 64))
        assert np.abs(read_image(sample.picture).astype(int) - middle).mean() < 3
    else:
        left = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8-sig")
        assert left.count("No head is found") == 4 - heads


def test_shoulders_join_where_a_face_has_two_joints(tmp_path: Path) -> None:
    source = motion_set(tmp_path / "set")
    rows = "AnnoName,CentorX,CentorY\nNose,30,20\nLEye,36,14\nLShoulder,44,40\nRShoulder,16,40\n"
    for path in (source / "keypoint").rglob("*.csv"):
        path.write_text(rows)
    assert convert(source, tmp_path / "out", face_detect_method="keypoint")["heads"] == 4


def biwi_with_faces(root: Path) -> list[tuple[Path, np.ndarray]]:
    """Frames with a real face each, as BIWI has them; the pose is AFLW2000's own."""
    made = []
    for number, sample in enumerate(load_heads(shared("headpose/AFLW2000")).samples[:4]):
        film = f"{number // 2 + 1:02d}"
        picture = biwi_frame(root, film, number, sample.rotation)
        frame = np.full((480, 640, 3), 60, np.uint8)
        face = read_image(sample.picture)
        frame[15:465, 95:545] = face[:450, :450]
        write_image(picture, frame)
        made.append((picture, sample.rotation))
    return made


def test_biwi_is_cropped_by_a_face_detector(tmp_path: Path) -> None:
    biwi_with_faces(tmp_path / "hpdb")
    remote = Remote()
    result = convert(tmp_path, tmp_path / "out", remote, face_model=str(shared(YUNET)))
    assert result["heads"] == 4
    found = load_heads(tmp_path / "out")
    assert {s.split for s in found.samples} == {"train", "val"}
    pictures = [read_image(s.picture) for s in found.samples]
    assert all(p.shape == (256, 256, 3) for p in pictures)
    # A model that knows heads sees in the crops about what the poses say.
    with HeadPoser(shared("weights/6DRepNet360.onnx")) as poser:
        seen = poser.rotations(pictures)
    true = np.stack([s.rotation for s in found.samples])
    assert geodesic(seen, true).max() < 25
    assert any(e["kind"] == "picture" for e in remote.named("artifact"))


def test_frames_without_a_face_take_the_place_of_the_one_before(tmp_path: Path) -> None:
    biwi_with_faces(tmp_path / "hpdb")
    biwi_frame(tmp_path / "hpdb", "01", 99, np.eye(3))
    values = {"face_model": str(shared(YUNET))}
    assert convert(tmp_path, tmp_path / "skip", **values)["heads"] == 4
    assert convert(tmp_path, tmp_path / "kept", on_no_face="previous", **values)["heads"] == 5


def test_without_a_detector_nothing_is_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "find_weights", lambda name: None)
    biwi_frame(tmp_path / "hpdb", "01", 1, np.eye(3))
    with pytest.raises(MissingTool):
        convert(tmp_path, tmp_path / "out", face_detect_method="yunet")
    assert not (tmp_path / "out").exists()


def annotated(folder: Path) -> np.ndarray:
    """A picture with two people; one has a face with its joints and a turned head."""
    folder.mkdir(parents=True)
    path = folder / "people.png"
    write_image(path, np.full((200, 300, 3), 70, np.uint8))
    skeleton = load_skeleton("coco17")
    image = labelme.new_image(path, (300, 200))
    joints = {"nose": (100, 60), "left_eye": (110, 50), "right_eye": (90, 50)}
    shapes = [Shape(name, "point", (spot,), 1) for name, spot in joints.items()]
    shapes.append(Shape("person", "rectangle", ((60, 30), (140, 190)), 1))
    shapes.append(Shape("person", "rectangle", ((200, 30), (240, 190)), 2))
    shapes.append(Shape("nose", "point", ((220, 50),), 2))
    image = type(image)(**{**vars(image), "shapes": tuple(shapes)})
    rotation = rotation_of(Angles(25, -10, 8))
    image = set_head_rotation(image, skeleton, 1, rotation).apply(image)
    labelme.write(labelme.annotation_path(path), image)
    return rotation


def test_annotated_rotations_become_a_set(tmp_path: Path) -> None:
    rotation = annotated(tmp_path / "pictures")
    result = convert(tmp_path / "pictures", tmp_path / "out", crop_margin=0.5, ratio=1.0)
    assert result["heads"] == 1
    (sample,) = load_heads(tmp_path / "out").samples
    assert sample.name == "heads/people_1.jpg"
    assert sample.rotation == pytest.approx(rotation, abs=1e-5)
    # Around three joints 20 wide, with half of that at each side.
    assert read_image(sample.picture).shape == (40, 40, 3)


def test_pictures_without_a_turned_head_say_so(tmp_path: Path) -> None:
    annotated(tmp_path / "pictures")
    path = tmp_path / "pictures" / "people.json"
    path.write_text(path.read_text().replace("head_rotation", "something"))
    with pytest.raises(DataError, match="No head's rotation"):
        convert(tmp_path / "pictures", tmp_path / "out", from_="labelme")


def test_a_filename_list_as_the_originals_script_writes_it(tmp_path: Path) -> None:
    source = landmarks_set(tmp_path / "300W_LP")
    result = convert(source, source, to=["filenames"])
    # As there: turned by more than 99 degrees is left out, exactly 99 is not; no endings.
    assert (source / "files.txt").read_text() == "a/one\nb_Flip/three\n"
    assert result["heads"] == 2
    found = load_heads(source, names=source / "files.txt")
    assert len(found.samples) == 2


def test_damaged_pictures_are_named_and_the_others_written(tmp_path: Path) -> None:
    source = landmarks_set(tmp_path / "300W_LP")
    (source / "a" / "one.jpg").write_bytes(b"\xff\xd8 no picture")
    result = convert(source, tmp_path / "out", ratio=1.0)
    assert result["heads"] == 1
    assert result["left_out"] == 1
    assert "one.jpg" in (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8-sig")


def test_a_cancel_leaves_nothing(tmp_path: Path) -> None:
    from studio.core.errors import Cancelled

    source = landmarks_set(tmp_path / "300W_LP")
    remote = Remote(stop_when=lambda e: e.event == "progress" and e.data["stage"] == "crop")
    with pytest.raises(Cancelled):
        convert(source, tmp_path / "out", remote)
    assert not (tmp_path / "out").exists()


def test_several_folders_with_the_same_names_join(tmp_path: Path) -> None:
    first = landmarks_set(tmp_path / "x" / "300W_LP")
    second = landmarks_set(tmp_path / "y" / "more")
    options = ConvertHeadsOptions.from_mapping(
        {"input": [str(first), str(second)], "output": str(tmp_path / "out"), "ratio": 0.5}
    )
    result = convert_heads.run(options, context_of(tmp_path / "job", Remote()))
    assert result["heads"] == 4
    assert len({s.name for s in load_heads(tmp_path / "out").samples}) == 4


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "300w-lp", "--to", "headpose"],
        ["--from", "Pose_300W_LP"],
        ["--to=headpose"],
    ],
)
def test_the_command_line_knows_which_conversion_is_meant(tmp_path: Path, words: list[str]) -> None:
    source = landmarks_set(tmp_path / "300W_LP")
    out = tmp_path / "out"
    assert run_command("convert", ["--input", str(source), "--output", str(out), *words]) == 0
    assert len(load_heads(out).samples) == 2


def test_the_guides_conversion_is_understood(tmp_path: Path) -> None:
    source = motion_set(tmp_path / "set")
    words = ["--from", "motion", "--to", "headpose", "--aisin_root", str(source), "--output_dir",
             str(tmp_path / "converted"), "--face_detect_method", "keypoint", "--crop_margin",
             "0.4", "--img_size", "64", "--on_no_face", "skip", "--det_size", "640"]  # fmt: skip
    assert run_command("convert", words) == 0
    assert len(load_heads(tmp_path / "converted").samples) == 4


def test_what_is_asked_wrong_is_refused() -> None:
    for values, said in (
        ({"to": ["coco"]}, "headpose and filenames"),
        ({"invert_angles": ["left"]}, "yaw, pitch and roll"),
        ({"on_no_face": "weep"}, "on-no-face"),
        ({"name": "a/b"}, "name"),
        ({"ratio": 0.8, "test_ratio": 0.5}, "at most 1"),
    ):
        options = ConvertHeadsOptions.from_mapping({"input": ["x"], "output": "y", **values})
        with pytest.raises(UsageError, match=said):
            options.validated()


def test_the_sample_draws_a_set_of_heads(tmp_path: Path) -> None:
    options = SampleOptions.from_mapping(
        {"out": str(tmp_path / "sample"), "pictures": 0, "clips": 0, "photos": False, "heads": 10,
         "head_size": 40}
    )  # fmt: skip
    result = sample_job.run(options, context_of(tmp_path / "job", Remote()))
    assert result["heads"] == 10
    found = load_heads(tmp_path / "sample" / "datasets" / "heads")
    assert len(found.side("train")) == 8
    assert len(found.side("val")) == 2
    assert read_image(found.samples[0].picture).shape == (40, 40, 3)
    again = SampleOptions.from_mapping({**options.to_mapping(), "out": str(tmp_path / "again")})
    sample_job.run(again, context_of(tmp_path / "job", Remote()))
    assert load_heads(tmp_path / "again" / "datasets" / "heads").content_hash == found.content_hash
    assert np.isfinite(make_head(0, 40).image).all()
