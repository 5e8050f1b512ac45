"""Exports of yolo11n-pose: how far each artefact is from its weights, how large and how fast.

One function for each target; `run` calls them all. Calibrated on one half of the pictures, judged
on the other. Times are seconds of the processor on one thread, both sides in turn: other programs
on the machine make them longer, and both alike.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.dataset import Sample
from studio.core.job import JobContext
from studio.core.skeleton import Skeleton
from studio.io.datasets import load_dataset
from studio.io.model_json import save_artifact
from studio.metrics.evaluation import evaluate
from studio.registry import find
from studio.runtime.artifacts import load_artifact
from studio.runtime.predictor import Predictor
from tests.benchmarks import SHARED, Report

WEIGHTS = SHARED / "weights" / "yolo11n-pose.pt"
PEOPLE = SHARED / "coco_people"
SIDE = 640
ROUNDS = 12


def run(report: Report) -> None:
    """Every target that has a measurement here."""
    if not WEIGHTS.is_file() or not PEOPLE.is_dir():
        report.say(f"skipped: {WEIGHTS} or {PEOPLE} is not there")
        return
    with tempfile.TemporaryDirectory() as text:
        openvino(report, Path(text))
    for target in (onnx, torchscript, ncnn, mnn):
        with tempfile.TemporaryDirectory() as text:
            target(report, Path(text))


def openvino(report: Report, folder: Path) -> None:
    """fp32 and int8: AP, size, speed, and how long the export takes."""
    calibrated, judged = halves(folder)
    weights = ap_of(WEIGHTS, judged)
    plain, _ = exported("openvino", folder / "openvino")
    whole, seconds = exported(
        "openvino", folder / "openvino-int8", int8=True, calibration=str(calibrated),
        calibration_split="all",
    )  # fmt: skip
    report.add("export openvino int8", seconds, "s", at_most=60, note="processor time")
    before, after = ap_of(plain, judged), ap_of(whole, judged)
    report.add("openvino fp32: AP lost", weights - before, "", at_most=0.002, peer=f"{weights:.4f}")
    report.add("openvino int8: AP lost", before - after, "", at_most=0.01, peer=f"{before:.4f}")
    share = [size(whole, s) / size(plain, s) * 100 for s in (".bin", ".xml")]
    report.add("openvino int8: weights (.bin) of fp32's", share[0], "%", at_most=30)
    both = sum(size(whole, s) for s in (".bin", ".xml"))
    all_of = sum(size(plain, s) for s in (".bin", ".xml"))
    report.add("openvino int8: both files of fp32's", both / all_of * 100, "%")
    for hint in ("f32", "bf16"):
        report.add(
            f"openvino int8 against fp32 in {hint}",
            faster(*(compiled(p, hint) for p in (plain, whole))),
            "x",
            at_least=1.2,
        )


def onnx(report: Report, folder: Path) -> None:
    """fp32 on all pictures; int8 calibrated on one half and judged on the other."""
    _float(report, folder, "onnx")
    calibrated, judged = halves(folder)
    plain = folder / "onnx"
    whole, _ = exported(
        "onnx", folder / "int8", int8=True, calibration=str(calibrated), calibration_split="all"
    )
    before, after = ap_of(plain, judged), ap_of(whole, judged)
    report.add("onnx int8: AP lost", before - after, "", at_most=0.01, peer=f"{before:.4f}")
    share = size(whole, ".onnx") / size(plain, ".onnx") * 100
    report.add("onnx int8: of fp32's size", share, "%")
    report.add("onnx int8 against fp32", faster(session(plain), session(whole)), "x")


def torchscript(report: Report, folder: Path) -> None:
    """AP on all pictures."""
    _float(report, folder, "torchscript")


def ncnn(report: Report, folder: Path) -> None:
    """AP on all pictures, each laid into the one size."""
    _float(report, folder, "ncnn")


def mnn(report: Report, folder: Path) -> None:
    """AP on all pictures."""
    _float(report, folder, "mnn")


def _float(report: Report, folder: Path, target: str) -> None:
    """AP beside that of the weights, which get their pictures laid as the artefact gets them."""
    made, _ = exported(target, folder / target)
    artifact = load_artifact(WEIGHTS)
    spec = dataclasses.replace(artifact.input, dynamic=load_artifact(made).input.dynamic)
    weights = ap_of(dataclasses.replace(artifact, input=spec), PEOPLE)
    lost = weights - ap_of(made, PEOPLE)
    report.add(f"{target} fp32: AP off", abs(lost), "", at_most=0.002, peer=f"{weights:.4f}")


def session(folder: Path) -> Callable[[], object]:
    """One inference of an ONNX artefact on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    network = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    picture = np.random.default_rng(0).random((1, 3, SIDE, SIDE), np.float32)
    return lambda: network.run(None, {"images": picture})


def halves(folder: Path) -> tuple[Path, Path]:
    """Two COCO folders with every other picture each, in the order of their names."""
    source = json.loads((PEOPLE / "annotations" / "person_keypoints.json").read_text("utf-8"))
    pictures = sorted(source["images"], key=lambda row: row["file_name"])
    found: list[Path] = []
    for name, part in (("calibrated", pictures[::2]), ("judged", pictures[1::2])):
        place = folder / name
        (place / "annotations").mkdir(parents=True)
        (place / "images").mkdir()
        known = {row["id"] for row in part}
        rows = [row for row in source["annotations"] if row["image_id"] in known]
        data = {**source, "images": part, "annotations": rows}
        (place / "annotations" / "person_keypoints.json").write_text(json.dumps(data), "utf-8")
        for row in part:
            (place / "images" / row["file_name"]).write_bytes(
                (PEOPLE / "images" / row["file_name"]).read_bytes()
            )
        found.append(place)
    return found[0], found[1]


def exported(target: str, out: Path, **options: Any) -> tuple[Path, float]:
    """The folder of the artefact, and the processor seconds that it took."""
    contribution = find("target", target)
    asked = contribution.options_class().from_mapping({"imgsz": [SIDE], **options}).validated()
    out.mkdir()
    begin = time.process_time()
    made = contribution.load().export(
        load_artifact(WEIGHTS), asked, out, JobContext(lambda _: None)
    )
    seconds = time.process_time() - begin
    save_artifact(made)
    return out, seconds


def ap_of(model: Path | ModelArtifact, data: Path, precision: str = "f32") -> float:
    """COCO's OKS AP."""
    dataset = load_dataset(data)
    samples: Sequence[Sample] = dataset.split("all")
    skeleton: Skeleton = dataset.skeleton
    with Predictor(model, conf=0.001, imgsz=SIDE, precision=precision) as predictor:
        judged = evaluate(samples, skeleton, lambda frame, _: predictor.predict(frame))
    return judged.metrics["AP"]


def size(folder: Path, suffix: str) -> int:
    """Bytes of the model's file with this suffix."""
    return (folder / f"model{suffix}").stat().st_size


def compiled(folder: Path, hint: str) -> Callable[[], object]:
    """One inference of an OpenVINO artefact on one thread, its size fixed."""
    from studio.runtime.engines.openvino import import_openvino

    core = import_openvino().Core()
    model = core.read_model(str(folder / "model.xml"))
    model.reshape([1, 3, SIDE, SIDE])
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": hint}
    network = core.compile_model(model, "CPU", settings)
    picture = np.random.default_rng(0).random((1, 3, SIDE, SIDE), np.float32)
    return lambda: network(picture)


def faster(one: Callable[[], object], other: Callable[[], object]) -> float:
    """How many times less processor time `other` takes, medians of calls in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    one()
    other()
    for _ in range(ROUNDS):
        for action, found in ((one, times[0]), (other, times[1])):
            begin = time.process_time()
            action()
            found.append(time.process_time() - begin)
    return statistics.median(times[0]) / statistics.median(times[1])
