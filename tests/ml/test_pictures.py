"""Mosaics and the pictures of a run."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.job import ARTIFACT
from studio.io.images import read_image
from studio.ml.pictures import RunPictures, mosaic, spread
from tests.training_runs import Remote, context_of


def tile(height: int, width: int, value: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize(
    ("count", "shape"),
    [(1, (100, 100, 3)), (2, (100, 200, 3)), (3, (200, 200, 3)), (4, (200, 200, 3))],
)
def test_a_mosaic_has_two_in_a_row(count, shape):
    made = mosaic([tile(100, 60, 50 * (n + 1)) for n in range(count)])
    assert made.shape == shape
    for n in range(count):
        assert made[n // 2 * 100 + 50, n % 2 * 100 + 50, 0] == 50 * (n + 1)


def test_large_pictures_become_small():
    assert mosaic([tile(2000, 1000, 9)]).shape == (480, 480, 3)


def test_a_spread_is_from_all_over():
    assert spread(list(range(100))) == [0, 33, 66, 99]
    assert spread([1, 2]) == [1, 2]


def test_the_first_batch_alone_is_drawn_and_judgements_rest(tmp_path):
    remote = Remote()
    pictures = RunPictures(context_of(tmp_path, remote), tmp_path)
    pictures.batch(lambda: [tile(20, 20, 10)])
    pictures.batch(lambda: [tile(20, 20, 200)])
    assert read_image(tmp_path / "report" / "batch.jpg").max() < 60
    for epoch in (1, 2, 3):
        pictures.judged(epoch, lambda: [tile(20, 20, 90)], force=epoch == 3)
    names = [p.name for p in sorted((tmp_path / "report").iterdir())]
    assert names == ["batch.jpg", "val_0001.jpg", "val_0003.jpg"]
    assert len(remote.named(ARTIFACT, kind="picture")) == 3
    pictures.judged(4, list, force=True)
    assert len(remote.named(ARTIFACT)) == 3
