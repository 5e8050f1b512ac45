"""Targets and losses against numpy and against what they must be at their best."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.plugins.fastpose.losses import (  # noqa: E402
    gaussian_targets,
    heatmap_loss,
    loss_of,
    sigma_in_bins,
    simcc_loss,
)
from studio.vision.heatmaps import gaussians  # noqa: E402

POINTS = np.array([[[10.3, 20.2], [40.0, 50.5], [0.0, 0.0]]], np.float32)
WEIGHT = np.array([[1.0, 1.0, 0.0]], np.float32)


def test_the_targets_are_those_of_the_vision_room() -> None:
    made = gaussian_targets(torch.from_numpy(POINTS / 4), (24, 18), 1.5)
    assert made.numpy()[0] == pytest.approx(gaussians(POINTS[0] / 4, (24, 18), 1.5), abs=1e-6)


def test_only_labelled_joints_count() -> None:
    points, weight = torch.from_numpy(POINTS), torch.from_numpy(WEIGHT)
    maps = gaussian_targets(points / 4, (24, 18), 2.0)
    assert heatmap_loss(maps, points, weight, 2.0).item() == pytest.approx(0, abs=1e-12)
    spoiled = maps.clone()
    spoiled[:, 2] += 5
    assert heatmap_loss(spoiled, points, weight, 2.0).item() == pytest.approx(0, abs=1e-12)
    spoiled[:, 1] += 1
    # One of two labelled joints is wrong by 1 everywhere: half of a half.
    assert heatmap_loss(spoiled, points, weight, 2.0).item() == pytest.approx(0.25)


def test_simcc_is_best_at_its_target() -> None:
    points, weight = torch.from_numpy(POINTS), torch.from_numpy(WEIGHT)
    rows = []
    for axis, bins in ((0, 96 * 2), (1, 128 * 2)):
        at = torch.arange(bins) + 0.5
        rows.append(-((at - points[..., axis, None] * 2) ** 2) / (2 * 6.0**2))
    best = simcc_loss((rows[0], rows[1]), points, weight, 6.0)
    assert best.item() == pytest.approx(0, abs=1e-5)
    worse = simcc_loss((rows[0].roll(8, -1), rows[1]), points, weight, 6.0)
    assert worse.item() > 0.1
    assert loss_of((rows[0], rows[1]), points, weight, 1.5).item() == pytest.approx(
        simcc_loss((rows[0], rows[1]), points, weight, sigma_in_bins(1.5)).item()
    )


def test_nothing_labelled_is_no_loss() -> None:
    maps = torch.ones(1, 3, 24, 18, requires_grad=True)
    loss = heatmap_loss(maps, torch.from_numpy(POINTS), torch.zeros(1, 3), 2.0)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(maps.grad).all()
