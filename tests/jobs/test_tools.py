"""Tools are installed for real, from a folder of wheels, and go again; nothing half-made stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import registry
from studio.core.errors import Cancelled, FileProblem, MissingTool, UsageError
from studio.core.job import JobContext
from studio.io.toolchains import (
    FOLDER,
    MISSING,
    OUTDATED,
    READY,
    find_worker,
    run_in,
    worker_names,
)
from studio.jobs.tools import ensure_tools
from studio.registry import find
from tests.jobs.listening import Listener, run
from tests.tooled_plugin import TOOLS, make_plugin


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(make_plugin(tmp_path)))
    monkeypatch.setenv(FOLDER, str(tmp_path / "workers"))
    # No index is asked, whatever a test does wrong.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    registry.reload()
    yield tmp_path / "wheels"
    monkeypatch.undo()
    registry.reload()


def test_tools_are_installed_used_and_removed(wheels: Path, tmp_path: Path) -> None:
    assert TOOLS in worker_names()
    worker = find_worker(TOOLS)
    assert worker.state() == MISSING
    listener = Listener()
    result = run("tools", tmp_path / "job", listener, name=TOOLS, wheels=wheels)
    assert result == {"tools": TOOLS, "state": READY, "folder": str(tmp_path / "workers" / TOOLS)}
    steps = listener.of("progress")
    assert steps[0]["done"] == 0
    assert steps[-1] == {"stage": "install", "done": 3, "total": 3}
    said: list[str] = []
    context = JobContext(lambda e: said.append(str(e.data.get("message", ""))))
    assert run_in(worker, "potter:burn", {"out": "x"}, context) == {"glaze": "blue", "out": "x"}
    assert "the kiln is hot" in said
    assert run("tools", tmp_path / "job", name=TOOLS, remove=True)["state"] == MISSING
    assert list((tmp_path / "workers").iterdir()) == []
    assert run("tools", tmp_path / "job", name=TOOLS, remove=True)["state"] == MISSING


def test_another_list_of_packages_outdates_them(wheels: Path, tmp_path: Path) -> None:
    run("tools", tmp_path / "job", name=TOOLS, wheels=wheels)
    path = tmp_path / "plugins" / "kiln_device" / "workers" / f"{TOOLS}.toml"
    path.write_text(path.read_text("utf-8").replace(', "glazier==1.0"', ""), encoding="utf-8")
    assert find_worker(TOOLS).state() == OUTDATED
    with pytest.raises(MissingTool, match="another version"):
        run_in(find_worker(TOOLS), "potter:burn", {}, JobContext(lambda _: None))
    run("tools", tmp_path / "job", name=TOOLS, wheels=wheels)
    assert find_worker(TOOLS).state() == READY


def test_a_wheel_that_is_not_there_ends_it_and_leaves_nothing(wheels: Path, tmp_path: Path) -> None:
    (wheels / "glazier-1.0-py3-none-any.whl").unlink()
    with pytest.raises(MissingTool, match="glazier") as caught:
        run("tools", tmp_path / "job", name=TOOLS, wheels=wheels)
    assert "a wheel of each package" in caught.value.hint
    assert find_worker(TOOLS).state() == MISSING
    assert list((tmp_path / "workers").iterdir()) == []


def test_a_folder_without_wheels_is_refused(wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileProblem, match="no wheels"):
        run("tools", tmp_path / "job", name=TOOLS, wheels=tmp_path / "empty")
    with pytest.raises(FileProblem, match="no such folder"):
        run("tools", tmp_path / "job", name=TOOLS, wheels=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="--remove"):
        run("tools", tmp_path / "job", name=TOOLS, wheels=wheels, remove=True)
    with pytest.raises(MissingTool, match="nothing"):
        run("tools", tmp_path / "job", name="../nothing")


def test_a_cancel_ends_the_installer(wheels: Path, tmp_path: Path) -> None:
    listener = Listener()
    listener.on("log", 1, listener.cancel)
    with pytest.raises(Cancelled):
        run("tools", tmp_path / "job", listener, name=TOOLS, wheels=wheels)
    assert list((tmp_path / "workers").iterdir()) == []


def test_an_export_installs_only_what_was_agreed_to(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = JobContext(lambda _: None)
    with pytest.raises(MissingTool, match="not installed") as caught:
        ensure_tools(find("target", "kiln"), False, quiet)
    assert f"pose-studio tools {TOOLS}" in caught.value.hint
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    ensure_tools(find("target", "kiln"), True, quiet)
    assert find_worker(TOOLS).state() == READY
    ensure_tools(find("target", "openvino"), False, quiet)


def test_every_bundled_list_is_exact() -> None:
    """What is installed is what was tried: every package with its version."""
    for name in worker_names():
        worker = find_worker(name)
        assert all("==" in requirement for requirement in worker.requires), name
        assert worker.license, name
        assert worker.megabytes > 0, name
