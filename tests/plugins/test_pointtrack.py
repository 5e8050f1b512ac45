"""Joints followed by a network between detections. The network is a stand-in that really follows,
by correlation; no trained one is run here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import FileProblem, ModelError, UsageError  # noqa: E402
from studio.io.trust import AGREED, checkpoints_in, probe  # noqa: E402
from studio.plugins.pointtrack.following import Sight, WindowFollower  # noqa: E402
from studio.plugins.pointtrack.network import open_network  # noqa: E402
from studio.registry.plugins import find  # noqa: E402
from studio.vision.synthetic.scene import coco17  # noqa: E402
from tests.plugins.point_network import Correlation, TooFew, Writes, write_network  # noqa: E402
from tests.tracking import (  # noqa: E402
    BRIDGED,
    FPS,
    clip,
    moving_person,
    same_person,
    tracked,
)

Arrays = tuple[Any, Any]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "follows.torchscript")


def started(network: Path, **values: object) -> Any:
    contribution = find("tracker", "pointtrack")
    tracker = contribution.load()
    asked = {"weights": str(network), "device": "cpu", **values}
    tracker.start(contribution.options_class().from_mapping(asked).validated(), coco17(), FPS)
    return tracker


class Spy:
    """Points that move by 3, 1 a frame and are seen but for `hidden` frames (of the video)."""

    def __init__(self, hidden: range = range(0)) -> None:
        self.calls: list[Arrays] = []
        self.hidden = hidden
        self.last = 0

    def follow(self, frames: Any, queries: Any) -> Arrays:
        self.last += 1
        self.calls.append((frames.copy(), queries.copy()))
        times = np.arange(len(frames))[:, None]
        steps = times - queries[None, :, 0]
        tracks = queries[None, :, 1:] + steps[..., None] * np.array([3, 1])
        numbers = times + self.last - len(frames) + 1
        visible = np.where(np.isin(numbers, self.hidden), 0.1, 0.9) * np.ones(len(queries))
        return tracks.astype(np.float32), visible.astype(np.float32)


def test_a_moving_person_is_followed_for_ten_frames_within_two_pixels(network: Path) -> None:
    frames, person, seen = moving_person()
    tracker = started(network, every=BRIDGED + 1)
    for index, frame in enumerate(frames):
        wanted = tracker.wants_people(index)
        (told,) = tracker.update(frame, [person] if wanted else [], index, index / FPS)
        assert told.track_id == 1
        sure = (told.keypoints[:, 2] > 0) & seen
        off = told.keypoints[:, :2] - (person.keypoints[:, :2] + np.array([4, 2]) * index)
        near = np.linalg.norm(off[sure], axis=1) <= 2.0
        # One joint lies on the outline: half of its patch is the background, which stays behind.
        assert near.sum() >= seen.sum() - 1


def test_queries_stand_at_the_joints_themselves() -> None:
    """Also in a smaller picture, and whatever grid is asked for."""
    points = np.array([[100.3, 50.7], [13.9, 700.1]])
    frame = np.zeros((720, 1280, 3), np.uint8)
    spy = Spy()
    WindowFollower(spy, frame, points, Sight(side=640)).next(frame)
    frames, queries = spy.calls[0]
    assert frames.shape == (2, 360, 640, 3)
    assert queries == pytest.approx(np.concatenate([np.zeros((2, 1)), points / 2], axis=1))


def test_the_grid_changes_nothing(network: Path) -> None:
    frames, person, _ = moving_person()
    told: list[Any] = []
    for grid in (0, 20):
        tracker = started(network, grid_size=grid)
        tracker.update(frames[0], [person], 0, 0.0)
        told.append(tracker.update(frames[1], [], 1, 0.04)[0].keypoints)
    assert (told[0] == told[1]).all()


@pytest.mark.parametrize("window", [2, 5, 8])
def test_what_is_kept_has_a_bound_and_queries_go_along(window: int) -> None:
    start = np.array([[10.0, 20.0], [400.5, 300.25]])
    frame = np.zeros((720, 1280, 3), np.uint8)
    spy = Spy()
    follower = WindowFollower(spy, frame, start, Sight(window, side=0))
    for index in range(1, 60):
        found = follower.next(frame)
        assert found is not None
        assert found.points == pytest.approx(start + index * np.array([3, 1]), abs=1e-3)
    assert max(len(frames) for frames, _ in spy.calls) == window
    assert all(len(f) <= window for f, _ in spy.calls[-window:])
    assert len(follower._frames) < window


def test_a_point_is_found_again_while_a_frame_shows_it() -> None:
    start, frame = np.array([[10.0, 20.0]]), np.zeros((720, 1280, 3), np.uint8)
    follower = WindowFollower(Spy(hidden=range(5, 9)), frame, start, Sight(8, side=0))
    kept = []
    for index in range(1, 20):
        found = follower.next(frame)
        assert found is not None
        kept.append(bool(found.kept[0]))
        if kept[-1]:
            assert found.points[0] == pytest.approx([10 + 3 * index, 20 + index], abs=1e-3)
    assert kept == [index not in range(5, 9) for index in range(1, 20)]
    # Hidden for longer than the network sees back: it is lost and the frames are given up.
    follower = WindowFollower(Spy(hidden=range(5, 30)), frame, start, Sight(8, side=0))
    ended = [follower.next(frame) is None for _ in range(30)]
    assert ended[0] is False
    assert ended[-1] is True


def test_a_covered_joint_says_so_and_comes_back(network: Path) -> None:
    frames, person, _ = moving_person()
    tracker = started(network, every=50)
    tracker.update(frames[0], [person], 0, 0.0)
    joint = int(np.argmax(person.keypoints[:, 2]))
    scores: list[float] = []
    off = 0.0
    for index in range(1, 6):
        frame = frames[index].copy()
        x, y = (person.keypoints[joint, :2] + np.array([4, 2]) * index).astype(int)
        if index == 2:
            part = frame[max(0, y - 25) : y + 25, max(0, x - 25) : x + 25]
            part[:] = np.random.default_rng(1).integers(0, 255, part.shape)
        (told,) = tracker.update(frame, [], index, index / FPS)
        scores.append(float(told.keypoints[joint, 2]))
        assert (told.keypoints[:, 2] > 0).any()
        off = float(np.linalg.norm(told.keypoints[joint, :2] - (x, y)))
    assert [s > 0 for s in scores] == [True, False, True, True, True]
    assert off < 3


def test_identities_last_from_detection_to_detection(network: Path) -> None:
    pictures = clip(1, 30, people=2)
    told = tracked("pointtrack", pictures, missed=0.0, every=5, weights=str(network), device="cpu")
    assert all(len(ids) == 1 for ids in same_person(told).values())


def test_a_frame_of_another_size_ends_it_till_the_next_detection(network: Path) -> None:
    frames, person, _ = moving_person()
    tracker = started(network)
    tracker.update(frames[0], [person], 0, 0.0)
    assert len(tracker.update(frames[1], [], 1, 0.04)) == 1
    assert tracker.update(frames[2][:100], [], 2, 0.08) == ()
    assert tracker.update(None, [], 3, 0.12) == ()


def test_an_onnx_file_is_a_network_too(tmp_path: Path) -> None:
    path = tmp_path / "stays.onnx"
    _write_onnx(path, "tracks")
    found = open_network(path, "cpu")
    queries = np.array([[0, 5.5, 6.5], [0, 7, 8], [1, 1, 2]], np.float32)
    tracks, visible = found.follow(np.zeros((4, 32, 48, 3), np.uint8), queries)
    assert tracks == pytest.approx(np.repeat(queries[None, :, 1:], 4, axis=0))
    assert (visible == 1).all()
    assert visible.shape == (4, 3)
    _write_onnx(path, "paths")
    with pytest.raises(ModelError, match="gives paths, visible"):
        open_network(path, "cpu")


def _write_onnx(path: Path, name: str) -> None:
    """Every point stays where its query is and is seen."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def constant(key: str, *values: int) -> Any:
        return numpy_helper.from_array(np.array(values, np.int64), key)

    nodes = [
        helper.make_node("Slice", ["queries", "one", "three", "one"], ["places"]),
        helper.make_node("Shape", ["frames"], ["times"], start=0, end=1),
        helper.make_node("Shape", ["places"], ["points"]),
        helper.make_node("Concat", ["times", "points"], ["whole"], axis=0),
        helper.make_node("Expand", ["places", "whole"], [name]),
        helper.make_node("Shape", ["queries"], ["number"], start=0, end=1),
        helper.make_node("Concat", ["times", "number"], ["flat"], axis=0),
        helper.make_node("ConstantOfShape", ["flat"], ["visible"],
                         value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "stays",
        [helper.make_tensor_value_info("frames", TensorProto.UINT8, ["T", "H", "W", 3]),
         helper.make_tensor_value_info("queries", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["T", "N", 2]),
         helper.make_tensor_value_info("visible", TensorProto.FLOAT, ["T", "N"])],
        [constant("one", 1), constant("three", 3)],
    )  # fmt: skip
    # "axes" of Slice is the third input: the second dimension, as "one" says.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def test_what_is_no_point_tracker_is_refused(tmp_path: Path, network: Path) -> None:
    with pytest.raises(FileProblem):
        open_network(tmp_path / "none.torchscript")
    weights = tmp_path / "scaled_offline.pth"
    torch.save(Correlation().state_dict(), weights)
    with pytest.raises(ModelError, match="its network comes with it"):
        open_network(weights)
    damaged = tmp_path / "damaged.torchscript"
    damaged.write_bytes(network.read_bytes()[:2000])
    with pytest.raises(ModelError, match="no whole TorchScript"):
        open_network(damaged)
    wrong = write_network(tmp_path / "wrong.torchscript", TooFew())
    frames, queries = np.zeros((2, 16, 16, 3), np.uint8), np.zeros((3, 3), np.float32)
    with pytest.raises(ModelError, match=r"gave \(2, 2, 2\), \(2, 2\) for 2 frames and 3 points"):
        open_network(wrong, "cpu").follow(frames, queries)
    foreign = tmp_path / "foreign.torchscript"
    torch.jit.script(torch.nn.Linear(3, 3)).save(str(foreign))
    with pytest.raises(ModelError, match="cannot run this point tracker"):
        open_network(foreign, "cpu").follow(frames, queries)
    with pytest.raises(UsageError, match="weights is needed"):
        find("tracker", "pointtrack").options_class().from_mapping({}).validated()


def test_a_file_that_does_more_than_compute_asks_first(
    tmp_path: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probe(network).known
    path = tmp_path / "writes.torchscript"
    # Importing ultralytics puts a function of Python in its place, which is no operator.
    monkeypatch.setattr(torch, "save", torch.serialization.save)
    torch.jit.script(Writes()).save(str(path))
    monkeypatch.setenv(AGREED, "")
    with pytest.raises(ModelError, match="nobody agreed"):
        open_network(path, "cpu")
    # The window sees it among a tracker's options, too.
    assert checkpoints_in({"track_options": [f"weights={path}", "every=5"]}) == [path]
