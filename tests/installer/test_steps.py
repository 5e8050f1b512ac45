"""The set-up's single steps: what is missing, for which machine, from where."""

from __future__ import annotations

import ast
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pose_setup import collect, command, environment, libraries, pip
from pose_setup.console import SetupError

from tests.installer.conftest import ROOT, make_wheel

linux = pytest.mark.skipif(sys.platform != "linux", reason="system libraries are Linux's matter")


def test_old_python_gets_a_sentence() -> None:
    source = ROOT / "installer" / "bootstrap.py"
    ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 4))
    refusal = runpy.run_path(str(source))["refusal"]
    assert "needs Python 3.11 or newer; this is Python 3.8." in refusal((3, 8, 1), [])
    assert "Run:  python3.12 installer/bootstrap.py" in refusal((3, 8, 1), ["python3.12"])


@pytest.mark.parametrize(
    "file",
    [ROOT / "installer" / "bootstrap.py", *sorted((ROOT / "installer/pose_setup").glob("*.py"))],
    ids=lambda p: p.name,
)
def test_set_up_needs_the_standard_library_alone(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top = name.partition(".")[0]
            assert top in sys.stdlib_module_names or top == "pose_setup", name


@linux
@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"QT_QPA_PLATFORM": "offscreen"}, False),
        ({"QT_QPA_PLATFORM": "vnc:port=5901"}, True),
    ],
)
def test_screen_is_what_the_session_says(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], seen: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert libraries.has_screen() is seen


LDD = """\
/x/libqxcb.so:
\tlinux-vdso.so.1 (0x00007ffd4a5f6000)
\tlibxcb-cursor.so.0 => not found
\tlibxkbcommon.so.0 => /lib/x86_64-linux-gnu/libxkbcommon.so.0 (0x00007f)
/x/QtWidgets.abi3.so:
\tlibEGL.so.1 => not found
\tlibxcb-cursor.so.0 => not found
"""


def test_missing_libraries_are_read_once_each() -> None:
    assert libraries.parse_ldd(LDD) == ("libEGL.so.1", "libxcb-cursor.so.0")


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("apt-get", "apt-get install -y libegl1 libxcb-cursor0"),
        ("dnf", "dnf install -y libglvnd-egl xcb-util-cursor"),
    ],
)
@linux
def test_command_is_the_systems_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: str, expected: str
) -> None:
    (tmp_path / tool).write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert expected in libraries.install_command(("libEGL.so.1", "libxcb-cursor.so.0"))
    unknown = libraries.install_command(("libEGL.so.1", "libodd.so.9"))
    assert "whatever holds libodd.so.9" in unknown


@linux
def test_library_that_is_gone_stops_the_run_with_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make a library with")
    env = environment.Environment(tmp_path / "venv", ROOT)
    platforms = env.site_packages / "PySide6" / "Qt" / "plugins" / "platforms"
    platforms.mkdir(parents=True)
    source = tmp_path / "empty.c"
    source.write_text("int one(void) { return 1; }\n", encoding="utf-8")
    needed = tmp_path / "libxcb-cursor.so.77"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wl,-soname,libxcb-cursor.so.77", str(source), "-o",
         str(needed)], check=True,
    )  # fmt: skip
    user = tmp_path / "user.c"
    user.write_text("int one(void); int two(void) { return one() + 1; }\n", encoding="utf-8")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wl,-rpath," + str(tmp_path), str(user), str(needed), "-o",
         str(platforms / "libqxcb.so")], check=True,
    )  # fmt: skip
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    command.need_libraries(env, "window")  # all there
    needed.unlink()
    with pytest.raises(SetupError) as caught:
        command.need_libraries(env, "window")
    assert "lacks libraries that the studio needs: libxcb-cursor.so.77" in str(caught.value)
    assert "run this again" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ERROR: [Errno 28] No space left on device", "disk is full"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "proxy"),
        ("ERROR: No matching distribution found for torch", "for this Python"),
        ("SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", "certificate"),
        ("something new", "Run the same command again"),
    ],
)
def test_pips_last_words_become_advice(said: str, words: str) -> None:
    assert words in pip.hint_for(said)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  Downloading torch-2.5.0-cp311-none-win_amd64.whl (203.1 MB)", "Fetching torch 2.5.0 (203.1 MB)"),
        ("Installing collected packages: a, b, c", "Installing 3 packages"),
        ("Processing /wheels/numpy-2.4.6-cp311-cp311-linux_x86_64.whl", "Taking numpy 2.4.6"),
        ("Requirement already satisfied: pip in /x", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_pips_lines_become_plain_progress(line: str, shown: str) -> None:
    assert pip.doing(line) == shown


def test_wheels_alone_leave_no_other_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/elsewhere")
    alone = pip.environment_for(Path("wheels"))
    assert "PIP_INDEX_URL" not in alone
    assert "PIP_FIND_LINKS" not in alone
    assert alone["PIP_CONFIG_FILE"] == os.devnull
    assert pip.environment_for(None)["PIP_INDEX_URL"] == "https://mirror.example/simple"


@pytest.mark.parametrize(
    ("tag", "uv", "first"),
    [
        ("win_amd64", "x86_64-pc-windows-msvc", "win_amd64"),
        ("manylinux_2_34_x86_64", "x86_64-manylinux_2_34", "manylinux_2_34_x86_64"),
        ("manylinux_2_30_aarch64", "aarch64-manylinux_2_28", "manylinux_2_30_aarch64"),
        ("macosx_14_0_arm64", "aarch64-apple-darwin", "macosx_14_0_arm64"),
    ],
)
def test_machine_is_named_for_pip_and_for_uv(tag: str, uv: str, first: str) -> None:
    machine = collect.Machine.named(tag, "3.12")
    assert (machine.uv, machine.tags[0], machine.python) == (uv, first, "3.12")
    if tag.startswith("manylinux"):  # pip does not widen these by itself
        assert f"manylinux_2_17_{tag.split('_', 3)[3]}" in machine.tags


@pytest.mark.parametrize(("tag", "python"), [("amiga", "3.11"), ("win_amd64", "3.9"), ("", "four")])
def test_unknown_machine_is_refused(tag: str, python: str) -> None:
    with pytest.raises(SetupError):
        collect.Machine.named(tag, python)


def test_this_machine_has_a_name() -> None:
    assert collect.Machine.named("", "").tags[0] == collect.this_platform()


def test_sources_are_those_of_pip() -> None:
    options = collect.index_options(
        {"index-url": "https://a/simple", "extra-index-url": "https://b https://c"}
    )
    assert options[-6:] == ["--default-index", "https://a/simple", "--index", "https://b", "--index", "https://c"]  # fmt: skip


def test_settings_are_read_from_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    settings = collect.pip_settings(Path(sys.executable))
    assert settings["index-url"] == "https://mirror.example/simple"


def test_older_collection_is_cleared_away(tmp_path: Path) -> None:
    kept = make_wheel(tmp_path, "brush_set", {})
    stale = make_wheel(tmp_path, "easel", {})
    collect.remove_others(tmp_path, ["Brush.Set==1.0", "easel==2.0"])
    assert kept.exists()
    assert not stale.exists()
