"""The network's size, shapes and what it refuses."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.errors import StudioError  # noqa: E402
from studio.plugins.fastpose.network import FastPose, make_network  # noqa: E402


def test_the_originals_size() -> None:
    network = FastPose(17, (256, 192))
    assert sum(p.numel() for p in network.parameters()) == 40_577_745
    with torch.no_grad():
        assert network.eval()(torch.zeros(1, 3, 256, 192)).shape == (1, 17, 64, 48)


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv3_small_100", "test_resnet"])
def test_small_backbones_and_both_heads(backbone: str) -> None:
    picture = torch.zeros(2, 3, 128, 96)
    with torch.no_grad():
        maps = make_network(5, (128, 96), backbone, "heatmap").eval()(picture)
        across, down = make_network(5, (128, 96), backbone, "simcc").eval()(picture)
    assert maps.shape == (2, 5, 32, 24)
    assert across.shape == (2, 5, 192)
    assert down.shape == (2, 5, 256)


@pytest.mark.parametrize(
    ("backbone", "size", "said"),
    [
        ("no_such_net", (128, 96), "no_such_net"),
        ("test_resnet", (120, 96), "multiple of 32"),
        ("vit_tiny_patch16_224", (224, 224), "backbone|stride"),
    ],
)
def test_what_cannot_be_built_says_why(backbone: str, size: tuple[int, int], said: str) -> None:
    with pytest.raises(StudioError, match=said):
        make_network(17, size, backbone, "heatmap")
