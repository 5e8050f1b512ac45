"""Batches: the same pictures whoever makes them, each exactly once an epoch."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import DataError  # noqa: E402
from studio.ml.loader import (  # noqa: E402
    BatchMaker,
    Loader,
    Slice,
    collate,
    plan_epoch,
    smallest_batch,
)
from tests.ml.toy import Dots  # noqa: E402


@pytest.mark.parametrize(("count", "batch"), [(1, 8), (8, 8), (9, 8), (100, 7), (33, 32)])
def test_an_epoch_shows_every_picture_once(count, batch):
    pieces = plan_epoch(count, batch, seed=5, epoch=2, part=Slice())
    assert sorted(n for piece in pieces for n in piece) == list(range(count))
    sizes = {len(piece) for piece in pieces}
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1
    assert len(pieces) == -(-count // batch)


def test_the_order_is_the_epochs():
    orders = [plan_epoch(50, 8, seed, epoch, Slice()) for seed, epoch in ((0, 1), (0, 2), (1, 1))]
    assert orders[0] == plan_epoch(50, 8, 0, 1, Slice())
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_an_epoch(ranks):
    parts = [plan_epoch(50, 4, 0, 1, Slice(rank, ranks)) for rank in range(ranks)]
    assert len({len(part) for part in parts}) == 1
    assert sorted(n for part in parts for piece in part for n in piece) == list(range(50))
    # In turns: what one process would gather from as many batches.
    if 50 % (4 * ranks) == 0:
        alone = plan_epoch(50, 4, 0, 1, Slice())
        assert [p for row in zip(*parts, strict=True) for p in row] == alone


def test_even_batches_are_those_of_one_process():
    alone = plan_epoch(48, 4, 0, 3, Slice())
    parts = [plan_epoch(48, 4, 0, 3, Slice(rank, 2)) for rank in range(2)]
    assert parts == [alone[0::2], alone[1::2]]
    with pytest.raises(DataError, match="cannot be shared"):
        plan_epoch(1, 4, 0, 1, Slice(0, 2))


def loader(examples, **values) -> Loader:
    told = values.pop("told", [])
    known = {"batch": 8, "seed": 1, "workers": 0, "device": torch.device("cpu"), "part": Slice()}
    return Loader(examples, **{**known, **values}, unreadable=told.append)


def test_an_example_depends_on_seed_epoch_and_index_alone():
    first = BatchMaker(Dots(32), seed=1)
    one, _ = first[2, [3, 4, 5]]
    other, _ = first[2, [5]]
    assert torch.equal(one["picture"][2], other["picture"][0])
    for maker, epoch in ((first, 3), (BatchMaker(Dots(32), seed=2), 2)):
        changed, _ = maker[epoch, [5]]
        assert not torch.equal(changed["picture"], other["picture"])


def test_waiting_is_measured():
    slow = loader(Dots(16, pause=0.005))
    assert len(list(slow.epoch(1))) == 2
    assert slow.waited >= 16 * 0.005
    assert slow.epoch(1) is not slow.epoch(1)


def test_another_picture_stands_in_for_an_unreadable_one():
    told: list[str] = []
    found = loader(Dots(200, broken=(7,)), told=told)
    batches = [b for epoch in (1, 2) for b in found.epoch(epoch)]
    indices = torch.cat([b["index"] for b in batches]).tolist()
    assert len(indices) == 400
    assert 7 not in indices
    assert indices.count(8) == 4
    assert len(told) == 1
    assert "dot007.jpg" in told[0]


def test_when_nothing_can_be_read_it_ends():
    with pytest.raises(DataError, match="cannot be read"):
        list(loader(Dots(200, broken=tuple(range(200)))).epoch(1))
    with pytest.raises(DataError, match="no picture"):
        loader(Dots(0))


def test_what_examples_may_hold():
    batch = collate(
        [
            {"a": np.full((2, 3), n, np.uint8), "t": torch.tensor([n]), "i": n, "f": n / 2,
             "b": n > 0, "name": f"p{n}", "s": np.float32(n)}
            for n in range(3)
        ]
    )  # fmt: skip
    kinds = {k: (v.dtype, tuple(v.shape)) for k, v in batch.items() if k != "name"}
    assert kinds == {
        "a": (torch.uint8, (3, 2, 3)),
        "t": (torch.int64, (3, 1)),
        "i": (torch.int64, (3,)),
        "f": (torch.float32, (3,)),
        "b": (torch.bool, (3,)),
        "s": (torch.float32, (3,)),
    }
    assert batch["name"] == ["p0", "p1", "p2"]


def test_the_smallest_batch_is_known_before_the_start() -> None:
    for count, batch, ranks in ((1, 4, 1), (3, 2, 1), (7, 3, 2), (10, 5, 1), (9, 1, 3)):
        sizes = [
            len(piece)
            for rank in range(ranks)
            for piece in plan_epoch(count, batch, 0, 1, Slice(rank, ranks))
        ]
        assert smallest_batch(count, batch, ranks) == min(sizes)
