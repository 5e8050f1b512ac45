"""One step of a training: forward, backward, and an update that leaves bad batches out.

Nothing here waits for a GPU: whether a step was taken stays a number on the device until the
reporter asks for it. The CUDA side (half precision with a gradient scaler, fused optimisers that
skip a step by a flag) follows PyTorch's documented ways; the tests run on the CPU.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studio.core.errors import UsageError
from studio.ml.course import CourseOptions
from studio.ml.task import Batch, Task

if TYPE_CHECKING:
    import torch

SGD_MOMENTUM = 0.9
# The average follows faster at first: its decay is (1 + n) / (10 + n) until that reaches the asked.
_RAMP = 10


def make_optimizer(
    groups: Sequence[Mapping[str, Any]], options: CourseOptions, device: torch.device
) -> torch.optim.Optimizer:
    """The optimiser that `options` name; each group keeps the rate it starts from as "base_lr"."""
    import torch

    listed = [{**g, "base_lr": float(g.get("lr", options.lr))} for g in groups]
    common: dict[str, Any] = {"lr": options.lr, "weight_decay": options.weight_decay}
    # One kernel for all tensors; on the CPU as well.
    common["fused"] = device.type in ("cpu", "cuda")
    match options.optimizer:
        case "adam":
            return torch.optim.Adam(listed, **common)
        case "adamw":
            return torch.optim.AdamW(listed, **common)
        case "sgd":
            made = torch.optim.SGD(listed, momentum=SGD_MOMENTUM, **common)
            # torch makes them at the first step, and where that one is left out, leaves in them
            # what stood in memory. From zeros the first step is the same.
            for group in made.param_groups:
                for weight in group["params"]:
                    made.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
            return made
        case name:
            raise UsageError(f"There is no optimiser called {name!r}.", where="optimizer")


class Average:
    """A running mean of the weights (EMA); its buffers are the network's own."""

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        self.updates = 0
        self._pairs = list(zip(self.model.parameters(), model.parameters(), strict=True))
        self._buffers = list(zip(self.model.buffers(), model.buffers(), strict=True))

    def update(self) -> None:
        """Move towards the network's weights."""
        import torch

        self.updates += 1
        decay = min(self._decay, (1 + self.updates) / (_RAMP + self.updates))
        with torch.no_grad():
            ours: list[torch.Tensor] = [mine for mine, _ in self._pairs]
            theirs: list[torch.Tensor] = [their.detach() for _, their in self._pairs]
            torch._foreach_lerp_(ours, theirs, 1 - decay)

    def take_buffers(self) -> None:
        """Make the running statistics the network's; before it is judged or kept."""
        for mine, their in self._buffers:
            mine.copy_(their)

    def to_mapping(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"state": self.model.state_dict(), "updates": self.updates}

    def load(self, kept: Mapping[str, Any]) -> None:
        """The inverse of `to_mapping`."""
        self.model.load_state_dict(kept["state"])
        self.updates = int(kept["updates"])


class Stepper:
    """Computes losses and moves the weights of `model`.

    network: what `Task.loss` calls: the model, or its wrapper for several processes.
    """

    def __init__(
        self, task: Task, model: torch.nn.Module, options: CourseOptions, device: torch.device
    ) -> None:
        import torch

        self._task = task
        self.model = self.network = model
        self._options = options
        self._device = device
        self.optimizer = make_optimizer(task.parameter_groups(model), options, device)
        self._half = half_precision(options, device)
        scaled = self._half is torch.float16
        self.scaler = torch.amp.GradScaler(device.type, enabled=scaled)
        self.average = Average(model, options.ema) if options.ema > 0 else None

    @property
    def judged(self) -> torch.nn.Module:
        """The network that is judged and kept: the averaged one where there is one."""
        return self.model if self.average is None else self.average.model

    @property
    def scaled(self) -> bool:
        """Whether gradients may overflow now and then by design (half precision)."""
        return self.scaler.is_enabled()

    def set_rate(self, factor: float) -> float:
        """Set every group's rate; the last group's is returned."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        return float(self.optimizer.param_groups[-1]["lr"])

    def backward(
        self, batch: Batch, epoch: int, share: float, *, last: bool
    ) -> Mapping[str, torch.Tensor]:
        """Gather the gradients of one batch that counts for `share` of its step; `last`: of the
        batches of a step (several processes exchange gradients then). Returns the losses.
        """
        import torch

        quiet: Any = getattr(self.network, "no_sync", None)
        with contextlib.nullcontext() if last or quiet is None else quiet():
            with torch.autocast(self._device.type, self._half, enabled=self._half is not None):
                values = self._task.loss(self.network, batch, epoch)
            loss = values["loss"] if share == 1 else values["loss"] * share
            self.scaler.scale(loss).backward()
        return values

    def update(self) -> torch.Tensor:
        """Move the weights by what was gathered. Returns a 0-dim bool tensor on the device: whether
        the gradients were numbers; where they were not, the weights stay.
        """
        import torch

        self.scaler.unscale_(self.optimizer)
        tensors = [p for g in self.optimizer.param_groups for p in g["params"]]
        tensors = [p for p in tensors if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in tensors])
        sound = torch.isfinite(norm)
        if self._options.clip > 0:
            torch.nn.utils.clip_grads_with_norm_(tensors, self._options.clip, norm)
        if self.scaled:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            take_step(self.optimizer, sound)
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update()
        return sound

    def to_mapping(self) -> dict[str, Any]:
        """The state of a run that goes on, for `last.pt`."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "ema": self.average.to_mapping() if self.average is not None else None,
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """The inverse of `to_mapping`, but for the model's own weights."""
        self.optimizer.load_state_dict(kept["optimizer"])
        if kept["scaler"] and self.scaled:
            self.scaler.load_state_dict(kept["scaler"])
        if self.average is not None and kept["ema"] is not None:
            self.average.load(kept["ema"])


def take_step(optimizer: torch.optim.Optimizer, sound: torch.Tensor) -> None:
    """`optimizer.step()` where `sound`. On a GPU the optimiser itself looks at the flag, so that
    the processor need not wait for it.
    """
    flagged: Any = optimizer
    if sound.device.type == "cuda" and getattr(optimizer, "_step_supports_amp_scaling", False):
        flagged.grad_scale, flagged.found_inf = None, (~sound).float()
        try:
            optimizer.step()
        finally:
            del flagged.grad_scale, flagged.found_inf
    elif bool(sound):
        optimizer.step()


def half_precision(options: CourseOptions, device: torch.device) -> torch.dtype | None:
    """The number type of mixed precision: float16 on a GPU; bfloat16 on a CPU, but only where a
    person asked for it and not the family's default; else None.
    """
    import torch

    if not options.amp:
        return None
    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu" and not type(options).amp:
        return torch.bfloat16
    return None
