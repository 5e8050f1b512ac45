"""How much memory a training will want, found out by one small forward pass before the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.core.errors import Problem
from studio.ml.course import CourseOptions
from studio.ml.devices import torch_devices
from studio.ml.failures import LONELY, lonely_batch
from studio.ml.loader import BatchMaker, smallest_batch
from studio.ml.task import Task

if TYPE_CHECKING:
    import torch

# Examples of the trial; fewer where the smallest batch of an epoch is smaller.
_TRIED = 2
# What the libraries and the loader take besides, as a factor.
_SLACK = 1.2


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes. fixed: weights, gradients, the optimiser's moments, the average. each: what one
    example of a batch adds (kept for the backward pass).
    """

    fixed: int
    each: int

    def of(self, batch: int) -> int:
        """Bytes of a training with such a batch."""
        return round(_SLACK * (self.fixed + self.each * batch))

    def fitting(self, free: int) -> int:
        """The largest batch for so many free bytes; 0 where none fits."""
        return max(0, int((free / _SLACK - self.fixed) / max(self.each, 1)))


def memory_need(task: Task, options: CourseOptions) -> MemoryNeed:
    """Measured on the CPU in full precision. Raises StudioError where the network or the first
    examples cannot be made, or a batch is too small for the network.
    """
    model = task.build().train()
    task.begin_epoch(1, model)
    weights = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    trained = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    moments = 1 if options.optimizer == "sgd" else 2
    fixed = weights + trained * (1 + moments) + (weights if options.ema else 0)
    ranks = len(torch_devices(options.device))
    count = min(_TRIED, max(1, smallest_batch(len(task.examples), options.batch, ranks)))
    batch, failed = BatchMaker(task.examples, options.seed)[1, list(range(count))]
    if failed or not batch:
        # The run itself will tell what cannot be read.
        return MemoryNeed(fixed, 0)
    try:
        kept = kept_bytes(model, lambda: task.loss(model, batch, 1))
    except ValueError as error:
        if LONELY in str(error):
            raise lonely_batch() from error
        raise
    return MemoryNeed(fixed, kept // count)


def kept_bytes(model: torch.nn.Module, forward: Callable[[], object]) -> int:
    """What a forward pass of `model` keeps for the backward pass, its own weights not counted."""
    import torch

    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # Alive until all are counted, or one's place in memory might be another's.
        alive = forward()
    del alive
    return sum(seen.values())


def memory_problem(task: Task, options: CourseOptions) -> Problem | None:
    """A warning where the training will hardly fit into the memory that is free now."""
    return shortage(memory_need(task, options), options.batch, options.device)


def shortage(need: MemoryNeed, asked: int, device: str) -> Problem | None:
    """A warning where a training with the batch `asked` will hardly fit on `device`, as options
    name it.
    """
    name = torch_devices(device)[0]
    free = _free(name)
    if free is None or need.of(asked) <= free:
        return None
    batch = need.fitting(free)
    where = "the machine" if name == "cpu" else f"GPU {name.removeprefix('cuda:')}"
    return Problem(
        f"This training wants about {need.of(asked) / 1e9:.1f} GB; {where} has "
        f"{free / 1e9:.1f} GB free.",
        where="batch",
        hint=f"--batch {batch} should fit." if batch else "Take a smaller network or picture.",
        severity="warning",
    )


def _free(device: str) -> int | None:
    import psutil
    import torch

    if device == "cpu":
        return int(psutil.virtual_memory().available)
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    return None
