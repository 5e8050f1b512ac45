"""Heatmaps: what was put in comes out, to a fraction of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from studio.vision.heatmaps import (
    decode_maps,
    decode_simcc,
    gaussians,
    simcc_targets,
    unflipped,
    unflipped_simcc,
)

SIZE = (64, 48)


def test_a_gaussian_comes_back_where_it_was_put() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform((8, 8), (40, 56), (200, 2))
    found = decode_maps(gaussians(points, SIZE))
    assert np.abs(found[:, :2] - points).max() < 0.01
    # A centroid of 3 x 3 cells would give 20.06 for this one.
    assert decode_maps(gaussians(np.array([[20.4, 30.5]]), SIZE))[0, 0] == pytest.approx(
        20.4, abs=0.005
    )


def test_at_the_border_and_just_beyond_it() -> None:
    points = np.array([[0.1, 30.0], [47.9, 0.4], [3.2, 63.6], [-0.4, 20.0], [24.0, 64.3]])
    found = decode_maps(gaussians(points, SIZE))
    assert np.abs(found[:, :2] - points).max() < 0.02


def test_noise_moves_it_little_and_the_score_is_the_height() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform((8, 8), (40, 56), (100, 2))
    maps = 0.7 * gaussians(points, SIZE) + rng.normal(0, 0.02, (100, *SIZE)).astype(np.float32)
    smooth, plain = decode_maps(maps), decode_maps(maps, blur=0)
    assert np.abs(smooth[:, :2] - points).mean() < 0.1
    assert np.abs(smooth[:, :2] - points).mean() < np.abs(plain[:, :2] - points).mean()
    assert np.abs(smooth[:, 2] - 0.7).max() < 0.08


def test_maps_without_a_peak_stay_in_their_cell() -> None:
    flat = np.zeros((1, 2, *SIZE), np.float32)
    flat[0, 1, 10, 20] = 1.0
    found = decode_maps(flat)
    assert np.isfinite(found).all()
    assert found.shape == (1, 2, 3)
    assert found[0, 1] == pytest.approx((20.5, 10.5, 1.0), abs=0.01)


def test_the_mirrored_look_agrees_with_the_plain_one() -> None:
    points = np.array([[[10.3, 20.2], [30.9, 41.1], [24.0, 5.5]]])
    mirrored = points * (-1, 1) + (SIZE[1], 0)
    flip_idx = (1, 0, 2)
    seen = np.stack([gaussians(mirrored[0][list(flip_idx)], SIZE)])
    assert unflipped(seen, flip_idx) == pytest.approx(gaussians(points[0], SIZE)[None], abs=1e-5)
    moved = unflipped(seen, flip_idx, shift=1)
    assert moved[..., 1:] == pytest.approx(unflipped(seen, flip_idx)[..., :-1])


def test_simcc_comes_back_where_it_was_put() -> None:
    rng = np.random.default_rng(2)
    points = rng.uniform((2, 2), (190, 254), (50, 2))
    across = simcc_targets(points[:, 0], 384, 2.0, 6.0)
    down = simcc_targets(points[:, 1], 512, 2.0, 6.0)
    assert across.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    found = decode_simcc(np.log(across + 1e-12), np.log(down + 1e-12), 6.0)
    assert np.abs(found[:, :2] / 2 - points).max() < 0.02
    middle = (np.abs(points - (96, 128)) < (80, 110)).all(axis=1)
    assert found[middle, 2] == pytest.approx(np.ones(middle.sum()), abs=0.02)
    unsure = decode_simcc(np.zeros((1, 1, 384), np.float32), np.zeros((1, 1, 512), np.float32), 6.0)
    assert unsure[0, 0, 2] < 0.1


def test_mirrored_simcc() -> None:
    points = np.array([[10.3, 20.2], [30.9, 41.1]])
    mirrored = points[::-1] * (-1, 1) + (SIZE[1], 0)
    across = simcc_targets(mirrored[:, 0], 96, 2.0, 4.0)[None]
    down = simcc_targets(mirrored[:, 1], 128, 2.0, 4.0)[None]
    back_x, back_y = unflipped_simcc(across, down, (1, 0))
    assert back_x[0] == pytest.approx(simcc_targets(points[:, 0], 96, 2.0, 4.0), abs=1e-6)
    assert back_y[0] == pytest.approx(simcc_targets(points[:, 1], 128, 2.0, 4.0), abs=1e-6)
