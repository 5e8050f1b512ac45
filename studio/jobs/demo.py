"""The whole way with no window: draw a sample, convert, train, judge, export, find people in a clip.

Each step is one of the studio's own jobs, asked as anybody would ask it; what they say is passed
on. It ends with a report, or with an error where no people were found.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import studio
from studio.core.errors import FileProblem, ModelError, StudioError
from studio.core.job import PROGRESS, JobContext, JobEvent, JobSpec
from studio.core.requests.demo import DemoOptions
from studio.io.files import read_json, remove_leftovers, write_json
from studio.jobs.demo_page import DemoResult, Step, write_report
from studio.registry.jobs import job_entry, options_for
from studio.runtime.artifacts import load_artifact

WEIGHTS = studio.RESOURCES / "sample" / "weights" / "sample-pose.pt"
# Written first: it says that the folder is ours to replace.
MARK = "demo.json"
REPORT = "report.html"
_OURS = ("project", "steps", "evaluation", "predictions", REPORT, MARK)
_HOSTS = frozenset({"spec.json", "events.jsonl", "job.log"})
_CLIP_FRAMES = 100
# In fewer frames than this share with anybody in them, the model has not learnt what people are.
_SHARE_WITH_PEOPLE = 0.5


def place(options: DemoOptions, _project: Path | None) -> Path:
    """The job's own files stand in the demonstration's folder.

    Raises FileProblem where somebody else's files stand there.
    """
    folder = options.out.expanduser().absolute()
    _check_folder(folder)
    return folder


def run(options: DemoOptions, context: JobContext) -> dict[str, Any]:
    """See `DemoOptions`. Raises StudioError where any step fails or no people are found."""
    folder = options.out.expanduser().absolute()
    _prepare(folder)
    if not WEIGHTS.is_file():
        raise ModelError(
            "The sample weights are not here.",
            where=WEIGHTS,
            hint="Make them with installer/train_sample_weights.py, or install the studio again.",
        )
    way = _Way(options, context, folder)
    result = way.walk()
    report = write_report(folder / REPORT, result)
    context.artifact("page", report)
    return {
        "report": str(report),
        "people": result.people,
        "frames": result.frames,
        "frames_with_people": result.frames_with_people,
        "metrics": dict(result.metrics),
        "seconds": round(sum(step.seconds for step in result.steps), 1),
    }


def _check_folder(folder: Path) -> None:
    if not folder.exists() or (folder / MARK).is_file():
        return
    if not folder.is_dir() or any(p.name not in _HOSTS for p in folder.iterdir()):
        raise FileProblem(
            "Something else stands in this folder; the demonstration would replace it.",
            where=folder,
            hint="Give --out a new folder.",
        )


def _prepare(folder: Path) -> None:
    """An empty folder with our mark; what an earlier demonstration made is removed."""
    _check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    for name in _OURS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    write_json(folder / MARK, {"v": 1, "made_by": f"pose-studio {studio.__version__}"})


@dataclass
class _Way:
    """The steps, one after the other."""

    options: DemoOptions
    context: JobContext
    folder: Path
    steps: list[Step] = field(default_factory=list)

    def walk(self) -> DemoResult:
        """All of them; what the report needs to know."""
        project = self.folder / "project"
        sample = self._sample(project)
        data = self._step(
            "convert",
            "Annotations into a training set",
            input=[str(project / "pictures" / "drawn")],
            output=str(project / "datasets" / "people"),
            to=["coco", "yolo"],
            ratio=0.75,
            seed=self.options.seed,
        )
        trained = self._train(project, Path(data["dataset"]))
        judged = self._step(
            "evaluate",
            "The trained model held against labels it has not seen",
            model=trained["model"],
            data=data["dataset"],
            out=str(self.folder / "evaluation" / "report.json"),
        )
        exported = self._step(
            "export",
            "The weights made into an OpenVINO model, run beside each other",
            target="openvino",
            weights=trained["model"],
            out=str(project / "exports" / "demo-openvino"),
        )
        found = self._step(
            "predict",
            "People looked for in a clip",
            model=exported["model"],
            source=sample["clips"][0],
            save_dir=str(self.folder / "predictions"),
            save_json=True,
        )
        return self._result(sample, data, trained, judged, exported, found)

    def _sample(self, project: Path) -> Mapping[str, Any]:
        return self._step(
            "sample",
            "Drawn people with exact labels, and a clip",
            out=str(project),
            pictures=self.options.pictures,
            clips=1,
            frames=_CLIP_FRAMES,
            size=384,
            seed=self.options.seed,
        )

    def _train(self, project: Path, data: Path) -> Mapping[str, Any]:
        """Go on from the sample weights, gently: a few epochs must not undo what they know."""
        return self._step(
            "train",
            "The sample weights trained on",
            family=load_artifact(WEIGHTS.parent).family,
            name="demo",
            output=str(project / "runs"),
            exist_ok=True,
            data=str(data),
            pretrained=str(WEIGHTS),
            epochs=self.options.epochs,
            imgsz=self.options.imgsz,
            batch=16,
            nbs=16,
            optimizer="AdamW",
            lr0=0.0002,
            warmup_epochs=0,
            mosaic=0,
            seed=self.options.seed,
        )

    def _step(self, job: str, title: str, **values: Any) -> Mapping[str, Any]:
        """Run one job; its progress becomes ours under its own name."""
        self.context.check()
        self.context.log(f"{job}: {title}")
        folder = self.folder / "steps" / job
        if job == "train":
            folder = Path(values["output"]) / values["family"] / values["name"]
            folder.mkdir(parents=True)

        def emit(event: JobEvent) -> None:
            if event.event == PROGRESS:
                told = {**event.data, "stage": f"{job}: {event.data['stage']}"}
                event = replace(event, data=told)
            self.context.emit(event)

        started = time.monotonic()
        request = options_for(JobSpec(job, values))
        result = job_entry(job).load()(request, replace(self.context, emit=emit, run_dir=folder))
        self.context.check()
        self.steps.append(Step(job, title, time.monotonic() - started))
        return result

    def _result(
        self,
        sample: Mapping[str, Any],
        data: Mapping[str, Any],
        trained: Mapping[str, Any],
        judged: Mapping[str, Any],
        exported: Mapping[str, Any],
        found: Mapping[str, Any],
    ) -> DemoResult:
        predictions = read_json(self.folder / "predictions" / "predictions.json")
        frames = int(found["frames"])
        with_people = len({row["frame"] for row in predictions})
        if not predictions or with_people < _SHARE_WITH_PEOPLE * frames:
            raise StudioError(
                f"People were found in {with_people} of {frames} frames; they are in all of them.",
                where=sample["clips"][0],
                hint="The model or the way it is run is broken; see the steps' logs.",
            )
        certificate = read_json(Path(exported["certificate"])) if exported["certificate"] else {}
        return DemoResult(
            steps=tuple(self.steps),
            pictures=self.folder / "project" / "pictures" / "drawn",
            video=self.folder / "predictions" / "result.mp4",
            worst=self.folder / "evaluation" / "report_files",
            people=len(predictions),
            frames=frames,
            frames_with_people=with_people,
            rate=float(found["fps"]),
            engine=f"{found['engine']} on {found['device']}, {found['precision']}",
            counts=dict(data["counts"]),
            epochs=int(trained["epochs"] or 0),
            metrics=dict(judged["metrics"]),
            shift=certificate.get("parity", {}).get("shift_px", {}),
        )
