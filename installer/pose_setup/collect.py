"""Collects every package for a machine without network, resolved for that machine.

pip resolves with the markers of the machine it runs on; uv resolves for another. So uv says
which versions, and pip fetches exactly those files.
"""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pose_setup import ROOT
from pose_setup.console import SetupError, say
from pose_setup.environment import Environment, make
from pose_setup.pip import run_pip, watched

REQUIREMENTS = "requirements.txt"
# What an installation from source needs besides; the ensured pip of a new environment may be old.
BUILD_TOOLS = ("pip", "setuptools>=77", "wheel")
OLDEST_GLIBC_MINOR, NEWEST_GLIBC_MINOR = 5, 40


@dataclass(frozen=True)
class Machine:
    """A machine to collect for: `tags` as pip names platforms, `uv` as uv names it."""

    tags: tuple[str, ...]
    uv: str
    python: str

    @classmethod
    def named(cls, tag: str, python: str) -> Machine:
        """From a wheel's platform tag; "" is this machine. Raises SetupError if unknown."""
        tag = tag or this_platform()
        python = python or f"{sys.version_info.major}.{sys.version_info.minor}"
        if not re.fullmatch(r"3\.\d+", python) or int(python[2:]) < 11:
            raise SetupError(f"--python is 3.11 or newer, such as 3.11, not {python!r}.")
        windows = {
            "win_amd64": "x86_64-pc-windows-msvc",
            "win_arm64": "aarch64-pc-windows-msvc",
        }
        if tag in windows:
            return cls((tag,), windows[tag], python)
        if match := re.fullmatch(r"manylinux_2_(\d+)_(x86_64|aarch64)", tag):
            newest, machine = int(match[1]), match[2]
            if newest > NEWEST_GLIBC_MINOR:
                newest = NEWEST_GLIBC_MINOR
            tags = [f"manylinux_2_{n}_{machine}" for n in range(newest, OLDEST_GLIBC_MINOR - 1, -1)]
            tags += [f"manylinux2014_{machine}", f"linux_{machine}"]
            known = max(n for n in (17, 28, *range(31, 41)) if n <= max(newest, 17))
            return cls(tuple(tags), f"{machine}-manylinux_2_{known}", python)
        if match := re.fullmatch(r"macosx_(\d+)_(\d+)_(x86_64|arm64)", tag):
            machine = {"arm64": "aarch64"}.get(match[3], match[3])
            return cls((tag,), f"{machine}-apple-darwin", python)
        raise SetupError(
            f"Unknown platform {tag!r}.",
            hint="Known are win_amd64, win_arm64, manylinux_2_N_x86_64, manylinux_2_N_aarch64 "
            "(N: the C library's version there, `ldd --version`) and macosx_14_0_arm64.",
        )


def this_platform() -> str:
    """The wheel tag of the machine this runs on."""
    machine = {"AMD64": "amd64", "ARM64": "arm64"}.get(platform.machine(), platform.machine())
    if sys.platform == "win32":
        return f"win_{machine}"
    if sys.platform == "darwin":
        return f"macosx_14_0_{machine}"
    version = platform.libc_ver()[1] or "2.34"
    return f"manylinux_{version.replace('.', '_')}_{machine}"


def collect(folder: Path, tag: str, python: str, extras: Sequence[str]) -> int:
    """Fill `folder` with wheels of the studio and of everything it needs on that machine.

    Files that are there already are not fetched again; those of an older collection that are no
    longer wanted are removed, so that the folder holds one set. Raises SetupError.
    """
    machine = Machine.named(tag, python)
    folder.mkdir(parents=True, exist_ok=True)
    tools = Environment(ROOT / ".worker-envs" / "wheels")
    log = folder / "collect.log"
    say(f"[1/4] Resolving for {machine.tags[0]}, Python {machine.python}")
    helpers(tools)
    requirements = folder / REQUIREMENTS
    resolve(tools, machine, extras, requirements, log)
    wanted = [line for line in requirements.read_text(encoding="utf-8").splitlines() if line]
    say(f"[2/4] Fetching {len(wanted)} packages into {folder}")
    fetch(tools, machine, requirements, folder, log)
    say("[3/4] Building pose-studio's own wheel")
    build(tools, folder, log)
    remove_others(folder, wanted)
    say("[4/4] Checking that the folder alone is enough")
    check(tools, machine, extras, folder, log)
    size = sum(f.stat().st_size for f in folder.glob("*.whl")) / 1e9
    log.unlink()
    say(
        f"{len(list(folder.glob('*.whl')))} files, {size:.1f} GB. Carry this checkout and the "
        f"folder over; there run:\n    python installer/bootstrap.py run --wheels DIR"
    )
    return 0


def helpers(tools: Environment) -> None:
    """An environment beside the checkout's own that holds pip and uv."""
    if tools.ready(frozenset({"uv"})):
        return
    make(tools, frozenset({"uv"}), step="     ")
    run_pip(tools.python, ["install", "--upgrade", "uv", "pip"], log=tools.log)
    tools.write_stamp("ready", frozenset({"uv"}))


def uv(tools: Environment, arguments: Sequence[str], log: Path) -> None:
    """Run uv with pip's own index settings. Raises SetupError."""
    settings = pip_settings(tools.python)
    variables = {k: v for k, v in os.environ.items() if not k.startswith("UV_")}
    if certificate := settings.get("cert"):
        variables["SSL_CERT_FILE"] = certificate
    variables["UV_NO_CONFIG"] = "1"
    watched([str(tools.python), "-m", "uv", *arguments], what="uv", log=log, env=variables)


def pip_settings(python: Path) -> dict[str, str]:
    """What pip is set to on this machine, its files and PIP_ variables together."""
    done = subprocess.run(
        [str(python), "-m", "pip", "config", "list"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in ("global", "install", "download", ":env:") and value:
            found[name] = str(ast.literal_eval(value))
    return found


def index_options(settings: Mapping[str, str]) -> list[str]:
    """The sources that pip would use, as uv spells them; the best version of all, as pip does."""
    options = ["--index-strategy", "unsafe-best-match"]
    if "index-url" in settings:
        options += ["--default-index", settings["index-url"]]
    for url in settings.get("extra-index-url", "").split():
        options += ["--index", url]
    for place in settings.get("find-links", "").split():
        options += ["--find-links", place]
    return options


def resolve(
    tools: Environment, machine: Machine, extras: Sequence[str], out: Path, log: Path
) -> None:
    """Write the exact versions that `machine` needs to `out`."""
    build_tools = out.with_name("build-tools.in")
    build_tools.write_text("\n".join(BUILD_TOOLS) + "\n", encoding="utf-8")
    try:
        uv(
            tools,
            [
                *compile_for(machine, extras),
                str(build_tools),
                *index_options(pip_settings(tools.python)),
                "--output-file",
                str(out),
            ],
            log,
        )
    finally:
        build_tools.unlink()


def compile_for(machine: Machine, extras: Sequence[str]) -> list[str]:
    """Uv's arguments to resolve the studio with `extras` for `machine`, wheels only."""
    arguments = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--upgrade"]
    arguments += ["--only-binary", ":all:", "--python-platform", machine.uv]
    arguments += ["--python-version", machine.python]
    for extra in extras:
        arguments += ["--extra", extra]
    return [*arguments, str(ROOT / "pyproject.toml")]


def fetch(
    tools: Environment, machine: Machine, requirements: Path, folder: Path, log: Path
) -> None:
    """Fetch exactly the listed versions, as files for `machine`."""
    platforms = [word for tag in machine.tags for word in ("--platform", tag)]
    run_pip(
        tools.python,
        [
            "download",
            "--no-deps",
            "--only-binary=:all:",
            *platforms,
            "--python-version",
            machine.python,
            "--implementation",
            "cp",
            "--requirement",
            str(requirements),
            "--dest",
            str(folder),
        ],
        log=log,
    )


def build(tools: Environment, folder: Path, log: Path) -> None:
    """The studio's own wheel, which is the same for every platform."""
    for old in folder.glob("pose_studio-*.whl"):
        old.unlink()
    left_behind = [p for p in (ROOT / "build",) if not p.exists()]
    run_pip(tools.python, ["wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], log=log)
    for path in left_behind:
        shutil.rmtree(path, ignore_errors=True)


def remove_others(folder: Path, wanted: Sequence[str]) -> None:
    """Remove wheels of other versions than the wanted ones, left by an earlier collection."""
    keep = {"pose_studio"}
    exact = set()
    for line in wanted:
        name, _, version = line.partition("==")
        exact.add((_normal(name), version.split(";")[0].strip()))
    for path in folder.glob("*.whl"):
        name, version = path.name.split("-")[:2]
        if name not in keep and (_normal(name), version) not in exact:
            path.unlink()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def check(
    tools: Environment, machine: Machine, extras: Sequence[str], folder: Path, log: Path
) -> None:
    """Resolve again from the folder alone, for `machine`. Raises SetupError if a file lacks."""
    out = folder / "check.txt"
    try:
        uv(
            tools,
            [
                *compile_for(machine, extras),
                "--no-index",
                "--find-links",
                str(folder),
                "--output-file",
                str(out),
            ],
            log,
        )
    finally:
        out.unlink(missing_ok=True)
