"""Two hundred windows killed at random moments of annotating: what is lost, and what is damaged."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from tests.benchmarks import Report
from tests.gui.killing import STEPS, Killer

ROUNDS, SEEDS = 200, 10


def run(report: Report) -> None:
    """Print how many rounds went wrong."""
    dice = random.Random()
    wrong = recovered = cut = 0
    with tempfile.TemporaryDirectory() as folder:
        killer = Killer(Path(folder))
        for number in range(ROUNDS):
            seed, share = 1 + number % SEEDS, dice.random()
            left = killer.kill(seed, share)
            wrong += bool(left.wrong)
            recovered += bool(left.recovered)
            cut += left.steps < STEPS
            for text in left.wrong:
                report.say(f"seed {seed}, {share:.4f} of the session: {text}")
        killer.close()
    note = f"{cut} cut short, {recovered} with unsaved edits that came back"
    report.add(
        f"kill: of {ROUNDS} killed sessions, more than the edit in hand lost or a file damaged",
        wrong, "sessions", at_most=0, note=note,
    )  # fmt: skip
