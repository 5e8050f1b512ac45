"""How the learning rate runs over a training, as a plain function of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from studio.ml.course import CourseOptions

# What a cosine ends at, as a share of the rate; nothing would be learnt at 0.
FLOOR = 0.01
# One cycle, after Smith & Topin (arXiv 1708.07120) as PyTorch has it: from 1/25 up over 30 % of
# the steps, then down to 1/10,000 of where it began.
_BEGIN, _RISE, _END = 1 / 25, 0.3, 1e-4


@dataclass(frozen=True)
class Schedule:
    """The rate's factor at every step. `steps`: optimiser steps of one epoch."""

    options: CourseOptions
    steps: int

    def factor(self, step: int) -> float:
        """What the base rate is multiplied by in `step` (from 0)."""
        warm = self.options.warmup_epochs * self.steps
        # The last step reaches the end of the curve.
        last = max(self.options.epochs * self.steps - warm - 1, 1)
        if step < warm:
            return (step + 1) / warm * self._course(0, last, 0)
        return self._course(min(step - warm, last), last, step // self.steps)

    def _course(self, step: int, last: int, epochs_done: int) -> float:
        match self.options.schedule:
            case "cosine":
                return FLOOR + (1 - FLOOR) * _fall(step / last)
            case "steps":
                passed = sum(epochs_done >= m for m in self.options.milestones)
                return self.options.gamma**passed
            case "onecycle":
                peak = max(_RISE * (last + 1) - 1, 0.0)
                if step < peak:
                    return _BEGIN + (1 - _BEGIN) * (1 - _fall(step / peak))
                low = _BEGIN * _END
                return low + (1 - low) * _fall((step - peak) / (last - peak))
            case _:
                return 1.0


def _fall(share: float) -> float:
    """From 1 at 0 to 0 at 1 along half a cosine."""
    return (1 + math.cos(math.pi * share)) / 2
