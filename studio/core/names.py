"""Names as they are read, and names of files that hold on every system: a project moves between
machines.
"""

from __future__ import annotations

import re

_FORBIDDEN = frozenset('/\\:*?"<>|')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|conin\$|conout\$|com[1-9¹²³]|lpt[1-9¹²³])(\..*)?$")
_LONGEST = 120


def spoken(name: str) -> str:
    """A joint's name as it is read: `left_wrist` is "left wrist"."""
    return name.replace("_", " ")


def is_usable_name(name: str) -> bool:
    """Whether a file or folder may be called `name` on Linux, macOS and Windows alike."""
    return (
        0 < len(name) <= _LONGEST
        and name not in (".", "..")
        and not any(c in _FORBIDDEN or ord(c) < 32 for c in name)
        and name[-1] not in " ."
        and _RESERVED.match(name.strip()) is None
    )
