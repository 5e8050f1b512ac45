"""The network: sizes as published, branches put together without a change, true rotations."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.errors import UsageError  # noqa: E402
from studio.plugins.sixdrepnet.network import (  # noqa: E402
    SixDRepNet,
    geodesic_loss,
    reparametrised,
    rotation_of_six,
)
from studio.runtime.head_outputs import rotations_of_six  # noqa: E402


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def lively(module: torch.nn.Module) -> torch.nn.Module:
    """With statistics as a training leaves them: fresh ones would hide a mistake of merging."""
    torch.manual_seed(1)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(part.weight, 0.4, 0.8)
            torch.nn.init.uniform_(part.bias, -0.02, 0.02)
    return module.eval()


def test_the_original_has_its_size_and_keeps_its_answer() -> None:
    network = lively(SixDRepNet())
    assert count(network) / 1e6 == pytest.approx(43.75, abs=0.01)
    merged = reparametrised(network)
    assert count(merged) / 1e6 == pytest.approx(39.32, abs=0.01)
    pictures = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        first, second = network(pictures), merged(pictures)
        assert (first - second).abs().max() < 1e-5
        # The answers differ from picture to picture: nothing is lost on the way.
        assert (first[0] - first[1]).abs().max() > 1e-3
    # The network itself is left as it is.
    assert count(network) / 1e6 == pytest.approx(43.75, abs=0.01)


def test_every_second_layer_has_two_groups() -> None:
    names = dict(SixDRepNet().named_modules())
    groups = [
        names[f"backbone.stages.{s}.{b}.conv_kxk.conv"].groups
        for s, blocks in enumerate((4, 6, 16, 1))
        for b in range(blocks)
    ]
    assert groups == [1, 2] * 13 + [1]
    widths = [names[f"backbone.stages.{s}.0.conv_kxk.conv"].out_channels for s in range(4)]
    assert widths == [128, 256, 512, 2048]


@pytest.mark.parametrize("name", ["repvgg_a0", "mobileone_s0", "resnet10t"])
def test_small_backbones_give_rotations(name: str) -> None:
    network = lively(SixDRepNet(name))
    pictures = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        found = network(pictures)
        assert found.shape == (2, 3, 3)
        assert torch.allclose(found @ found.mT, torch.eye(3).expand(2, 3, 3), atol=1e-5)
        assert torch.allclose(torch.linalg.det(found), torch.ones(2), atol=1e-5)
        assert (found - reparametrised(network)(pictures)).abs().max() < 1e-4


def test_a_backbone_that_is_not_known_is_named() -> None:
    with pytest.raises(UsageError, match="repvgg_z9"):
        SixDRepNet("repvgg_z9")


def test_gram_and_schmidt_by_hand() -> None:
    # Along x, and something with y and x in it: the identity.
    plain = rotation_of_six(torch.tensor([[2.0, 0, 0, 5, 3, 0]]))
    assert torch.allclose(plain[0], torch.eye(3), atol=1e-6)
    # The first column is the first vector made a unit, whatever the second is.
    numbers = torch.randn(50, 6)
    made = rotation_of_six(numbers)
    first = torch.nn.functional.normalize(numbers[:, :3], dim=1)
    assert torch.allclose(made[:, :, 0], first, atol=1e-6)
    assert torch.allclose(torch.linalg.det(made), torch.ones(50), atol=1e-5)
    in_numpy = rotations_of_six(numbers.double().numpy())
    assert np.abs(in_numpy - made.double().numpy()).max() < 1e-5


@pytest.mark.parametrize("degrees", [0.0, 1.0, 45.0, 90.0, 179.0, 180.0])
def test_the_loss_is_the_angle_and_its_slope_is_finite(degrees: float) -> None:
    turn = np.radians(degrees)
    there = torch.tensor(
        [[[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]],
        dtype=torch.float32,
    )
    here = torch.eye(3)[None].requires_grad_()
    loss = geodesic_loss(here, there)
    loss.backward()
    # The cosine is held a little off 1 and -1.
    assert float(loss.detach()) == pytest.approx(turn, abs=6e-4)
    assert here.grad is not None
    assert bool(torch.isfinite(here.grad).all())
    assert float(here.grad.abs().max()) < 1e4


def test_the_rotation_is_made_in_full_precision() -> None:
    network = SixDRepNet("resnet10t").eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = network(torch.randn(2, 3, 64, 64))
    assert found.dtype == torch.float32
    assert torch.allclose(found @ found.mT, torch.eye(3).expand(2, 3, 3), atol=1e-5)
