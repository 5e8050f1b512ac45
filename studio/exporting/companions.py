"""The files beside an exported model: a README, and a script that runs it without the studio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio import RESOURCES
from studio.core.artifact import ENGINES, MODEL_JSON, ModelArtifact
from studio.core.device_report import NextStep
from studio.exporting.bundle import bundled
from studio.exporting.checks import HEADS, POSE
from studio.exporting.making import BESIDE
from studio.exporting.readme import readme
from studio.io.files import atomic_write_text
from studio.runtime.raw_heads import RAW_HEADS

README = "README.md"
SCRIPT = "run_model.py"
_PARTS = RESOURCES / "run_model"
# What one installs to run a file, by its engine.
PACKAGES = {
    "openvino": "openvino",
    "onnxruntime": "onnxruntime",
    "torchscript": "torch",
    "ncnn": "ncnn",
    "mnn": "MNN",
    "litert": "ai-edge-litert",
}


def write_companions(
    made: ModelArtifact, notes: str, steps: Sequence[NextStep], out: Path
) -> tuple[Path, ...]:
    """Write README.md and, where a package for Python runs the model, run_model.py into `out`,
    the folder of `made`; gives what was written.

    notes, steps: what the target says of it (`Target.notes`, `Target.next_steps`). Raises
    FileProblem.
    """
    text = script(made)
    needs = requirements(made)
    files = {README: readme(made, notes, steps, needs, _files(made, out))}
    if text is not None:
        files[SCRIPT] = text
    for name, content in files.items():
        atomic_write_text(out / name, content)
    return tuple(out / name for name in files)


def engine_of(made: ModelArtifact) -> str:
    """Which engine opens the model; "" where only its device does."""
    return ENGINES.get(made.weights.suffix.lower(), "")


def requirements(made: ModelArtifact) -> str | None:
    """What `pip install` needs to run the model without the studio; None where nothing does."""
    engine = PACKAGES.get(engine_of(made))
    return engine and f"numpy opencv-python {engine}"


def script(made: ModelArtifact) -> str | None:
    """run_model.py for this artefact: with the parts that it needs and no others. None where no
    package for Python runs such a file.
    """
    if engine_of(made) not in PACKAGES:
        return None
    part, looker = _looking(made)
    parts = ("base", f"engine_{made.engine}", part, "main")
    imports, definitions = bundled([_PARTS / f"{name}.py" for name in parts])
    return f'''"""Runs the model that stands beside this file, without Pose Studio.

    pip install {requirements(made)}
    python {SCRIPT} --source picture.jpg

Drawn pictures or a film, and predictions.json, come into the folder `out`.
"""

from __future__ import annotations

{imports}

{definitions}

if __name__ == "__main__":
    raise SystemExit(main(Network, {looker}))
'''


def _files(made: ModelArtifact, out: Path) -> list[str]:
    """The files in `out` that make up the model itself."""
    stem = made.weights.name.partition(".")[0]
    others = {MODEL_JSON, *made.extra.get(BESIDE, ())}
    return sorted(p.name for p in out.glob(f"{stem}.*") if p.name not in others)


def _looking(made: ModelArtifact) -> tuple[str, str]:
    """The part that knows what such a model is shown and what it says, and its class."""
    if made.task == POSE:
        return ("raw", "RawLooker") if made.output == RAW_HEADS else ("people", "Looker")
    if made.task == HEADS:
        return "heads", "Looker"
    return ("frames" if made.extra.get("frame") else "crops"), "Looker"
