"""What a live session says of itself, as a banner: what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_
from studio.gui.i18n import said, tr

RUNNING, WAITING, STALLED, ENDED = "running", "waiting", "stalled", "ended"
DISK_FULL, SERVING = "disk-full", "serving"
# What is written over the picture, and what to do where the job gives no hint of its own.
_OVER = {
    WAITING: N_("The source went away; it is waited for…"),
    STALLED: N_("No picture comes; it is waited for…"),
}
_HINTS = {
    WAITING: N_("Plug it in again or check its cable; Live goes on by itself. Stop ends the wait."),
    STALLED: N_("Check the network and the sender; Live goes on by itself. Stop ends the wait."),
    ENDED: N_("Start again, choose another source, or switch on the repeating."),
    DISK_FULL: N_("What was recorded can be played. Make room, or record to another disk."),
}
_KINDS = {WAITING: "warning", STALLED: "warning", DISK_FULL: "error"}


@dataclass(frozen=True)
class Notice:
    """A banner: `kind` as banners have it, `over` what stands over the picture meanwhile."""

    message: str
    hint: str
    kind: str
    over: str


def notice_of(state: str, message: str, hint: str) -> Notice | None:
    """A status of the job in the language of the moment; None where there is nothing to say."""
    if state == RUNNING or not message:
        return None
    own = _HINTS.get(state, "")
    over = _OVER.get(state, "")
    serving = state == SERVING
    return Notice(
        tr("Results are sent on: {address}", address=message) if serving else said(message),
        said(hint) if hint else tr(own) if own else "",
        _KINDS.get(state, "info"),
        tr(over) if over else "",
    )
