"""The size and the outputs of kpnet's network, and what it says of what it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.errors import ModelError  # noqa: E402
from studio.plugins.kpnet.network import Deployed, KpNet, Shape, stages_for  # noqa: E402

FRAME, MAPS = (540, 960), (196, 196)


@pytest.mark.parametrize(
    ("backbone", "millions"), [("convnext_atto", 6.7), ("convnext_tiny", 31.0)]
)
@pytest.mark.parametrize("channels", [3, 6])
def test_parameters(backbone: str, millions: float, channels: int) -> None:
    shape = Shape(backbone, channels, 21, MAPS, stages_for(FRAME, MAPS), seg_classes=8)
    count = sum(p.numel() for p in KpNet(shape).parameters()) / 1e6
    assert count == pytest.approx(millions, rel=0.05)


@pytest.mark.parametrize(
    ("size", "heatmap", "stages"),
    [
        (FRAME, MAPS, 2),
        ((384, 384), (196, 196), 2),
        ((384, 384), (96, 96), 1),
        ((128, 160), (64, 80), 2),
        ((96, 96), (96, 96), 3),
    ],
)
def test_stages(size: tuple[int, int], heatmap: tuple[int, int], stages: int) -> None:
    assert stages_for(size, heatmap) == stages


@pytest.mark.parametrize(("channels", "classes"), [(3, 0), (6, 4)])
def test_outputs(channels: int, classes: int) -> None:
    shape = Shape("convnext_atto", channels, 5, (18, 25), 1, width=32, seg_classes=classes)
    network = KpNet(shape).eval()
    found = Deployed(network, 80.0)(torch.rand(2, channels, 70, 100))
    assert [tuple(f.shape) for f in found] == [
        (2, 5, 18, 25),
        (2, 5, 3),
        *([(2, classes, 18, 25)] if classes else []),
    ]
    assert torch.allclose(found[1].sum(dim=2), torch.ones(2, 5))
    if classes:
        assert torch.allclose(found[2].sum(dim=1), torch.ones(2, 18, 25), atol=1e-6)
    again = Shape.from_mapping(
        shape.to_mapping() | {"seg_classes": ["a"] * classes}, channels, joints=5
    )
    assert again == shape


def test_other_backbones_are_refused() -> None:
    with pytest.raises(ModelError, match="no ConvNeXt"):
        KpNet(Shape("resnet18", 3, 5, (18, 25), 1))
    with pytest.raises(ModelError, match="heatmap"):
        Shape.from_mapping({"backbone": "convnext_atto"}, 3, 5)


@pytest.mark.parametrize("channels", [3, 6])
def test_a_local_file_of_the_backbone_is_taken(tmp_path: Path, channels: int) -> None:
    import timm

    torch.manual_seed(1)
    whole = timm.create_model("convnext_atto", pretrained=False)
    torch.save(whole.state_dict(), tmp_path / "atto.pth")
    network = KpNet(Shape("convnext_atto", channels, 3, (8, 8), 1, width=16))
    found = network.load_backbone(tmp_path / "atto.pth")
    assert not found.missing
    assert not found.shapes_differ
    # What is left over is the classifier alone.
    assert all(name.startswith(("head", "norm")) for name in found.unexpected)
    own = network.backbone.state_dict()
    given = whole.state_dict()
    block = "blocks.0.mlp.fc1.weight"
    assert torch.equal(own[f"stages_2.{block}"], given[f"stages.2.{block}"])
    if channels == 3:
        assert torch.equal(own["stem_0.weight"], given["stem.0.weight"])
    torch.save({"a": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="Nothing in these weights fits"):
        network.load_backbone(tmp_path / "other.pth")
