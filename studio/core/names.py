"""Names of files and folders that hold on every system: a project moves between machines."""

from __future__ import annotations

import re

_FORBIDDEN = frozenset('/\\:*?"<>|')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|conin\$|conout\$|com[1-9¹²³]|lpt[1-9¹²³])(\..*)?$")
_LONGEST = 120


def is_usable_name(name: str) -> bool:
    """Whether a file or folder may be called `name` on Linux, macOS and Windows alike."""
    return (
        0 < len(name) <= _LONGEST
        and name not in (".", "..")
        and not any(c in _FORBIDDEN or ord(c) < 32 for c in name)
        and name[-1] not in " ."
        and _RESERVED.match(name.strip()) is None
    )
