"""Real trainings of kpnet on small clips: what they leave, how they go on, what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("segmentation_models_pytorch")
pytest.importorskip("trackeval")

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.core.errors import ModelError, UsageError  # noqa: E402
from studio.core.job import LOG, METRICS, PROGRESS  # noqa: E402
from studio.core.requests.train import TrainRequest  # noqa: E402
from studio.io.images import read_image  # noqa: E402
from studio.io.video_keypoints import read_rows  # noqa: E402
from studio.jobs.train import place  # noqa: E402
from studio.plugins.kpnet.config import TrainOptions  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.registry.jobs import PluginRequest  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.clips import ClipPredictor, joints_of  # noqa: E402
from tests.plugins.kpnet_clips import make_set, picture  # noqa: E402
from tests.training_runs import Remote, context_of  # noqa: E402

pytestmark = pytest.mark.slow


def options(data: Path, **changes: Any) -> TrainOptions:
    values = {
        "data": str(data),
        "backbone": "convnext_atto",
        "width": 16,
        "image_size": "48,64",
        "heatmap_size": "24,32",
        "epochs": 2,
        "batch": 4,
        "lr": 1e-3,
        "device": "cpu",
        **changes,
    }
    return TrainOptions.from_mapping(values).validated()


def train(
    data: Path,
    run_dir: Path,
    remote: Remote | None = None,
    resume: Path | None = None,
    **changes: Any,
) -> ModelArtifact:
    family = find("family", "kpnet").load()
    context = context_of(run_dir, remote or Remote())
    asked = options(data, **changes)
    if resume is not None:
        values = family.resumed_options(resume, resume.parent.parent, changes)
        asked = TrainOptions.from_mapping(values).validated()
    return family.train(asked, context, resume)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_set(tmp_path_factory.mktemp("clips") / "set")


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Remote]:
    remote = Remote()
    run_dir = tmp_path_factory.mktemp("runs") / "kpnet" / "one"
    train(data, run_dir, remote, val_hota=True, dump_seg_val=True, dump_seg_limit=2)
    return run_dir, remote


def test_what_a_run_leaves(trained: tuple[Path, Remote]) -> None:
    run_dir, remote = trained
    parts = remote.named(METRICS, split="train")[0]["values"]
    assert parts.keys() >= {
        "loss", "heatmap", "visibility", "coordinates", "regions", "steady_heatmaps",
        "steady_coordinates",
    }  # fmt: skip
    judged = remote.named(METRICS, split="val")[-1]["values"]
    assert judged.keys() >= {"joint-error", "HOTA-KP", "DetA", "joint-error/middle"}
    artifact = load_artifact(run_dir)
    assert artifact.task == "keypoints"
    assert artifact.output == "heatmaps"
    assert artifact.categories == ("disc", "square")
    assert artifact.skeleton.keypoints == ("middle", "top", "corner")
    assert artifact.input.size == (48, 64)
    assert artifact.input.channels == 6
    extra = artifact.extra
    assert extra["heatmap"] == [24, 32]
    assert extra["motion"] == "dis"
    assert extra["seg_classes"] == ["ground", "disc", "square"]
    assert [p["joints"] for p in extra["parts"]] == [[0, 1], [2]]
    assert (run_dir / "report" / "batch.jpg").is_file()
    assert read_image(next((run_dir / "report").glob("val_*.jpg"))).ndim == 3
    assert len(list((run_dir / "report" / "seg" / "0001").iterdir())) == 2
    described = find("family", "kpnet").load().describe(run_dir / "weights" / "last.pt")
    assert described.extra["heatmap"] == [24, 32]


def test_the_run_is_shown_a_clip(trained: tuple[Path, Remote]) -> None:
    run_dir, _ = trained
    with ClipPredictor(load_artifact(run_dir), conf=0.0, device="cpu") as predictor:
        found = [predictor.predict(picture(0, n)) for n in range(3)]
        assert [p.category_id for p in found[0]] == [0, 1]
        assert found[0][0].keypoints.shape == (3, 3)
        assert not found[0][1].keypoints[:2].any()
        assert joints_of(predictor.artifact, found[0][0]).shape == (2, 3)
        assert [p.track_id for p in found[0]] == [1, 2]
        # The same frame after another one is another input: motion is looked at.
        again = predictor.predict(picture(0, 0))
        assert not np.array_equal(again[0].keypoints, found[0][0].keypoints)
        predictor.reset()
        first = predictor.predict(picture(0, 0))
        assert np.array_equal(first[0].keypoints, found[0][0].keypoints)
        # Frames of a batch are each other's predecessors.
        predictor.reset()
        together = predictor.predict_batch([picture(0, n) for n in range(3)])
        for one, other in zip(together, found, strict=True):
            # Pixels; a batch is summed in another order than single frames.
            assert np.abs(one[0].keypoints - other[0].keypoints).max() < 0.02
    with pytest.raises(UsageError, match="heatmap-size"):
        ClipPredictor(load_artifact(run_dir), heatmap_size=(196,))
    with pytest.raises(UsageError, match="imgsz"):
        ClipPredictor(load_artifact(run_dir), imgsz=(384,))


def _losses(remote: Remote) -> dict[int, float]:
    return {e["step"]: e["values"]["loss"] for e in remote.named(METRICS, split="train")}


def test_a_resumed_run_is_the_unbroken_one(data: Path, tmp_path: Path) -> None:
    moves = {"aug_rotate_deg": 15.0, "scale": 0.1, "color": 0.2, "flip": 0.5}
    whole, begun, resumed = Remote(), Remote(), Remote()
    train(data, tmp_path / "whole", whole, epochs=4, **moves)
    train(data, tmp_path / "parts", begun, epochs=2, **moves)
    last = tmp_path / "parts" / "weights" / "last.pt"
    # As the guide means it: two more epochs.
    train(data, tmp_path / "parts", resumed, resume=last, epochs=2)
    expected, found = _losses(whole), {**_losses(begun), **_losses(resumed)}
    assert expected.keys() == found.keys()
    assert max(abs(expected[s] - found[s]) for s in expected) < 1e-5
    assert [e["epoch"] for e in resumed.named(METRICS, split="val")] == [3, 4]


def test_stage_two_takes_weights_and_refuses_other_shapes(
    data: Path, trained: tuple[Path, Remote], tmp_path: Path
) -> None:
    best = trained[0] / "weights" / "best.pt"
    remote = Remote()
    asked = {"init": str(trained[0]), "stage": 2, "epochs": 1, "heatmap_size": (), "image_size": ()}
    artifact = train(data, tmp_path / "two", remote, **asked)
    assert artifact.extra["heatmap"] == [24, 32]
    assert artifact.input.size == (48, 64)
    assert artifact.extra["seg_classes"] == ["ground", "disc", "square"]
    said = " ".join(e["message"] for e in remote.named(LOG))
    assert "Taken over" in said
    values = remote.named(METRICS, split="train")[0]["values"]
    assert "regions" not in values
    family = find("family", "kpnet").load()
    for change, field in (({"heatmap_size": "48"}, "heatmap_size"), ({"in_chans": 3}, "in_chans")):
        (problem,) = [
            p
            for p in family.preflight(options(data, init=str(best), **change))
            if p.severity == "error"
        ]
        assert problem.where == field
        assert "were trained with" in problem.message
    assert options(data, stage=2).coordinate_weight == 0.05
    assert options(data, stage=2).region_weight == 0.0
    assert options(data).coordinate_weight == 0.2
    assert options(data, stage=2, seg_loss_weight=0.3).region_weight == 0.3


def test_three_channels_without_motion_or_masks(tmp_path: Path) -> None:
    data = make_set(tmp_path / "set", masks=False)
    remote = Remote()
    artifact = train(
        data,
        tmp_path / "run",
        remote,
        in_chans=3,
        hm_consist_weight=0.0,
        coord_consist_weight=0.0,
        epochs=1,
    )
    assert artifact.input.channels == 3
    assert artifact.extra["motion"] == "none"
    assert artifact.extra["seg_classes"] == []
    values = remote.named(METRICS, split="train")[0]["values"]
    assert not values.keys() & {"regions", "steady_heatmaps"}


def test_the_motion_store_is_filled_before_the_start(data: Path, tmp_path: Path) -> None:
    remote = Remote()
    train(data, tmp_path / "run", remote, epochs=1, flow_cache=str(tmp_path / "store"))
    # Four of a clip's five frames have one before them, in three clips.
    assert len(list((tmp_path / "store").iterdir())) == 12
    assert len(remote.named(PROGRESS, stage="motion")) == 15


def _errors(data: Path, **changes: Any) -> list[str]:
    found = find("family", "kpnet").load().preflight(options(data, **changes))
    return [f"{p.where}:{p.line}: {p.message}" for p in found if p.severity == "error"]


def test_what_is_refused_before_the_start(data: Path, tmp_path: Path) -> None:
    assert _errors(data) == []
    (said,) = _errors(tmp_path)
    assert "no side 'train'" in said
    root = tmp_path / "set"
    shutil.copytree(data, root)
    path = root / "train" / "mot" / "V00_frame_000002.txt"
    path.write_text(path.read_text() + path.read_text().splitlines()[0] + "\n")
    (said,) = _errors(root)
    assert f"{path}:3: Class 0 stands twice on frame 2 of V00" in said
    path.write_text("2,1,0,-1,-1,-1,-1,5,5\n")
    (said,) = _errors(root)
    assert said.startswith(f"{path}:1")
    path.write_text("2,1,7,-1,-1,-1,-1,5,5,2\n")
    (said,) = _errors(root)
    assert f"{path}:1: Class 7 is none of 0, 1" in said
    with pytest.raises(UsageError, match="val-hota"):
        options(data, best="hota")


def test_weights_of_another_network_are_refused(
    trained: tuple[Path, Remote], tmp_path: Path
) -> None:
    path = tmp_path / "other.pt"
    torch.save({"a.weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match="no weights of kpnet"):
        find("family", "kpnet").load().describe(path)
    content = torch.load(trained[0] / "weights" / "best.pt", weights_only=True)
    content["artifact"]["heatmap"] = [48]
    torch.save(content, path)
    with pytest.raises(ModelError, match="how it is built"):
        find("family", "kpnet").load().load_torch(load_artifact(path))


def test_a_run_stands_where_the_guide_puts_it(tmp_path: Path, data: Path) -> None:
    def where(**values: Any) -> Path:
        request = TrainRequest.from_mapping({"family": "kpnet", **values})
        return place(PluginRequest("kpnet", request, options(data)), tmp_path)

    folder = tmp_path / "artifacts" / "exp1"
    assert where(run_dir=str(folder)) == folder
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "last.pt").write_bytes(b"x")
    assert where(run_dir=str(folder)) == folder.with_name("exp12")
    assert where(run_dir=str(folder), exist_ok=True) == folder
    assert where(resume=str(folder / "last.pt")) == folder
    other = tmp_path / "artifacts" / "exp2"
    assert where(resume=str(folder / "last.pt"), run_dir=str(other)) == other


GUIDE = """--image-size 48,64 --heatmap-size 24 --in-chans 6 --batch-size 8 --lr 1e-4
--weight-decay 1e-4 --hm-pos-weight 80 --coord-loss-weight {coord} --hm-consist-weight 0.05
--coord-consist-weight 0.05 --aug-rotate-deg 0 --seg-loss-weight {seg} --device cpu --dump-seg-val
--dump-seg-interval 1 --dump-seg-limit 1000 --dump-seg-alpha 0.9 --resize-only --val-hota
--num-workers 0 --backbone convnext_atto --width 16"""


def _studio(*words: str | Path, here: Path) -> str:
    command = [sys.executable, "-m", "studio", *map(str, words)]
    root = str(Path(__file__).parents[2])
    ran = subprocess.run(
        command, cwd=here, capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout


def test_the_guides_commands(data: Path, tmp_path: Path) -> None:
    """Both stages with every option of the guide, then its inference on the validation side."""
    first, second = tmp_path / "artifacts" / "exp1", tmp_path / "artifacts" / "exp2"
    common = ("--data-root", data, "--pseudo6-root", data / "masks")
    words = GUIDE.format(coord=0.2, seg=0.15).split()
    _studio("train", "kpnet", *common, *words, "--epochs", "1", "--out-dir", first, here=tmp_path)
    words = GUIDE.format(coord=0.05, seg=0.0).split()
    _studio(
        "train", "kpnet", "--resume", first / "last.pt", *common, *words, "--val-hota-interval",
        "1", "--epochs", "2", "--out-dir", second, here=tmp_path,
    )  # fmt: skip
    content = torch.load(second / "weights" / "last.pt", weights_only=True)
    assert content["epoch"] == 3
    assert content["options"]["seg_loss_weight"] == 0.0
    assert content["options"]["coord_loss_weight"] == 0.05
    out = tmp_path / "trackers"
    _studio(
        "predict", "--data-root", data, "--ckpt", second / "best.pt", "--out-dir", out, "--device",
        "cpu", "--image-size", "48,64", "--heatmap-size", "24", "--conf", "0", "--no-draw",
        here=tmp_path,
    )  # fmt: skip
    rows = read_rows(out / "V02_pred.txt")
    assert [(r.frame, r.category, r.track) for r in rows] == [
        (n, c, c + 1) for n in range(5) for c in (0, 1)
    ]
    assert [len(r.keypoints) for r in rows[:2]] == [2, 1]
