"""What every export is asked, whichever target it goes to; the target's own options come besides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option
from studio.core.requests.shared import cfg_option


@dataclass(frozen=True)
class ExportRequest(Options):
    """Which weights go where."""

    target: str = option(title=N_("Target"), help=N_("The device or format to export to."))
    weights: Path = option(
        title=N_("Weights"),
        help=N_("A training run's folder or a weights file (.pt)."),
        kind="model",
        aliases=("--model", "--input_pth"),
    )
    cfg: Path | None = cfg_option()
    out: Path | None = option(
        None,
        title=N_("Output folder"),
        help=N_("A new folder; exports/<name> where nothing is given."),
        kind="folder",
        aliases=("--output_onnx",),
    )
    data: Path | None = option(
        None,
        title=N_("Test pictures"),
        help=N_(
            "A dataset: its validation side judges the artefact, its training side calibrates where "
            "no other pictures do. Otherwise what the model's own run was judged on, or drawn people."
        ),
        kind="dataset",
    )
    pictures: int = option(
        50,
        title=N_("Test pictures at most"),
        help=N_("How many pictures the certificate is made on; more take longer and prove more."),
        minimum=1,
        maximum=100_000,
        advanced=True,
    )
    certify: bool = option(
        True,
        title=N_("Certificate"),
        help=N_("Run the artefact and write down how far it differs from its weights."),
        advanced=True,
    )
    exist_ok: bool = option(
        False,
        title=N_("Replace an earlier export"),
        help=N_("Otherwise a number is added to the name."),
        advanced=True,
    )
    install_tools: bool = option(
        False,
        title=N_("Install missing tools"),
        help=N_(
            "Install what the target runs in where that is not here, as `pose-studio tools` does."
        ),
        advanced=True,
    )
