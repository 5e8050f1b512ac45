"""System libraries that the packages expect from Linux, and the command that brings them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# soname: (Debian and Ubuntu, Fedora and its kin)
PACKAGES: dict[str, tuple[str, str]] = {
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libGLX.so.0": ("libglx0", "libglvnd-glx"),
    "libOpenGL.so.0": ("libopengl0", "libglvnd-opengl"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb"),
    "libX11.so.6": ("libx11-6", "libX11"),
    "libXext.so.6": ("libxext6", "libXext"),
    "libSM.so.6": ("libsm6", "libSM"),
    "libICE.so.6": ("libice6", "libICE"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgomp.so.1": ("libgomp1", "libgomp"),
    "libwayland-client.so.0": ("libwayland-client0", "libwayland-client"),
    "libwayland-cursor.so.0": ("libwayland-cursor0", "libwayland-cursor"),
    "libwayland-egl.so.1": ("libwayland-egl1", "libwayland-egl"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb"),
    "libxcb-util.so.1": ("libxcb-util1", "xcb-util"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
}

# Qt platforms that draw somewhere without an X or Wayland session.
SCREENS_OF_THEIR_OWN = ("vnc", "eglfs", "linuxfb")


def has_screen() -> bool:
    """Whether a window could be seen: on Linux a session's variable says so."""
    if sys.platform != "linux":
        return True
    if os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] in SCREENS_OF_THEIR_OWN:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def qt_platform() -> str:
    """The Qt platform plugin that a window would use here."""
    asked = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    if asked:
        return asked.split("-")[0]
    return "xcb" if os.environ.get("DISPLAY") else "wayland"


def files_for(site_packages: Path, purpose: str) -> list[Path]:
    """The libraries whose needs decide: purpose is "window", "offscreen" (tests) or "jobs"."""
    qt = site_packages / "PySide6"
    patterns = ["cv2/cv2*.so"]
    if purpose != "jobs":
        platform = qt_platform() if purpose == "window" else "offscreen"
        patterns += [
            f"PySide6/Qt/plugins/platforms/libq{platform}.so",
            "PySide6/QtWidgets*.so",
            "PySide6/QtSvg*.so",
        ]
    if purpose == "offscreen":
        patterns.append("PyQt5/Qt5/plugins/platforms/libqoffscreen.so")  # labelme, asked in tests
    found = [path for pattern in patterns for path in site_packages.glob(pattern)]
    return found if qt.is_dir() or purpose == "jobs" else []


def missing(files: Sequence[Path]) -> tuple[str, ...]:
    """Names of system libraries that `files` need and that the loader does not find.

    Empty on other systems than Linux, and where there is no `ldd` to ask.
    """
    ldd = shutil.which("ldd")
    if sys.platform != "linux" or not files or ldd is None:
        return ()
    done = subprocess.run(
        [ldd, *map(str, files)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    return parse_ldd(done.stdout)


def parse_ldd(text: str) -> tuple[str, ...]:
    """The names that `ldd` reports as not found, each once, sorted."""
    return tuple(
        sorted({line.split()[0] for line in text.splitlines() if line.endswith("=> not found")})
    )


def install_command(names: Iterable[str]) -> str:
    """The command that brings `names` here, or a sentence where the system's is not known."""
    wanted = list(names)
    for column, tool in enumerate(("apt-get", "dnf")):
        if shutil.which(tool):
            known = sorted({PACKAGES[n][column] for n in wanted if n in PACKAGES})
            unknown = sorted(n for n in wanted if n not in PACKAGES)
            rest = f"   (and whatever holds {', '.join(unknown)})" if unknown else ""
            prefix = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
            return f"{prefix}{tool} install -y {' '.join(known)}{rest}" if known else rest.strip()
    return f"Install the packages of your system that hold {', '.join(wanted)}."
