"""Published head-pose sets and motion folders. 300W-LP and AFLW2000 are read as they are published;
of BIWI and of motion folders there are made samples with known answers only.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from studio.core.errors import FormatError, Problem
from studio.core.head import Angles, angles_of, rotation_of, seen
from studio.core.requests.motion_table import MotionTable
from studio.io.headpose_set import detect_heads, load_heads
from studio.plugins.head_pose_formats.biwi import read_pose
from studio.plugins.head_pose_formats.landmarks import read_mat
from studio.plugins.head_pose_formats.table import GAP, read_joints, read_motion, rotations_of
from studio.vision.head_crop import REACH_AFLW, landmark_box, reaching
from tests.io.data import shared, small_picture


def write_mat(path: Path, yaw: float, pitch: float, roll: float, points: np.ndarray) -> None:
    pose = np.radians([pitch, yaw, roll, 0, 0, 0, 0])
    scipy.io.savemat(path, {"Pose_Para": pose[None], "pt2d": points.T, "roi": np.zeros((1, 4))})


POINTS = np.array([[10.0, 12.0], [40.0, 20.0], [-1.0, -1.0], [30.0, 44.0]])


def landmarks_set(root: Path) -> Path:
    for name, yaw in (("a/one", 20.0), ("a/two", -120.0), ("b_Flip/three", -99.0)):
        picture = small_picture(root / f"{name}.jpg")
        write_mat(picture.with_suffix(".mat"), yaw, 5.0, -3.0, POINTS)
    return root


def test_300w_lp_is_read(tmp_path: Path) -> None:
    root = landmarks_set(tmp_path / "300W_LP")
    assert detect_heads(root) == "300w-lp"
    told: list[Problem] = []
    found = load_heads(root, report=told.append)
    assert [s.name for s in found.samples] == ["a/one", "b_Flip/three"]
    one = found.samples[0]
    assert one.angles == pytest.approx((20, 5, -3))
    assert one.rotation == pytest.approx(rotation_of(Angles(20, 5, -3)))
    assert one.face == pytest.approx([10, 12, 40, 44])
    (problem,) = told
    assert "99" in problem.message
    assert problem.severity == "warning"


def test_aflw2000_has_more_room_at_the_sides(tmp_path: Path) -> None:
    root = landmarks_set(tmp_path / "AFLW2000")
    assert detect_heads(root) == "aflw2000"
    wide = load_heads(root, report=lambda _: None).samples[0]
    narrow = load_heads(root, "Pose_300W_LP", report=lambda _: None).samples[0]
    assert wide.box is not None
    assert narrow.box is not None
    assert wide.box[0] < narrow.box[0]
    assert wide.box == pytest.approx(reaching([10, 12, 40, 44], 0.2, REACH_AFLW))


def test_a_filename_list_chooses_the_heads(tmp_path: Path) -> None:
    root = landmarks_set(tmp_path / "300W_LP")
    names = root / "files.txt"
    names.write_text("b_Flip/three\na/one\n")
    found = load_heads(root, names=names)
    assert [s.name for s in found.samples] == ["b_Flip/three", "a/one"]
    names.write_text("../secret\n")
    with pytest.raises(FormatError, match="leads out"):
        load_heads(root, names=names)


def test_damaged_files_are_named_and_left_out(tmp_path: Path) -> None:
    root = landmarks_set(tmp_path / "300W_LP")
    (root / "a" / "bad.jpg").write_bytes((root / "a" / "one.jpg").read_bytes())
    (root / "a" / "bad.mat").write_bytes(b"MATLAB 5.0" + b"\0" * 200)
    (root / "a" / "cut.jpg").write_bytes((root / "a" / "one.jpg").read_bytes())
    (root / "a" / "cut.mat").write_bytes((root / "a" / "one.mat").read_bytes()[:150])
    small_picture(root / "a" / "lost.jpg")
    scipy.io.savemat(root / "a" / "lost.mat", {"Pose_Para": np.zeros((1, 7))})
    told: list[Problem] = []
    found = load_heads(root, report=told.append)
    assert len(found.samples) == 2
    wrong = {Path(p.where).name for p in told if p.severity == "error"}
    assert wrong == {"bad.mat", "cut.mat", "lost.mat"}


def test_a_matlab_file_of_a_newer_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n" * 20)
    with pytest.raises(FormatError):
        read_mat(path)


def test_the_real_files_are_read() -> None:
    found = load_heads(shared("headpose/AFLW2000"))
    assert found.kind == "aflw2000"
    assert len(found.samples) == 8
    single = load_heads(shared("headpose/300W_LP"))
    assert single.kind == "300w-lp"
    (sample,) = single.samples
    assert sample.angles.yaw == pytest.approx(-44.0087, abs=1e-3)
    assert sample.box is not None
    assert sample.face is not None
    # The box of the landmarks lies in the crop, which lies in the picture of 450 x 450 or near it.
    assert (sample.box[:2] < sample.face[:2]).all()
    assert (sample.box[2:] > sample.face[2:]).all()


# BIWI


def biwi_frame(root: Path, film: str, number: int, rotation: np.ndarray) -> Path:
    """As the set has it: from the head's axes to the camera's, where x runs right, y down and z
    away from the viewer. `seen` has the columns left, down and forward with z to the viewer.
    """
    away = np.diag([1.0, 1.0, -1.0])
    stored = away @ seen(rotation) @ away
    picture = small_picture(root / film / f"frame_{number:05d}_rgb.png")
    text = "".join(" ".join(f"{v:.8f}" for v in row) + " \n" for row in stored)
    picture.with_name(picture.name.replace("_rgb.png", "_pose.txt")).write_text(
        text + "\n12.5 30.1 900.2 \n"
    )
    return picture


@pytest.mark.parametrize("angles", [(0, 0, 0), (35, 0, 0), (0, 25, 0), (0, 0, 20), (-40, 12, -17)])
def test_a_rotation_of_biwi_is_the_one_that_is_seen(tmp_path: Path, angles: tuple) -> None:
    wanted = rotation_of(Angles(*angles))
    picture = biwi_frame(tmp_path, "01", 3, wanted)
    found = read_pose(picture.with_name("frame_00003_pose.txt"))
    assert found == pytest.approx(wanted, abs=1e-6)


def test_biwi_has_the_signs_of_the_usual_scripts(tmp_path: Path) -> None:
    """They take the angles of the transpose, yaw and roll negative."""
    rng = np.random.default_rng(0)
    from scipy.spatial.transform import Rotation

    stored = Rotation.random(rng=rng).as_matrix()
    path = tmp_path / "frame_00000_pose.txt"
    path.write_text("\n".join(" ".join(map(repr, map(float, row))) for row in stored) + "\n0 0 0\n")
    r = stored.T
    roll = -math.degrees(math.atan2(r[1, 0], r[0, 0]))
    yaw = -math.degrees(math.atan2(-r[2, 0], math.hypot(r[2, 1], r[2, 2])))
    pitch = math.degrees(math.atan2(r[2, 1], r[2, 2]))
    assert read_pose(path) == pytest.approx(rotation_of(Angles(yaw, pitch, roll)), abs=1e-9)


def test_biwi_is_read_film_by_film(tmp_path: Path) -> None:
    for film in ("01", "02"):
        for number in (3, 4):
            biwi_frame(tmp_path / "hpdb", film, number, rotation_of(Angles(number, 0, 0)))
    (tmp_path / "hpdb" / "02" / "frame_00004_pose.txt").write_text("1 0 0\n0 1 0\n0 0 5\n")
    assert detect_heads(tmp_path) == "biwi"
    told: list[Problem] = []
    found = load_heads(tmp_path, report=told.append)
    assert [s.name for s in found.samples] == [
        "01/frame_00003_rgb", "01/frame_00004_rgb", "02/frame_00003_rgb",
    ]  # fmt: skip
    assert {s.video for s in found.samples} == {"01", "02"}
    assert all(s.loose for s in found.samples)
    (problem,) = told
    assert "frame_00004_pose.txt" in problem.where


# Motion folders


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def test_units_signs_and_order_of_a_table() -> None:
    plain = rotations_of([[20, 10, 5]], MotionTable())
    assert plain[0] == pytest.approx(rotation_of(Angles(20, 10, 5)))
    radians = rotations_of(np.radians([[20, 10, 5]]), MotionTable(angle_unit="rad"))
    assert radians == pytest.approx(plain)
    turned = rotations_of([[-20, 10, -5]], MotionTable(invert_angles=("yaw", "roll")))
    assert turned == pytest.approx(plain)
    about = {
        a: rotation_of(replace_angle(a, v)) for a, v in (("yaw", 20), ("pitch", 10), ("roll", 5))
    }
    other = rotations_of([[20, 10, 5]], MotionTable(rotation_order="yxz"))
    assert other[0] == pytest.approx(about["yaw"] @ about["pitch"] @ about["roll"])
    usual = about["roll"] @ about["yaw"] @ about["pitch"]
    assert plain[0] == pytest.approx(usual)


def replace_angle(name: str, value: float) -> Angles:
    return Angles(0.0, 0.0, 0.0)._replace(**{name: value})


def test_columns_are_found_or_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "Frame,Head_Yaw_deg,Head_Pitch_deg,Head_Roll_deg\n7,1,2,3\n")
    motion = read_motion(path, MotionTable())
    assert motion.kind == "frame"
    assert motion.keys.tolist() == [7]
    assert angles_of(motion.rotations[0]) == pytest.approx((1, 2, 3))
    path = table(tmp_path / "b.csv", "x\ty\tz\tn\n4\t5\t6\t9\n")
    with pytest.raises(FormatError, match="yaw"):
        read_motion(path, MotionTable())
    named = MotionTable(
        yaw_column="y", pitch_column="x", roll_column="z", motion_key="n", motion_match="frame"
    )
    assert angles_of(read_motion(path, named).rotations[0]) == pytest.approx((5, 4, 6))
    with pytest.raises(FormatError, match="'q'"):
        read_motion(path, replace(named, yaw_column="q"))


def test_a_japanese_table_with_lines_before_it(tmp_path: Path) -> None:
    text = "解析結果\n作成者,誰か\n時間,ヨー角,ピッチ角,ロール角\nms,度,度,度\n0,1,2,3\n100,11,2,3\n,,,\n"
    path = table(tmp_path / "001_解析結果ファイル.csv", text, "cp932")
    motion = read_motion(path, MotionTable(motion_skip_rows=2, motion_time_unit="ms"))
    assert motion.kind == "time"
    assert motion.keys == pytest.approx([0.0, 0.1])
    between = motion.at(0.05)
    assert between is not None
    wanted = np.array([angles_of(between)])
    assert wanted[0, 0] == pytest.approx(6, abs=0.01)
    assert motion.at(-0.01) is None
    assert motion.at(0.11) is None


def test_nothing_is_told_across_a_gap(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f"time,yaw,pitch,roll\n0,0,0,0\n{GAP * 2},90,0,0\n")
    motion = read_motion(path, MotionTable())
    assert motion.at(GAP) is None
    first = motion.at(0.0)
    assert first is not None
    assert first == pytest.approx(np.eye(3))


def test_a_table_without_rows_says_so(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no rows"):
        read_motion(table(tmp_path / "a.csv", "time,yaw,pitch,roll\n"), MotionTable())
    with pytest.raises(FormatError, match="three angles"):
        read_motion(table(tmp_path / "b.csv", "time,yaw,pitch,roll\n1,x,2,3\n"), MotionTable())
    (tmp_path / "c.csv").write_bytes(b"\x81 \x81 ")
    with pytest.raises(FormatError, match="text"):
        read_motion(tmp_path / "c.csv", MotionTable())


def test_a_table_as_spreadsheets_write_unicode(tmp_path: Path) -> None:
    text = "frame\tヨー\tピッチ\tロール\r\n4\t1\t2\t3\r\n"
    motion = read_motion(table(tmp_path / "a.csv", text, "utf-16"), MotionTable())
    assert angles_of(motion.rotations[0]) == pytest.approx((1, 2, 3))


JOINTS = "AnnoName,CentorX,CentorY\nNose,30,20\nLEye,36,14\nREye,24,14\nLEar,,\n"


def motion_set(root: Path) -> Path:
    """Two scenes of three pictures; yaw is ten times the frame's number."""
    for scene in (1, 2):
        folder = f"{scene:02d}_250116_11192{scene}_0"
        for frame in range(3):
            small_picture(root / "image" / folder / f"img_{frame + 5:04d}.jpg", (64, 48))
            table(root / "keypoint" / folder / f"img_{frame + 5:04d}.csv", JOINTS)
        rows = "".join(f"{frame + 5},{10 * (frame + 5)},0,{scene}\n" for frame in range(2))
        table(
            root / "motion" / f"{scene:03d}_解析結果ファイル.csv", "frame,yaw,pitch,roll\n" + rows
        )
    return root


def test_motion_folders_are_read_scene_by_scene(tmp_path: Path) -> None:
    root = motion_set(tmp_path / "set")
    assert detect_heads(root) == "motion"
    told: list[Problem] = []
    found = load_heads(root, report=told.append)
    assert [s.name for s in found.samples] == [
        "01_250116_111921_0/img_0005", "01_250116_111921_0/img_0006",
        "02_250116_111922_0/img_0005", "02_250116_111922_0/img_0006",
    ]  # fmt: skip
    assert [round(s.angles.yaw) for s in found.samples] == [50, 60, 50, 60]
    assert [round(s.angles.roll) for s in found.samples] == [1, 1, 2, 2]
    assert found.samples[0].joints == {"Nose": (30, 20), "LEye": (36, 14), "REye": (24, 14)}
    assert len(told) == 2
    assert "1 picture of 3 without a row" in told[0].message


def test_pictures_are_matched_in_order_or_by_time(tmp_path: Path) -> None:
    root = motion_set(tmp_path / "set")
    ordered = load_heads(root, report=lambda _: None, options=MotionTable(motion_match="order"))
    assert [round(s.angles.yaw) for s in ordered.samples[:2]] == [50, 60]
    shifted = MotionTable(motion_match="order", motion_offset=1)
    found = load_heads(root, report=lambda _: None, options=shifted)
    assert [(s.name[-4:], round(s.angles.yaw)) for s in found.samples] == [("0005", 60)] * 2
    for path in (root / "motion").glob("*.csv"):
        path.write_text("time,yaw,pitch,roll\n0.0,0,0,0\n0.2,20,0,0\n")
    by_time = load_heads(root, options=MotionTable(motion_fps=10))
    assert [round(s.angles.yaw, 3) for s in by_time.samples[:3]] == [0, 10, 20]


def test_a_scene_without_a_table_is_named(tmp_path: Path) -> None:
    root = motion_set(tmp_path / "set")
    (root / "motion" / "002_解析結果ファイル.csv").unlink()
    told: list[Problem] = []
    found = load_heads(root, report=told.append)
    assert {s.video for s in found.samples} == {"01_250116_111921_0"}
    assert any("No table" in p.message and "02_250116" in p.where for p in told)
    table(root / "motion" / "1_again.csv", "frame,yaw,pitch,roll\n5,1,1,1\n")
    with pytest.raises(FormatError, match="Two tables"):
        load_heads(root, report=told.append)


def test_joints_of_a_picture(tmp_path: Path) -> None:
    assert read_joints(tmp_path / "none.csv") == {}
    with pytest.raises(FormatError, match="AnnoName"):
        read_joints(table(tmp_path / "a.csv", "name,x,y\nNose,1,2\n"))


def test_landmarks_of_a_real_file_leave_the_missing_ones_out() -> None:
    path = shared("headpose/AFLW2000") / "image00475.mat"
    _, points = read_mat(path)
    whole = np.concatenate([points.min(axis=0), points.max(axis=0)])
    box = landmark_box(points)
    assert box is not None
    if (points == -1).any():
        assert whole[0] == -1
        assert box[0] > 0
