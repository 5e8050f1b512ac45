"""The memory that a yolo-pose training will want, told before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training_runs import make_dataset, needs_yolo, tiny_options

pytestmark = needs_yolo


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("yolo") / "data", train=2, val=1)


def test_a_small_picture_tells_for_a_large_one(data: Path) -> None:
    import torch

    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    from ultralytics.nn.tasks import PoseModel

    from studio.ml.memory import kept_bytes
    from studio.plugins.yolo_pose.data import find_data
    from studio.plugins.yolo_pose.memory import memory_need

    options = tiny_options(data, imgsz=320)
    need = memory_need(options, find_data(options))
    model = PoseModel("yolo11n-pose.yaml", nc=1, data_kpt_shape=[17, 3], verbose=False).train()
    whole = kept_bytes(model, lambda: model(torch.zeros(2, 3, 320, 320))) / 2
    assert need.each == pytest.approx(whole, rel=0.1)
    weights = sum(p.numel() for p in model.parameters()) * 4
    assert need.fixed >= 5 * weights
    assert need.of(8) > need.of(4) > need.fixed


def test_what_will_not_fit_is_told_with_what_would(data: Path) -> None:
    from studio.plugins.yolo_pose.preflight import prepare

    found = prepare(tiny_options(data, imgsz=1280, batch=4096)).problems
    (problem,) = [p for p in found if p.where == "batch"]
    assert problem.severity == "warning"
    assert "GB" in problem.message
    assert "--batch" in problem.hint or "smaller" in problem.hint
    assert not [p for p in prepare(tiny_options(data, batch=4)).problems if p.where == "batch"]
