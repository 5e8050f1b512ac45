"""State dicts with the originals' names and shapes: what matches is taken, the rest is listed.

The files themselves are not here; their names and shapes are.
"""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.errors import ModelError  # noqa: E402
from studio.ml.checkpoints import compare  # noqa: E402
from studio.plugins.sixdrepnet.family import SixDRepNetFamily  # noqa: E402
from studio.plugins.sixdrepnet.keys import backbone_of, is_deployed, renamed  # noqa: E402
from studio.plugins.sixdrepnet.network import SixDRepNet, reparametrised  # noqa: E402
from studio.plugins.sixdrepnet.starting import start_from  # noqa: E402
from tests.plugins.sixdrepnet.heads import options  # noqa: E402

BLOCKS, WIDTHS = (4, 6, 16, 1), (128, 256, 512, 2048)

State = dict[str, torch.Tensor]


def norm(prefix: str, channels: int) -> State:
    shapes = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (channels,))
    made = {f"{prefix}.{name}": torch.rand(*shape) for name, shape in shapes.items()}
    return {**made, f"{prefix}.num_batches_tracked": torch.tensor(7)}


def block(prefix: str, into: int, out: int, groups: int, *, identity: bool, deploy: bool) -> State:
    if deploy:
        return {
            f"{prefix}.rbr_reparam.weight": torch.rand(out, into // groups, 3, 3),
            f"{prefix}.rbr_reparam.bias": torch.rand(out),
        }
    found: State = norm(f"{prefix}.rbr_identity", into) if identity else {}
    for name, side in (("rbr_dense", 3), ("rbr_1x1", 1)):
        found[f"{prefix}.{name}.conv.weight"] = torch.rand(out, into // groups, side, side)
        found |= norm(f"{prefix}.{name}.bn", out)
    return found


def original(stage: str, *, deploy: bool = False) -> State:
    """RepVGG-B1g2 without its last layer; stage: "stage" in its own files, "layer" in 6DRepNet's."""
    found = block(f"{stage}0", 3, 64, 1, identity=False, deploy=deploy)
    into, layer = 64, 1
    for number, (count, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True), 1):
        for place in range(count):
            groups = 2 if layer % 2 == 0 else 1
            found |= block(f"{stage}{number}.{place}", into, width, groups,
                           identity=place > 0, deploy=deploy)  # fmt: skip
            into, layer = width, layer + 1
    return found


def backbone_file() -> State:
    return {
        **original("stage"),
        "linear.weight": torch.rand(1000, 2048),
        "linear.bias": torch.rand(1000),
    }


def snapshot(*, deploy: bool = False) -> State:
    return {
        **original("layer", deploy=deploy),
        "linear_reg.weight": torch.rand(6, 2048),
        "linear_reg.bias": torch.rand(6),
    }


def test_the_backbone_file_fits_but_for_its_last_layer() -> None:
    found = compare(SixDRepNet(), renamed(backbone_file()))
    assert {name for name, *_ in found.shapes_differ} == {
        "backbone.head.fc.weight", "backbone.head.fc.bias",
    }  # fmt: skip
    assert not found.missing
    assert not found.unexpected


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_snapshot_fits_whole(prefix: str) -> None:
    state = {prefix + name: value for name, value in snapshot().items()}
    assert backbone_of(state) == "repvgg_b1g2"
    assert compare(SixDRepNet(), renamed(state)).whole


def test_a_deployed_snapshot_fits_the_network_with_its_branches_put_together() -> None:
    state = snapshot(deploy=True)
    assert is_deployed(state)
    assert not is_deployed(snapshot())
    assert compare(reparametrised(SixDRepNet()), renamed(state)).whole


def test_what_is_strange_is_listed() -> None:
    state = {
        **snapshot(),
        "layer9.0.rbr_dense.conv.weight": torch.zeros(1),
        "extra": torch.zeros(2),
    }
    del state["layer1.0.rbr_1x1.bn.bias"]
    found = compare(SixDRepNet(), renamed(state))
    assert found.missing == ("backbone.stages.0.0.conv_1x1.bn.bias",)
    assert set(found.unexpected) == {
        "backbone.stages.8.0.conv_kxk.conv.weight", "backbone.extra",
    }  # fmt: skip


def test_a_training_starts_from_the_backbone_file(tmp_path: Path) -> None:
    path = tmp_path / "RepVGG-B1g2-train.pth"
    state = backbone_file()
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    model = SixDRepNet()
    told = start_from(model, options(backbone="repvgg_b1g2", pretrained=str(path)))
    assert told is not None
    assert len(told.shapes_differ) == 2
    own = model.state_dict()["backbone.stages.2.15.conv_kxk.conv.weight"]
    assert torch.equal(own, state["stage3.15.rbr_dense.conv.weight"])


def test_automatic_takes_the_backbone_file_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert start_from(SixDRepNet("resnet10t"), options(backbone="resnet10t")) is None
    torch.save(backbone_file(), tmp_path / "RepVGG-B1g2-train.pth")
    assert start_from(SixDRepNet("resnet10t"), options(backbone="resnet10t")) is None
    told = start_from(SixDRepNet(), options(backbone="repvgg_b1g2"))
    assert told is not None
    assert not told.missing
    nothing = options(backbone="repvgg_b1g2", pretrained="none")
    assert start_from(SixDRepNet(), nothing) is None


@pytest.mark.parametrize("deploy", [False, True])
def test_a_snapshot_is_described_and_run(tmp_path: Path, *, deploy: bool) -> None:
    path = tmp_path / "epoch_30.pth"
    state = snapshot(deploy=deploy)
    torch.save({"epoch": 30, "model_state_dict": state, "optimizer_state_dict": {}}, path)
    family = SixDRepNetFamily()
    artifact = family.describe(path)
    assert artifact.task == "head-pose"
    assert artifact.input.size == (224, 224)
    assert bool(artifact.extra.get("deploy")) == deploy
    module = family.load_torch(artifact)
    with torch.no_grad():
        found = module(torch.randn(1, 3, 64, 64))
    assert found.shape == (1, 3, 3)
    weight = module.state_dict()["backbone.head.fc.weight"]
    assert torch.equal(weight, state["linear_reg.weight"])


def test_a_deployed_snapshot_cannot_be_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "deployed.pth"
    torch.save(snapshot(deploy=True), path)
    with pytest.raises(ModelError, match="one convolution"):
        start_from(SixDRepNet(), options(backbone="repvgg_b1g2", pretrained=str(path)))


def test_a_resnet_with_the_head_is_told_by_its_blocks() -> None:
    import timm

    state = {f"{k}".replace("fc.", "linear_reg."): v
             for k, v in timm.create_model("resnet50", num_classes=6).state_dict().items()}  # fmt: skip
    assert backbone_of(state) == "resnet50"
    assert compare(SixDRepNet("resnet50"), renamed(state)).whole


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(ModelError, match="no weights of sixdrepnet"):
        SixDRepNetFamily().describe(path)
    with pytest.raises(ModelError, match="Nothing in these weights fits"):
        start_from(SixDRepNet("resnet10t"), options(backbone="resnet10t", pretrained=str(path)))
    problems = SixDRepNetFamily().preflight(options(pretrained=str(tmp_path / "gone.pth")))
    assert any("not there" in p.message and p.where == "pretrained" for p in problems)


def test_a_file_of_timm_fits_its_backbone(tmp_path: Path) -> None:
    import timm

    path = tmp_path / "repvgg_a0.pth"
    torch.save(timm.create_model("repvgg_a0").state_dict(), path)
    told = start_from(SixDRepNet("repvgg_a0"), options(backbone="repvgg_a0", pretrained=str(path)))
    assert told is not None
    assert {name for name, *_ in told.shapes_differ} == {
        "backbone.head.fc.weight", "backbone.head.fc.bias",
    }  # fmt: skip
    assert not told.missing
