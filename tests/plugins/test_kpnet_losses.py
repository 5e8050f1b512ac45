"""Each loss of kpnet on made-up maps whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("segmentation_models_pytorch")

from studio.plugins.kpnet import losses  # noqa: E402
from studio.vision.heatmaps import gaussians  # noqa: E402


def _maps(points: list[tuple[float, float]], size: tuple[int, int] = (24, 32)) -> torch.Tensor:
    return torch.from_numpy(gaussians(np.array(points, np.float32), size))[None]


def test_heatmap_loss_is_weighted_cross_entropy_over_labelled_joints() -> None:
    logits = torch.zeros(1, 2, 4, 4)
    logits[0, 1] = 37.0
    targets = torch.zeros(1, 2, 4, 4)
    targets[0, 0, 0, 0] = 1.0
    labelled = torch.tensor([[True, False]])
    # At logit 0 every cell costs log 2, and the one that is there 80 times as much.
    expected = math.log(2) * (15 + 80) / 16
    found = losses.heatmap_loss(logits, targets, labelled, 80.0)
    assert float(found) == pytest.approx(expected, rel=1e-6)
    nothing = losses.heatmap_loss(logits, targets, torch.tensor([[False, False]]), 80.0)
    assert float(nothing) == 0.0


def test_the_weighted_loss_comes_to_rest_at_the_shifted_gaussian() -> None:
    targets = _maps([(15.3, 11.8)]).clamp(1e-4, 1 - 1e-4)
    logits = (torch.logit(targets) + math.log(80.0)).requires_grad_()
    losses.heatmap_loss(logits, targets, torch.ones(1, 1, dtype=torch.bool), 80.0).backward()
    assert float(logits.grad.abs().max()) < 1e-7
    deployed = torch.sigmoid(logits.detach() - math.log(80.0))
    assert float((deployed - targets).abs().max()) < 1e-6


def test_visibility_loss() -> None:
    logits = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 0.0, math.log(2)]]])
    found = losses.visibility_loss(logits, torch.tensor([[1, 2]]))
    assert float(found) == pytest.approx((math.log(3) + math.log(2)) / 2, rel=1e-6)


def test_soft_argmax_gives_the_place_and_its_loss_the_distance() -> None:
    logits = torch.log(_maps([(20.4, 9.5), (6.0, 15.25)]) + 1e-12)
    places = losses.soft_argmax(logits)
    expected = [20.4 / 32, 9.5 / 24, 6.0 / 32, 15.25 / 24]
    assert places.flatten().tolist() == pytest.approx(expected, abs=1e-3)
    points = places + torch.tensor([0.1, -0.2])
    labelled = torch.tensor([[True, False]])
    assert float(losses.coordinate_loss(places, points, labelled)) == pytest.approx(0.3, rel=1e-5)


def test_segmentation_loss_leaves_ignored_cells_and_frames_out() -> None:
    masks = torch.zeros(2, 8, 8, dtype=torch.long)
    masks[0, 2:5, 2:5] = 1
    masks[0, 7] = losses.IGNORED
    masks[1] = losses.IGNORED
    right = torch.nn.functional.one_hot(masks.clamp(max=1), 2).permute(0, 3, 1, 2) * 40.0 - 20.0
    wrong = -right
    # A frame without a mask may say anything; so may the ignored row.
    right[1] = 99.0
    right[0, :, 7] = -99.0
    assert float(losses.segmentation_loss(right, masks)) == pytest.approx(0.0, abs=1e-4)
    assert float(losses.segmentation_loss(wrong, masks)) > 5
    unsure = losses.segmentation_loss(torch.zeros(2, 2, 8, 8), masks)
    # Focal at even odds: (1 - .5)^2 * log 2; Dice: each class against its share of 56 cells.
    dice = 1 - np.mean([2 * 0.5 * n / (28 + n) for n in (47, 9)])
    assert float(unsure) == pytest.approx(0.5 * dice + 0.5 * 0.25 * math.log(2), rel=1e-3)
    assert float(losses.segmentation_loss(torch.ones(1, 2, 8, 8), masks[1:])) == 0.0


def test_the_previous_map_is_carried_along_a_moving_blob() -> None:
    """The blob moves right by 5 and up by 3: the flow back is (-5, +3) wherever it is read."""
    before, now = _maps([(12.0, 14.0)]), _maps([(17.0, 11.0)])
    flow = torch.zeros(1, 2, 24, 32)
    flow[:, 0], flow[:, 1] = -5.0, 3.0
    moved, inside = losses.warped_forward(before, flow)
    assert float(((moved - now).abs() * inside).max()) < 1e-5
    assert not bool(inside[0, 0, :, :5].any())
    assert not bool(inside[0, 0, -3:].any())
    assert bool(inside[0, 0, :-3, 5:].all())
    yes = torch.ones(1, 1, dtype=torch.bool)
    right = losses.heatmap_consistency(now, before, flow, yes)
    wrong = losses.heatmap_consistency(now, before, -flow, yes)
    still = losses.heatmap_consistency(now, before, torch.zeros_like(flow), yes)
    assert float(right) < 1e-9
    assert float(wrong) > 1e-3
    assert float(still) > 1e-3
    assert float(losses.heatmap_consistency(now, before, -flow, ~yes)) == 0.0


def test_places_follow_the_flow_too() -> None:
    before = torch.tensor([[[12.0 / 32, 14.0 / 24]]])
    now = torch.tensor([[[17.0 / 32, 11.0 / 24]]], requires_grad=True)
    flow = torch.zeros(1, 2, 24, 32)
    flow[:, 0], flow[:, 1] = -5.0, 3.0
    yes = torch.ones(1, 1, dtype=torch.bool)
    with_flow = losses.coordinate_consistency(now, before, flow, yes).item()
    assert with_flow == pytest.approx(0, abs=1e-6)
    lost = losses.coordinate_consistency(now, before, torch.zeros_like(flow), yes)
    assert lost.item() == pytest.approx(5 / 32 + 3 / 24, rel=1e-5)
    lost.backward()
    assert now.grad is not None
