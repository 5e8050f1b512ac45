"""Trainings on a real Ray cluster of this machine: they stream, obey, bring their files, and what
is lost is said. One cluster serves all tests of the module; jobs are processes of their own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.jobs.cluster_worker import _sweep
from tests.jobs.toys import FAMILIES, make_data, stored
from tests.training_runs import make_dataset, needs_yolo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
    pytest.mark.skipif(os.name == "nt", reason="Ray on Windows is experimental"),
]
SECONDS = 120


@dataclass(frozen=True)
class Ray:
    """A running cluster: its client address, and the environment that belongs to it."""

    address: str
    environment: dict[str, str]
    raylet: psutil.Process


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ray]:
    # Sockets' paths are short: not below pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="psr-", dir="/tmp"))
    environment = {
        **os.environ,
        "POSE_STUDIO_PLUGINS": str(FAMILIES),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        # The loopback address alone.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        "OMP_NUM_THREADS": "1",
    }
    gcs, client = free_port(), free_port()
    known = set(psutil.pids())
    started = subprocess.run(
        [str(Path(sys.executable).with_name("ray")), "start", "--head", "--num-cpus=2",
         "--include-dashboard=false", "--node-ip-address=127.0.0.1", f"--port={gcs}",
         f"--ray-client-server-port={client}", f"--temp-dir={folder}", "--disable-usage-stats",
         "--object-store-memory=100000000", "--min-worker-port=0", "--max-worker-port=0"],
        env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    try:
        assert started.returncode == 0, started.stderr + started.stdout
        wait_for(client)
        raylet = next(p for p in of_session(folder, known) if "raylet" in p.name())
        yield Ray(f"ray://127.0.0.1:{client}", environment, raylet)
    finally:
        for process in of_session(folder, known):
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def of_session(folder: Path, known: set[int]) -> list[psutil.Process]:
    """Everything that was started for the cluster in `folder`: the servers name it, and the
    workers are theirs.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.pid not in known and str(folder) in " ".join(process.cmdline()):
                found |= {p.pid: p for p in [process, *process.children(recursive=True)]}
        except psutil.Error:
            continue
    return list(found.values())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the cluster's client server does not answer")


def run(
    ray: Ray, job: str, project: Path, listen: Callable[[dict[str, Any], Any], None] | None = None,
    **options: Any,
) -> tuple[int, list[dict[str, Any]]]:  # fmt: skip
    """A job in a process of its own; its exit status and what it said. `listen` gets each event
    and a function that sends a command.
    """
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    spec = project / "asked.json"
    options = {"family": "toy", "on": ray.address, "cluster_cpus": 1, **plain}
    spec.write_text(json.dumps({"v": 1, "job": job, "options": options, "project": str(project)}))
    process = subprocess.Popen(
        [sys.executable, "-m", "studio", "job", str(spec)], env=ray.environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    events: list[dict[str, Any]] = []

    def send(command: str) -> None:
        process.stdin.write(json.dumps({"cmd": command}) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]

    with process:
        for line in process.stdout:
            events.append(json.loads(line))
            if listen is not None:
                listen(events[-1], send)
    return process.returncode, events


def named(events: list[dict[str, Any]], name: str, **wanted: Any) -> list[dict[str, Any]]:
    return [
        e for e in events if e["event"] == name and all(e.get(k) == v for k, v in wanted.items())
    ]


def training_processes() -> list[psutil.Process]:
    """The processes in which a cluster's worker runs a training."""
    found = []
    for process in psutil.process_iter():
        try:
            if "pose-studio-cluster-" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("pose-studio-cluster-*"))


def nothing_is_left(before: set[Path]) -> bool:
    return not training_processes() and not folders() - before


def soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.2)
    return False


@needs_yolo
def test_a_real_training_streams_and_brings_its_files(ray, tmp_path):
    data, before = make_dataset(tmp_path / "data"), folders()
    status, events = run(
        ray, "train", tmp_path, family="yolo-pose", data=data, pretrained="yolo11n-pose.yaml",
        imgsz=32, epochs=2, device="cpu", batch=4, nbs=4, send="always", name="far",
    )  # fmt: skip
    assert status == 0, str([e["message"] for e in named(events, "error")])
    run_dir = tmp_path / "runs" / "yolo-pose" / "far"
    assert events[-1]["result"]["model"] == str(run_dir)
    assert events[-1]["result"]["weights"] == str(run_dir / "weights" / "best.pt")
    assert [e["epoch"] for e in named(events, "metrics", split="val")] == [1, 2]
    assert len(named(events, "metrics", split="train")) == 4
    assert [e["event"] for e in stored(run_dir)] == [e["event"] for e in events]
    # Events came while it trained, not at its end.
    times = [e["t"] for e in named(events, "metrics")]
    assert times == sorted(times)
    for made in named(events, "artifact"):
        assert Path(made["path"]).exists(), made
    for name in ("weights/best.pt", "weights/last.pt"):
        assert (run_dir / name).stat().st_size > 1_000_000
    model = json.loads((run_dir / "model.json").read_text())
    assert model["weights"] == "weights/best.pt"
    assert str(data) in (run_dir / "config.toml").read_text()
    assert not [p for p in run_dir.rglob("*") if "pose-studio-cluster" in text_of(p)]
    # The run goes on here, as one that was trained here.
    from studio.registry import find

    family = find("family", "yolo-pose").load()
    last = run_dir / "weights" / "last.pt"
    assert family.resumed_options(last, run_dir, {"epochs": 3})["data"] == str(data)
    assert soon(lambda: nothing_is_left(before))


def text_of(path: Path) -> str:
    """A run's own text files; the log of the other machine may speak of that machine."""
    kind = path.suffix in (".toml", ".yaml", ".json") and path.name != "spec.json"
    return path.read_text() if kind else ""


def test_cancel_and_stop_reach_it_and_a_run_goes_on_there(ray, tmp_path):
    data, before = make_data(tmp_path / "data"), folders()

    def cancel(event: dict[str, Any], send: Any) -> None:
        if event["event"] == "metrics" and event["epoch"] == 2:
            send("cancel")

    common = {"data": data, "epochs": 50, "seconds": 0.4, "send": "always", "name": "one"}
    status, events = run(ray, "train", tmp_path, cancel, **common)
    assert status == 3
    assert events[-1]["status"] == "cancelled"
    run_dir = tmp_path / "runs" / "toy" / "one"
    reached = int((run_dir / "weights" / "last.pt").read_text().split()[0])
    assert 1 <= reached < 10
    assert soon(lambda: nothing_is_left(before))

    def stop(event: dict[str, Any], send: Any) -> None:
        if event["event"] == "metrics":
            send("stop")

    status, events = run(ray, "train", tmp_path, stop, resume=run_dir, seconds=0.4)
    assert status == 0, str([e["message"] for e in named(events, "error")])
    assert named(events, "metrics", split="val")[0]["epoch"] == reached + 1
    after = int((run_dir / "weights" / "last.pt").read_text().split()[0])
    assert reached < after < 20
    assert events[-1]["result"]["epochs"] == after


def test_what_is_wrong_there_is_said_here(ray, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "other.txt").write_text("x")
    status, events = run(ray, "train", tmp_path, data=tmp_path / "empty", send="always")
    (error,) = named(events, "error")
    assert status == 1
    assert "There are no pictures." in error["message"]
    # In words of this machine.
    assert error["where"] == str(tmp_path / "empty")
    status, events = run(ray, "train", tmp_path, fail="known", epochs=2)
    (error,) = named(events, "error")
    assert (error["type"], error["where"], error["hint"]) == ("DataError", "a.json", "Mend it.")
    status, events = run(ray, "train", tmp_path, cluster_gpus=3)
    assert "No machine of the cluster has 3 GPUs" in named(events, "error")[0]["message"]
    data = make_data(tmp_path / "data")
    with (data / "large.bin").open("wb") as stream:
        stream.truncate(50_000_000)
    status, events = run(ray, "train", tmp_path, data=data, send="always", send_limit=0.01)
    assert "--send-limit" in named(events, "error")[0]["hint"]


def test_a_search_runs_its_trials_there(ray, tmp_path):
    data = make_data(tmp_path / "data")
    status, events = run(
        ray, "search", tmp_path, space="lr=1e-4..1e-1:log", trials=3, epochs=2, parallel=2,
        data=data, send="always", pruner="none",
    )  # fmt: skip
    assert status == 0, str([e["message"] for e in named(events, "error")])
    folder = tmp_path / "searches" / "toy" / "search"
    rows = json.loads((folder / "search.json").read_text())["trials"]
    assert [t["state"] for t in rows] == ["done"] * 3
    assert {t["machine"] for t in rows} == {socket.gethostname()}
    for trial in rows:
        own = stored(folder / trial["folder"])
        assert [e["epoch"] for e in own if e.get("split") == "val"] == [1, 2]
        assert own[-1]["status"] == "ok"
    # One dataset was sent for all of them.
    assert len([e for e in named(events, "log") if "Sending" in e["message"]]) == 1
    best = folder / rows[events[-1]["result"]["best"]]["folder"]
    assert (best / "weights" / "best.pt").stat().st_size == 5_000_000


def test_a_cluster_of_its_own(ray, tmp_path):
    data = make_data(tmp_path / "data")
    status, events = run(ray, "train", tmp_path, on="local-ray", data=data, epochs=2)
    assert status == 0, str([e["message"] for e in named(events, "error")])
    run_dir = tmp_path / "runs" / "toy" / "train"
    # The same machine: nothing had to be sent.
    assert not [e for e in named(events, "log") if "Sending" in e["message"]]
    assert (run_dir / "weights" / "last.pt").read_text() == f"2\n{data}\n"
    assert not list(Path("/tmp").glob("psray-*"))


def test_no_cluster_is_a_clear_end(tmp_path, ray):
    for place, says in (
        (f"ray://127.0.0.1:{free_port()}", "no Ray cluster here"),
        ("somewhere", "A cluster is ray://HOST:PORT"),
    ):
        status, events = run(ray, "train", tmp_path, on=place)
        assert status in (1, 2)
        assert says in named(events, "error")[0]["message"]


def test_a_cluster_that_dies_in_the_middle_is_said_and_leaves_what_came(ray, tmp_path):
    """The last test: the cluster does not outlive it."""
    before = folders()

    def kill(event: dict[str, Any], _send: Any) -> None:
        if event["event"] == "metrics" and event["epoch"] == 2:
            ray.raylet.kill()

    status, events = run(ray, "train", tmp_path, kill, epochs=100, seconds=0.3)
    assert status == 1
    (error,) = named(events, "error")
    assert error["type"] == "DeviceError"
    assert "was lost" in error["message"]
    # The first epoch's weights came at once, the second's with luck.
    last = (tmp_path / "runs" / "toy" / "train" / "weights" / "last.pt").read_text()
    assert last in ("1\nNone\n", "2\nNone\n")
    # Nobody is there to hear it: the training ends by itself. The next worker tidies up.
    assert soon(lambda: not training_processes())
    assert soon(lambda: _sweep() is None and not folders() - before)
