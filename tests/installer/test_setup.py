"""The set-up as a person meets it: real processes, real pip, packages from a folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.installer.conftest import PYTEST, Checkout, make_wheel

posix = pytest.mark.skipif(os.name == "nt", reason="signals and lib/ paths of POSIX")


def stamp(checkout: Checkout) -> dict[str, object]:
    return json.loads((checkout.venv / "pose-studio-setup.json").read_text(encoding="utf-8"))


def site_packages(checkout: Checkout) -> Path:
    return next(checkout.venv.glob("[lL]ib/**/site-packages"))


def test_run_without_screen_says_so_and_runs_the_demo(checkout: Checkout) -> None:
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "studio demo" in done.stdout
    if sys.platform == "linux":
        assert "no screen" in done.stdout
    assert stamp(checkout)["state"] == "ready"
    assert stamp(checkout)["extras"] == ["all"]


def test_second_run_installs_nothing_and_opens_the_sample(used: Checkout) -> None:
    before = (used.venv / "pose-studio-setup.log").read_bytes()
    done = used.start("run", DISPLAY=":99")
    assert done.stdout.split("|")[0].strip() == "studio --sample"
    assert (used.venv / "pose-studio-setup.log").read_bytes() == before


def test_run_hands_the_rest_to_the_studio(used: Checkout) -> None:
    done = used.start("run", "--", "convert", "--help")
    assert "studio convert --help" in done.stdout
    done = used.start("run", "--", "my pictures", DISPLAY=":99")
    assert "studio my pictures" in done.stdout


def test_suite_runs_off_screen_with_its_own_extra(checkout: Checkout) -> None:
    make_wheel(checkout.wheels, "easel", {"pytest.py": PYTEST})
    done = checkout.start("test", "--wheels", str(checkout.wheels), "-k", "some words")
    workers = f"-n {min(os.cpu_count() or 1, 4)} --dist loadfile --max-worker-restart 0"
    assert f"suite {workers} -k some words" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 5
    assert stamp(checkout)["extras"] == ["all", "test"]
    again = checkout.start("run")
    assert "[1/3]" not in again.stdout


def test_change_of_the_project_file_installs_again(used: Checkout) -> None:
    project = used.root / "pyproject.toml"
    project.write_text(project.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    done = used.start("run", "--wheels", str(used.wheels))
    assert "Going on with the virtual environment" in done.stdout
    assert "[1/3]" not in used.start("run").stdout


def test_missing_package_ends_with_pips_words_and_is_made_good(checkout: Checkout) -> None:
    brush = next(checkout.wheels.glob("brush*"))
    aside = brush.rename(checkout.root / brush.name)
    make_wheel(checkout.wheels, "other", {"other.py": ""})
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 1
    assert "No matching distribution found for brush" in done.stderr
    assert "bootstrap.py wheels DIR --platform" in done.stderr
    assert "Traceback" not in done.stderr
    assert stamp(checkout)["state"] == "installing"
    aside.rename(brush)
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Going on" in done.stdout


def test_what_a_killed_pip_left_is_cleaned(checkout: Checkout) -> None:
    checkout.start("run", "--wheels", str(checkout.wheels))
    site = site_packages(checkout)
    (site / "~rush").mkdir()
    (site / "brush.py").unlink()
    (site / "brush-1.0.dist-info" / "RECORD").unlink()
    state = stamp(checkout) | {"state": "installing"}
    (checkout.venv / "pose-studio-setup.json").write_text(json.dumps(state), encoding="utf-8")
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "studio demo" in done.stdout
    assert not (site / "~rush").exists()


def test_half_made_environment_is_made_anew(checkout: Checkout) -> None:
    checkout.venv.mkdir()
    (checkout.venv / "pose-studio-setup.json").write_text('{"v": 1, "state": "making"', "utf-8")
    (checkout.venv / "left over").mkdir()
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (checkout.venv / "left over").exists()


def test_moved_checkout_is_set_up_anew(checkout: Checkout) -> None:
    checkout.start("run", "--wheels", str(checkout.wheels))
    moved = Checkout(checkout.root.rename(checkout.root.with_name("elsewhere")), checkout.wheels)
    done = moved.start("run", "--wheels", str(moved.wheels))
    assert "making it anew" in done.stdout
    assert "studio demo" in done.stdout


def test_folder_of_somebody_elses_is_not_touched(checkout: Checkout) -> None:
    photos = checkout.root / "photos"
    photos.mkdir()
    (photos / "holiday.jpg").write_bytes(b"x")
    done = checkout.start("run", "--venv", str(photos), "--wheels", str(checkout.wheels))
    assert done.returncode == 1
    assert "nothing was touched" in done.stderr
    assert [p.name for p in photos.iterdir()] == ["holiday.jpg"]


def test_empty_wheels_folder_is_named(checkout: Checkout) -> None:
    shutil.rmtree(checkout.wheels)
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 1
    assert "There are no packages (*.whl)" in done.stderr
    assert not checkout.venv.exists()


def test_two_at_once_wait_for_each_other(checkout: Checkout) -> None:
    both = [
        subprocess.Popen(
            checkout.command("run", "--wheels", str(checkout.wheels)),
            env=checkout.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("[2/3]" in text for text in said) == 1
    assert all("studio demo" in text for text in said)


@posix
def test_ctrl_c_stops_cleanly_and_the_next_run_goes_on(checkout: Checkout) -> None:
    building = checkout.root / "building"
    process = subprocess.Popen(
        checkout.command("run", "--wheels", str(checkout.wheels)),
        env=checkout.environment(SLOW_BUILD=str(building)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not building.exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Run the same command again" in errors
    assert "Traceback" not in errors
    done = checkout.start("run", "--wheels", str(checkout.wheels))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="menu entries of the free desktop")
def test_menu_entry_starts_this_checkout(used: Checkout, tmp_path: Path) -> None:
    icons = used.root / "resources" / "icons"
    icons.mkdir(parents=True, exist_ok=True)
    (icons / "pose-studio.svg").write_text("<svg/>", encoding="utf-8")
    done = used.start("shortcut", XDG_DATA_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    entry = (tmp_path / "applications" / "pose-studio.desktop").read_text(encoding="utf-8")
    assert f'Exec="{used.venv}/bin/pose-studio" %f' in entry
    assert (tmp_path / "icons/hicolor/scalable/apps/pose-studio.svg").exists()


def test_menu_entry_needs_a_set_up_studio(checkout: Checkout) -> None:
    done = checkout.start("shortcut")
    assert done.returncode == 1
    assert "bootstrap.py run" in done.stderr


def test_bad_usage_is_status_2(checkout: Checkout) -> None:
    assert checkout.start("dance").returncode == 2
    assert checkout.start("wheels", "here", "--nonsense").returncode == 2
