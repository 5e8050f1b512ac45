"""The options of every training on the studio's own loop, declared once.

A family's options derive from `CourseOptions`; a field declared again there (with the function of
its name here and another default) keeps its place in the form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.core.options import N_, Choice, Options, Rule, option
from studio.ml.devices import AUTO, sharing_choices

COURSE, MACHINE, KEEPING = N_("Course of training"), N_("Machine"), N_("Keeping")
# What a person thinks of first comes first, wherever a family declares it.
GROUPS = (
    N_("Data"), N_("Model"), COURSE, N_("Losses"), N_("Augmentation"), MACHINE, KEEPING,
)  # fmt: skip

SCHEDULES = (
    Choice("constant", N_("Constant")),
    Choice("cosine", N_("Cosine")),
    Choice("steps", N_("Steps")),
    Choice("onecycle", N_("One cycle")),
)
OPTIMIZERS = (Choice("adam", "Adam"), Choice("adamw", "AdamW"), Choice("sgd", "SGD"))


def epochs_option(default: int, *aliases: str) -> Any:
    """int: how often every example is seen."""
    return option(
        default,
        title=N_("Epochs"),
        help=N_("How often every picture is seen."),
        minimum=1,
        maximum=100_000,
        group=COURSE,
        aliases=aliases,
    )


def batch_option(default: int, *aliases: str) -> Any:
    """int: examples of one step on one device."""
    return option(
        default,
        title=N_("Batch"),
        help=N_("Pictures per step and device."),
        minimum=1,
        maximum=65_536,
        group=COURSE,
        aliases=("--batch-size", *aliases),
    )


def lr_option(default: float, *aliases: str) -> Any:
    """float: the learning rate that the schedule starts from or rises to."""
    return option(
        default,
        title=N_("Learning rate"),
        help=N_("The schedule starts from it."),
        minimum=1e-9,
        maximum=10,
        group=COURSE,
        aliases=("--lr0", *aliases),
    )


def schedule_option(default: str) -> Any:
    """str: how the learning rate runs."""
    return option(
        default,
        title=N_("Schedule"),
        help=N_("How the learning rate falls; steps multiplies it at each milestone."),
        choices=SCHEDULES,
        group=COURSE,
    )


def milestones_option(default: tuple[int, ...]) -> Any:
    """tuple[int, ...]: epochs after which the rate steps down."""
    return option(
        default,
        title=N_("Milestones"),
        help=N_("Epochs after which the rate is multiplied by the step factor."),
        group=COURSE,
        advanced=True,
    )


def gamma_option(default: float) -> Any:
    """float: the factor at each milestone."""
    return option(
        default,
        title=N_("Step factor"),
        minimum=1e-6,
        maximum=1,
        group=COURSE,
        advanced=True,
    )


def optimizer_option(default: str) -> Any:
    """str: adam, adamw or sgd."""
    return option(default, title=N_("Optimiser"), choices=OPTIMIZERS, group=COURSE, advanced=True)


def weight_decay_option(default: float) -> Any:
    """float: the optimiser's weight decay."""
    return option(
        default,
        title=N_("Weight decay"),
        minimum=0,
        maximum=1,
        group=COURSE,
        advanced=True,
    )


def device_option() -> Any:
    """str: "auto", "cpu", "mps", or GPU numbers ("0", "0,1")."""
    return option(
        AUTO,
        title=N_("Device"),
        help=N_(
            "cpu, a GPU's number, or several (0,1) that share each step; auto takes the first GPU "
            "where there is one."
        ),
        offers=sharing_choices,
        group=MACHINE,
        aliases=("--gpu",),
    )


def save_interval_option(default: int) -> Any:
    """int: also keep the checkpoint of every N-th epoch; 0 keeps none."""
    return option(
        default,
        title=N_("Keep every"),
        help=N_("Also keep the weights of every N-th epoch; 0 keeps the last and the best alone."),
        unit=N_("epochs"),
        minimum=0,
        group=KEEPING,
        advanced=True,
        aliases=("--save-period",),
    )


@dataclass(frozen=True)
class CourseOptions(Options):
    """What the loop can be told, whichever family trains on it."""

    groups = GROUPS
    rules = (
        Rule(
            "warmup_epochs",
            "--warmup-epochs cannot be more than --epochs.",
            lambda o: o.warmup_epochs <= o.epochs,
        ),
    )

    epochs: int = epochs_option(100)
    batch: int = batch_option(32)
    lr: float = lr_option(1e-3)
    schedule: str = schedule_option("cosine")
    device: str = device_option()
    patience: int = option(
        0,
        title=N_("Patience"),
        help=N_("Stop after so many epochs without a better result; 0 never stops early."),
        unit=N_("epochs"),
        minimum=0,
        group=COURSE,
    )
    seed: int = option(
        0,
        title=N_("Seed"),
        help=N_("The same seed gives the same run on the same machine."),
        minimum=0,
        maximum=2**31 - 1,
        group=COURSE,
    )
    milestones: tuple[int, ...] = milestones_option(())
    gamma: float = gamma_option(0.1)
    warmup_epochs: int = option(
        0,
        title=N_("Warm-up"),
        help=N_("The rate rises from near nothing over so many epochs."),
        unit=N_("epochs"),
        minimum=0,
        group=COURSE,
        advanced=True,
    )
    optimizer: str = optimizer_option("adam")
    weight_decay: float = weight_decay_option(0.0)
    accumulate: int = option(
        1,
        title=N_("Gather gradients"),
        help=N_("So many batches make one step: a large batch on a small machine."),
        unit=N_("batches"),
        minimum=1,
        maximum=4096,
        group=COURSE,
        advanced=True,
    )
    ema: float = option(
        0.0,
        title=N_("Averaged weights"),
        help=N_("Judge and keep a running mean of the weights with this decay; 0 for none."),
        minimum=0,
        maximum=0.99999,
        group=COURSE,
        advanced=True,
    )
    clip: float = option(
        0.0,
        title=N_("Longest gradient"),
        help=N_("Gradients are shortened to this norm; 0 leaves them."),
        minimum=0,
        group=COURSE,
        advanced=True,
    )
    amp: bool = option(
        False,
        title=N_("Mixed precision"),
        help=N_("Half precision where it is safe: faster on a GPU, and half the memory."),
        group=MACHINE,
    )
    workers: int = option(
        0,
        title=N_("Loader processes"),
        help=N_("Processes that prepare pictures; 0 prepares them between the steps."),
        minimum=0,
        maximum=256,
        group=MACHINE,
        advanced=True,
        aliases=("--num-workers",),
    )
    save_interval: int = save_interval_option(0)
    validate_every: int = option(
        1,
        title=N_("Judge every"),
        help=N_("Epochs from one judgement on the validation pictures to the next."),
        unit=N_("epochs"),
        minimum=1,
        group=KEEPING,
        advanced=True,
    )
    log_to: tuple[str, ...] = option(
        (),
        title=N_("Also log to"),
        help=N_("wandb or mlflow, where installed; TensorBoard files are always written."),
        offers=lambda: (Choice("wandb", "Weights & Biases"), Choice("mlflow", "MLflow")),
        group=KEEPING,
        advanced=True,
    )
