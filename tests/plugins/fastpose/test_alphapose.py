"""AlphaPose's YAML and weights: what they name is taken, what they do not fit is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.errors import FormatError, ModelError, UsageError  # noqa: E402
from studio.plugins.fastpose.alphapose import (  # noqa: E402
    configured,
    options_with_file,
    values_of,
)
from studio.plugins.fastpose.config import TrainOptions  # noqa: E402
from studio.plugins.fastpose.family import FastPoseFamily  # noqa: E402
from studio.plugins.fastpose.keys import renamed  # noqa: E402
from studio.plugins.fastpose.network import FastPose  # noqa: E402
from tests.plugins.fastpose.folk import dots, options  # noqa: E402
from tests.training_runs import Remote, context_of  # noqa: E402

# How deep a bottleneck's stages are, and how many features its blocks end in.
STAGES = {1: (3, 64), 2: (4, 128), 3: (6, 256), 4: (3, 512)}


def named_as_the_original(joints: int = 17) -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of `fast_res50_256x192.pth`."""
    shapes: dict[str, tuple[int, ...]] = {"preact.conv1.weight": (64, 3, 7, 7)}
    norms = {"preact.bn1": 64}
    before = 64
    for stage, (blocks, width) in STAGES.items():
        for block in range(blocks):
            at = f"preact.layer{stage}.{block}"
            shapes[f"{at}.conv1.weight"] = (width, before, 1, 1)
            shapes[f"{at}.conv2.weight"] = (width, width, 3, 3)
            shapes[f"{at}.conv3.weight"] = (width * 4, width, 1, 1)
            norms |= {f"{at}.bn1": width, f"{at}.bn2": width, f"{at}.bn3": width * 4}
            if block == 0:
                shapes[f"{at}.downsample.0.weight"] = (width * 4, before, 1, 1)
                norms[f"{at}.downsample.1"] = width * 4
                for place in ("0", "2"):
                    shapes[f"{at}.se.fc.{place}.weight"] = (width * 4, width * 4)
                    shapes[f"{at}.se.fc.{place}.bias"] = (width * 4,)
            before = width * 4
    shapes |= {"duc1.conv.weight": (1024, 512, 3, 3), "duc2.conv.weight": (512, 256, 3, 3)}
    norms |= {"duc1.bn": 1024, "duc2.bn": 512}
    shapes |= {"conv_out.weight": (joints, 128, 3, 3), "conv_out.bias": (joints,)}
    for name, size in norms.items():
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (size,)
    state = {name: torch.randn(shape) * 0.02 for name, shape in shapes.items()}
    return state | {f"{name}.num_batches_tracked": torch.tensor(9) for name in norms}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "fast_res50_256x192.pth"
    torch.save(named_as_the_original(), path)
    return path


def test_every_name_of_the_original_is_one_of_ours() -> None:
    state = named_as_the_original()
    ours = FastPose(17, (256, 192)).state_dict()
    assert {n: tuple(t.shape) for n, t in renamed(state).items()} == {
        n: tuple(t.shape) for n, t in ours.items()
    }


def test_the_originals_weights_are_known_and_loaded_whole(original: Path) -> None:
    family = FastPoseFamily()
    artifact = family.describe(original)
    assert artifact.skeleton.name == "coco17"
    assert artifact.input.size == (256, 192)
    assert artifact.input.mean == (0.406, 0.457, 0.48)
    assert artifact.extra["cells_on_pixels"] is True
    module = family.load_torch(artifact)
    stored = torch.load(original, weights_only=True)
    assert torch.equal(
        module.state_dict()["backbone.layer2.0.se.excite.weight"],
        stored["preact.layer2.0.se.fc.2.weight"],
    )
    assert torch.equal(module.state_dict()["head.out.bias"], stored["conv_out.bias"])


def test_weights_of_other_names_are_no_fastpose(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"fc.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(ModelError, match="fastpose"):
        FastPoseFamily().describe(path)


def test_transfer_to_other_joints_says_what_did_not_match(original: Path, tmp_path: Path) -> None:
    from studio.plugins.fastpose.starting import start_from

    model = FastPose(5, (64, 64))
    found = start_from(model, options(backbone="resnet50", try_load=str(original)))
    assert found is not None
    assert {name for name, *_ in found.shapes_differ} == {"head.out.weight", "head.out.bias"}
    assert len(found.matched) == len(model.state_dict()) - 2
    stored = torch.load(original, weights_only=True)
    assert torch.equal(model.state_dict()["head.up1.conv.weight"], stored["duc1.conv.weight"])
    with pytest.raises(ModelError, match=r"head\.out\.weight"):
        start_from(model, options(backbone="resnet50", pretrained=str(original)))


def test_weights_that_do_not_fit_are_named_before_the_start(original: Path) -> None:
    problems = FastPoseFamily().preflight(options(pretrained=str(original)))
    assert any("another network" in p.message for p in problems)
    missing = FastPoseFamily().preflight(options(try_load="/nowhere/x.pth"))
    assert any("not there" in p.message for p in missing)


CFG: dict[str, Any] = {
    "DATASET": {
        "TRAIN": {
            "TYPE": "Mscoco",
            "ROOT": "./data/coco/",
            "IMG_PREFIX": "train2017",
            "ANN": "annotations/person_keypoints_train2017.json",
            "AUG": {
                "FLIP": True, "ROT_FACTOR": 30, "SCALE_FACTOR": 0.2, "NUM_JOINTS_HALF_BODY": 8,
                "PROB_HALF_BODY": -1,
            },
        },
        "VAL": {"TYPE": "Mscoco", "ROOT": "./data/coco/", "ANN": "x.json"},
    },
    "DATA_PRESET": {
        "TYPE": "simple", "SIGMA": 2, "NUM_JOINTS": 17, "IMAGE_SIZE": [256, 192],
        "HEATMAP_SIZE": [64, 48],
    },
    "MODEL": {"TYPE": "FastPose", "PRETRAINED": "", "TRY_LOAD": "", "NUM_LAYERS": 50},
    "LOSS": {"TYPE": "MSELoss"},
    "DETECTOR": {"NAME": "yolo", "NMS_THRES": 0.6},
    "TRAIN": {
        "WORLD_SIZE": 4, "BATCH_SIZE": 64, "BEGIN_EPOCH": 0, "END_EPOCH": 210, "OPTIMIZER": "adam",
        "LR": 0.002, "LR_FACTOR": 0.1, "LR_STEP": [100, 130], "DPG_MILESTONE": 150,
    },
}  # fmt: skip


def write_cfg(folder: Path, **changes: Any) -> Path:
    path = folder / "configs" / "256x192_res50_lr1e-3_1x.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({**CFG, **changes}))
    return path


def test_the_file_gives_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "data" / "coco").mkdir(parents=True)
    values, idle = values_of(write_cfg(tmp_path))
    assert values["data"] == tmp_path / "data" / "coco"
    assert values["imgsz"] == (256, 192)
    assert values["batch"] == 64
    assert values["epochs"] == 210
    assert values["milestones"] == (100, 130)
    assert values["lr"] == 0.002
    assert values["rotate"] == 30
    assert values["half_body"] == 0
    assert values["backbone"] == "resnet50"
    assert values["jitter_from"] == 150
    assert "val_data" not in values
    assert idle == ["DATASET.TRAIN.AUG.NUM_JOINTS_HALF_BODY", "DETECTOR.NAME",
                    "DETECTOR.NMS_THRES", "TRAIN.WORLD_SIZE"]  # fmt: skip
    assert TrainOptions.from_mapping(values).problems() == ()


def test_what_the_person_asked_for_wins(tmp_path: Path) -> None:
    cfg = write_cfg(tmp_path)
    asked = TrainOptions.from_mapping({"cfg": str(cfg), "epochs": 2, "batch": 2, "lr": 1e-4})
    whole = options_with_file(asked, None)
    assert (whole.epochs, whole.batch, whole.lr) == (2, 2, 1e-4)
    assert whole.milestones == (100, 130)
    assert whole.cfg is None


def test_a_default_that_was_asked_for_wins_too(tmp_path: Path) -> None:
    import json

    cfg = write_cfg(tmp_path)
    context = context_of(tmp_path / "run", remote := Remote())
    (tmp_path / "run" / "spec.json").write_text(json.dumps({"options": {"batch": 32}}))
    asked = TrainOptions.from_mapping({"cfg": str(cfg), "batch": 32})
    whole = options_with_file(asked, context, tell=True)
    assert whole.batch == 32
    assert whole.epochs == 210
    said = " ".join(e["message"] for e in remote.named("log"))
    assert "epochs 210" in said
    assert "DETECTOR.NAME" in said


def test_a_training_by_the_file_alone(tmp_path: Path) -> None:
    changes = {
        "DATASET": {"TRAIN": {"ROOT": str(dots())}},
        "DATA_PRESET": {"IMAGE_SIZE": [64, 64], "SIGMA": 1},
        "TRAIN": {"END_EPOCH": 1, "BATCH_SIZE": 4},
    }
    cfg = write_cfg(tmp_path, **changes)
    asked = TrainOptions.from_mapping({"cfg": str(cfg), "backbone": "test_resnet", "device": "cpu"})
    artifact = FastPoseFamily().train(asked, context_of(tmp_path / "run", Remote()))
    assert artifact.input.size == (64, 64)
    assert artifact.extra["backbone"] == "test_resnet"
    stored = (tmp_path / "run" / "config.toml").read_text()
    assert "epochs = 1" in stored
    assert "cfg" not in stored


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MODEL": {"TYPE": "HRNet"}}, "HRNet"),
        ({"MODEL": {"TYPE": "FastPose", "NUM_LAYERS": 51}}, "51 layers"),
        ({"DATA_PRESET": {"TYPE": "simple_smpl"}}, "simple_smpl"),
        ({"TRAIN": {"BATCH_SIZE": "many"}}, "batch"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(FormatError, match=said):
        values_of(write_cfg(tmp_path, **changes))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(FormatError, match="YAML"):
        values_of(path)
    path.write_text("names: {0: person}")
    with pytest.raises(FormatError, match="AlphaPose"):
        values_of(path)
    asked = TrainOptions.from_mapping({"cfg": str(path)})
    (problem,) = FastPoseFamily().preflight(asked)
    assert "AlphaPose" in problem.message


def test_a_bare_model_takes_its_size_from_the_file(original: Path, tmp_path: Path) -> None:
    artifact = FastPoseFamily().describe(original)
    cfg = write_cfg(tmp_path, DATA_PRESET={"IMAGE_SIZE": [384, 288], "NUM_JOINTS": 17})
    made = configured(artifact, cfg)
    assert made.input.size == (384, 288)
    assert made.extra["heatmap"] == [96, 72]
    other = write_cfg(tmp_path, DATA_PRESET={"NUM_JOINTS": 26})
    with pytest.raises(FormatError, match="26 joints"):
        configured(artifact, other)


def test_both_ways_to_begin_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="not both"):
        options(pretrained="a.pt", try_load="b.pt")
