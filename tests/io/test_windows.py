"""Two windows on one project know of each other; marks of killed ones are stale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson

from studio.io.windows import STALE_SECONDS, Presence

ROOT = Path(__file__).parents[2]
WINDOW = """
import sys, time
from pathlib import Path
from studio.io.windows import Presence
Presence(Path(sys.argv[1])).renew()
print("here", flush=True)
time.sleep(60)
"""


def test_two_windows_see_each_other_and_a_killed_one_is_forgotten(tmp_path: Path) -> None:
    own = Presence(tmp_path)
    own.renew()
    assert own.others() == ()
    process = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    (other,) = own.others()
    assert other.pid == process.pid
    process.kill()
    process.wait()
    process.stdout.close()
    assert own.others() == ()
    assert [p.name for p in own.folder.iterdir()] == [own.path.name]
    own.leave()
    assert list(own.folder.iterdir()) == []


def test_a_window_in_the_same_process_counts_too(tmp_path: Path) -> None:
    first, second = Presence(tmp_path), Presence(tmp_path)
    first.renew()
    second.renew()
    assert len(first.others()) == len(second.others()) == 1
    second.leave()
    assert first.others() == ()


def test_a_window_on_another_machine_counts_while_it_renews_its_mark(tmp_path: Path) -> None:
    import os
    import time

    own = Presence(tmp_path)
    own.renew()
    path = own.folder / "7-far.json"
    path.write_bytes(orjson.dumps({"pid": 7, "born": 1.0, "host": "far away"}))
    assert [o.host for o in own.others()] == ["far away"]
    old = time.time() - 2 * STALE_SECONDS
    os.utime(path, (old, old))
    assert own.others() == ()
    assert not path.exists()


def test_a_mark_that_is_cut_short_disturbs_nobody(tmp_path: Path) -> None:
    own = Presence(tmp_path)
    own.renew()
    (own.folder / "8-cut.json").write_bytes(b"{")
    assert own.others() == ()


def test_windows_on_folders_of_one_another_know_of_each_other(tmp_path: Path) -> None:
    inner, beside = tmp_path / "year" / "may", tmp_path / "year" / "june"
    for folder in (inner, beside):
        folder.mkdir(parents=True)
    first = Presence(inner)
    first.renew()
    around = Presence(tmp_path)
    around.renew()
    # The inner window finds the project around it at its next look, and leaves its mark there.
    first.renew()
    assert [other.project for other in first.others()] == [tmp_path]
    assert [other.project for other in around.others()] == [inner]
    third = Presence(beside)
    third.renew()
    assert [other.project for other in third.others()] == [tmp_path], "siblings share no picture"
    assert {other.project for other in around.others()} == {inner, beside}
    first.leave()
    assert [other.project for other in around.others()] == [beside]
    assert not list(first.folder.iterdir())
