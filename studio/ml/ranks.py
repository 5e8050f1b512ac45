"""Processes that train together, each on its own device: what they tell each other.

Rank 0 speaks, judges and writes; the others compute. Gradients are averaged by
DistributedDataParallel, so a step of W processes is one step on W batches. NCCL carries them
between GPUs, gloo between processors; only gloo is run by the tests.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from studio.ml.loader import Slice

if TYPE_CHECKING:
    import torch

# Longer than any judgement of rank 0, for which the others wait. A dead process is noticed by the
# one that started it, not by this.
_PATIENCE = timedelta(hours=24)


class Alone:
    """One process on one device: nobody to agree with."""

    part = Slice()

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, model: torch.nn.Module) -> torch.nn.Module:
        """What `Task.loss` calls."""
        return model

    def share_buffers(self, model: torch.nn.Module) -> None:
        """Make the running statistics those of all processes."""

    def gathered(self, sums: Mapping[str, float], count: int) -> tuple[dict[str, float], int]:
        """Sums and counts over all processes."""
        return dict(sums), count

    def first_says(self, word: Any) -> Any:
        """What rank 0 says; the others' word is nothing."""
        return word

    def close(self) -> None:
        """Part."""


class Group(Alone):
    """One of several processes. `store`: where they meet ("file://…"), None under torchrun."""

    def __init__(self, device: torch.device, rank: int, count: int, store: str | None) -> None:
        import torch
        import torch.distributed as dist

        super().__init__(device)
        self.part = Slice(rank, count)
        on_gpu = device.type == "cuda"
        if on_gpu:
            torch.cuda.set_device(device)
        else:
            # Each takes its share of the processors, not all of them.
            torch.set_num_threads(max(1, torch.get_num_threads() // count))
        backend = "nccl" if on_gpu and dist.is_nccl_available() else "gloo"
        where: dict[str, Any] = {"rank": rank, "world_size": count, "init_method": store}
        dist.init_process_group(backend, timeout=_PATIENCE, **(where if store else {}))
        self._wrapped: torch.nn.Module | None = None
        self._trained: tuple[bool, ...] = ()

    def wrap(self, model: torch.nn.Module) -> torch.nn.Module:
        """A new wrapper only where other parameters are trained than before."""
        from torch.nn.parallel import DistributedDataParallel

        # Each keeps statistics of its own batches; `share_buffers` makes one of them.
        parameters = inspect.signature(DistributedDataParallel.__init__).parameters
        new = "forward_sync_buffers" in parameters
        apart: dict[str, Any] = {"forward_sync_buffers" if new else "broadcast_buffers": False}
        trained = tuple(p.requires_grad for p in model.parameters())
        if self._wrapped is None or trained != self._trained:
            self._trained = trained
            self._wrapped = DistributedDataParallel(
                model,
                device_ids=[self.device.index] if self.device.type == "cuda" else None,
                # A stage may leave out a part of the network's loss.
                find_unused_parameters=True,
                **apart,
            )
        return self._wrapped

    def share_buffers(self, model: torch.nn.Module) -> None:
        """The mean over the processes of every buffer of real numbers."""
        import torch.distributed as dist

        for buffer in model.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= self.part.ranks

    def gathered(self, sums: Mapping[str, float], count: int) -> tuple[dict[str, float], int]:
        """Sums and counts over all processes."""
        import torch.distributed as dist

        found: list[Any] = [None] * self.part.ranks
        dist.all_gather_object(found, (dict(sums), count))
        total: dict[str, float] = {}
        for theirs, _ in found:
            for name, value in theirs.items():
                total[name] = total.get(name, 0.0) + value
        return total, sum(number for _, number in found)

    def first_says(self, word: Any) -> Any:
        """What rank 0 says; plain values."""
        import torch.distributed as dist

        said = [word]
        dist.broadcast_object_list(said, src=0, device=self.device)
        return said[0]

    def close(self) -> None:
        """Part. After a failure nobody may be left to part with: the process just ends."""
        import torch.distributed as dist

        self._wrapped = None
        if dist.is_initialized():
            dist.destroy_process_group()


def torchrun_group(names: list[str]) -> Group:
    """This process's place among those that torchrun started. names: the devices asked for; one
    name means "of this kind", several are taken in turn.
    """
    import torch

    local = int(os.environ.get("LOCAL_RANK", "0"))
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if len(names) > 1:
        name = names[local % len(names)]
    elif names[0].startswith("cuda"):
        name = f"cuda:{local}"
    else:
        name = names[0]
    return Group(torch.device(name), rank, count, None)
