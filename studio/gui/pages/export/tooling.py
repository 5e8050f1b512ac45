"""What a target runs in, as a card says it; no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.errors import MissingTool
from studio.core.options import N_
from studio.gui.i18n import said, tr
from studio.io.toolchains import MISSING, OUTDATED, READY, Worker, find_worker
from studio.registry import Contribution

GROUPS = {
    "pc": N_("Computers"),
    "phone": N_("Phones and tablets"),
    "mcu": N_("Microcontrollers"),
    "accelerator": N_("Accelerators"),
    "": N_("Others"),
}
ICONS = {"pc": "laptop", "phone": "cellphone", "mcu": "chip", "accelerator": "expansion-card"}


@dataclass(frozen=True)
class Tooling:
    """Whether a target's tools are here. state: `READY`, `MISSING`, `OUTDATED`, or "lacking"
    where the studio's own environment lacks packages, which `command` installs.
    """

    state: str
    worker: Worker | None = None
    command: str = ""
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Whether an export can start."""
        return self.state == READY

    def words(self) -> str:
        """The state in one or two lines, in the language of the moment."""
        if self.worker is None:
            return tr("Its tools are here.") if self.ready else said(self.reason)
        weight = tr(
            "{tools}: {size} MB on the disk, {license}.",
            tools=tr(self.worker.title), size=self.worker.megabytes, license=self.worker.license,
        )  # fmt: skip
        if self.state == MISSING:
            return tr("Needs tools of its own.") + "\n" + weight
        if self.state == OUTDATED:
            return tr("Its tools are of another version.") + "\n" + weight
        return tr("Its tools are here.")


def tooling(target: Contribution) -> Tooling:
    """The state of the moment; cheap, nothing is started."""
    if not target.enabled:
        return Tooling("lacking", command=target.install, reason=target.reason)
    if not target.worker:
        return Tooling(READY)
    try:
        worker = find_worker(target.worker)
    except MissingTool as error:
        return Tooling("lacking", reason=str(error))
    return Tooling(worker.state(), worker)


def group_of(target: Contribution) -> str:
    """The group that its card stands in: a key of `GROUPS`."""
    group = str(target.extra.get("group", ""))
    return group if group in GROUPS else ""


def icon_of(target: Contribution) -> str:
    """The name of its sign; the window falls back where there is none so called."""
    return str(target.extra.get("icon", "")) or ICONS.get(group_of(target), "export")
