"""Sets Pose Studio up and opens it:  python installer/bootstrap.py run | test | wheels DIR

This file holds to syntax that every Python since 2.7 can read, so that an old one gets a
sentence and not a SyntaxError. Everything else stands in `pose_setup`, standard library only.
"""
# ruff: noqa: ANN001, ANN201, UP031, PTH110, PTH118 - for the same reason

import os
import sys

OLDEST = (3, 11)


def newer_pythons():
    # type: () -> list
    """Interpreters on PATH that are new enough, by name."""
    names = ["python3.%d" % minor for minor in (11, 12, 13)]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return [n for n in names if any(os.path.exists(os.path.join(f, n)) for f in folders)]


def refusal(version, found):
    # type: (tuple, list) -> str
    """What to tell somebody whose Python is too old."""
    text = "Pose Studio needs Python %d.%d or newer; this is Python %d.%d.\n" % (
        OLDEST + tuple(version[:2])
    )
    if found:
        return text + "There is a newer one here. Run:  %s installer/bootstrap.py %s\n" % (
            found[0],
            " ".join(sys.argv[1:]) or "run",
        )
    return text + "Get one from https://www.python.org/downloads/ and run this again with it.\n"


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.stderr.write(refusal(sys.version_info, newer_pythons()))
        sys.exit(2)
    from pose_setup.command import main

    sys.exit(main(sys.argv[1:]))
