"""The command line of the set-up: run, test, wheels."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pose_setup import ROOT, libraries
from pose_setup.console import SetupError, say
from pose_setup.environment import Environment, set_up

EXIT_FAILED, EXIT_CANCELLED = 1, 3
STUDIO = ("-P", "-m", "studio")  # -P: a folder `studio` where one happens to stand is not meant


def parser() -> argparse.ArgumentParser:
    """`bootstrap.py`'s arguments; what `run` and `test` do not know is passed on."""
    top = argparse.ArgumentParser(
        prog="bootstrap.py", description="Set Pose Studio up in this checkout and start it."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument(
        "--venv", type=Path, default=ROOT / ".venv", metavar="DIR", help="the virtual environment"
    )
    common = argparse.ArgumentParser(add_help=False, parents=[place])
    common.add_argument(
        "--wheels", type=Path, metavar="DIR", help="install from this folder alone, no network"
    )
    commands.add_parser(
        "run",
        parents=[common],
        help="set up and open the window; without a screen, run the demo",
        epilog="Everything else is handed to pose-studio, such as a project folder.",
    )
    commands.add_parser(
        "test",
        parents=[common],
        help="set up and run the whole test suite",
        epilog="Everything else is handed to pytest.",
    )
    collect = commands.add_parser(
        "wheels", help="collect every package for a machine without network"
    )
    collect.add_argument("folder", type=Path, metavar="DIR")
    collect.add_argument(
        "--platform", default="", help="win_amd64, manylinux_2_34_x86_64, ...; default: this one"
    )
    collect.add_argument("--python", default="", help="such as 3.11; default: this one")
    collect.add_argument("--extras", default="all", help="default: all; all,test for the suite")
    commands.add_parser("shortcut", parents=[place], help="put the studio into the desktop's menu")
    return top


def main(arguments: Sequence[str]) -> int:
    """Do as asked; the exit status is the studio's, the suite's, or 0/1/2/3 of our own."""
    options, rest = parser().parse_known_args(arguments)
    if options.command in ("wheels", "shortcut") and rest:
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    rest = [word for number, word in enumerate(rest) if (number, word) != (0, "--")]
    try:
        if options.command == "wheels":
            from pose_setup.collect import collect

            extras = [e.strip() for e in options.extras.split(",") if e.strip()]
            return collect(options.folder.resolve(), options.platform, options.python, extras)
        env = Environment(Path(os.path.abspath(options.venv)))  # noqa: PTH100 - keeps symlinks
        if options.command == "shortcut":
            from pose_setup.shortcut import shortcut

            return shortcut(env)
        wheels = options.wheels.resolve() if options.wheels else None
        return run(env, wheels, rest) if options.command == "run" else test(env, wheels, rest)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        return EXIT_CANCELLED


def run(env: Environment, wheels: Path | None, rest: Sequence[str]) -> int:
    """Open the window with the sample project, or with what `rest` names."""
    set_up(env, frozenset({"all"}), wheels=wheels)
    if not libraries.has_screen() and not rest:
        say(
            "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window "
            "cannot open.\nRunning the demo instead: the whole way without a window."
        )
        need_libraries(env, "jobs")
        return start(env, [*STUDIO, "demo"])
    need_libraries(env, "window" if libraries.has_screen() else "jobs")
    return start(env, [*STUDIO, *(rest or ["--sample"])])


def test(env: Environment, wheels: Path | None, rest: Sequence[str]) -> int:
    """Run the test suite without a screen; `rest` goes to pytest."""
    set_up(env, frozenset({"all", "test"}), wheels=wheels)
    need_libraries(env, "offscreen")
    os.chdir(env.root)
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    # A file stays with one worker: tests share trainings that are made once a process. A worker
    # that dies ends the run: with another in its place, files that stay together hang at the end.
    workers = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile"]
    workers = [] if "-n" in rest else [*workers, "--max-worker-restart", "0"]
    return start(env, ["-m", "pytest", *workers, *rest], environment)


def need_libraries(env: Environment, purpose: str) -> None:
    """Raise SetupError that names the system libraries missing for `purpose`."""
    names = libraries.missing(libraries.files_for(env.site_packages, purpose))
    if names:
        raise SetupError(
            f"This system lacks libraries that the studio needs: {', '.join(names)}",
            hint=f"Install them:\n    {libraries.install_command(names)}\nthen run this again.",
        )


def start(
    env: Environment, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> int:
    """Become the environment's Python with `arguments`; on Windows, wait for it."""
    command = [str(env.python), *arguments]
    variables = dict(os.environ if environment is None else environment)
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        return subprocess.call(command, env=variables)
    os.execve(command[0], command, variables)
    return 0  # not reached
