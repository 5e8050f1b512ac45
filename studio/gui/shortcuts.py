"""Which keys do what: presets of other tools, the person's own keys, and where keys clash.

Plain tables, without Qt. labelme's keys are those that the actions declare themselves; another
preset names what differs. A key that a preset gives to one action is taken from any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LABELME = "labelme"
_ORDER = ("Ctrl", "Alt", "Shift", "Meta")

# X-AnyLabeling 3, as its settings file comes; what labelme has alike is not named again.
_X_ANYLABELING = {
    "annotate.tool.polygon": "P;Ctrl+N",
    "annotate.tool.rectangle": "R;Ctrl+R",
    "annotate.hide_all": "Ctrl+H",
    "annotate.names": "Ctrl+L",
    # Its run on one picture and on all of them.
    "annotate.prelabel": "I",
    "annotate.prelabel_all": "Ctrl+B",
    # It has none for this, and another use for ours.
    "annotate.filter": "Ctrl+Alt+L",
}

# CVAT's standard workspace. N draws again what was drawn last: here people, joint by joint.
_CVAT = {
    "annotate.next": "F",
    "annotate.previous": "D",
    "annotate.tool.keypoints": "N",
    # Its "occluded" and "outside".
    "annotate.hidden": "Q;/",
    "annotate.absent": "O",
    "annotate.hide_all": "T, H",
    "annotate.propagate_many": "Ctrl+B",
    # It has none for this, and another use for ours.
    "annotate.reject": "Shift+X",
}

PRESETS: dict[str, tuple[str, Mapping[str, str]]] = {
    LABELME: ("labelme", {}),
    "x-anylabeling": ("X-AnyLabeling", _X_ANYLABELING),
    "cvat": ("CVAT", _CVAT),
}


@dataclass(frozen=True)
class ActionKeys:
    """An action's place among the others: its id, the page it works on ("" for everywhere), the
    keys it declares (several separated by ";") and whether only some of its page hears it.
    """

    id: str
    scope: str
    default: str


def normal(key: str) -> str:
    """One spelling for a key: modifiers in order, names as Qt writes them ("Ctrl+Shift+A")."""
    text = key.strip()
    if not text:
        return ""
    body, plus = (text[:-2], "+") if text.endswith("++") else (text, "")
    if text == "+":
        body, plus = "", "+"
    parts = [p for p in body.split("+") if p]
    last = plus or (parts.pop() if parts else "")
    names = {"control": "Ctrl", "ctrl": "Ctrl", "alt": "Alt", "shift": "Shift", "meta": "Meta"}
    held = {names.get(p.lower(), p) for p in parts}
    keys = {"esc": "Esc", "escape": "Esc", "del": "Delete", "return": "Return"}
    name = keys.get(last.lower(), last.upper() if len(last) == 1 else last[:1].upper() + last[1:])
    ordered = [m for m in _ORDER if m in held]
    return "+".join([*ordered, name])


def split(keys: str) -> tuple[str, ...]:
    """The single keys of "Ctrl+Y;Ctrl+Shift+Z", each in its normal spelling."""
    return tuple(dict.fromkeys(normal(k) for k in keys.split(";") if k.strip()))


@dataclass(frozen=True)
class Shortcuts:
    """A preset and what the person changed on top of it: {action id: keys}."""

    preset: str = LABELME
    own: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def from_mapping(cls, data: Any) -> Shortcuts:
        """As the settings keep it; whatever does not fit is left out."""
        if not isinstance(data, Mapping):
            return cls()
        preset = data.get("preset")
        own = data.get("own")
        kept = {str(k): str(v) for k, v in own.items()} if isinstance(own, Mapping) else {}
        return cls(str(preset) if preset in PRESETS else LABELME, kept)

    def to_mapping(self) -> dict[str, Any]:
        """For the settings."""
        return {"preset": self.preset, "own": dict(self.own)}

    def keys_of(self, action: ActionKeys) -> str:
        """The keys of an action, separated by ";"; "" for none."""
        if action.id in self.own:
            return self.own[action.id]
        return self.standard(action)

    def standard(self, action: ActionKeys) -> str:
        """The keys that the preset gives it."""
        _title, given = PRESETS[self.preset]
        if action.id in given:
            return given[action.id]
        taken = {
            key
            for other, keys in given.items()
            if _meet(other.partition(".")[0], action.scope)
            for key in split(keys)
        }
        return ";".join(k for k in action.default.split(";") if normal(k) not in taken)

    def with_keys(self, action: ActionKeys, keys: str) -> Shortcuts:
        """The action given these keys; its own entry goes where they are the preset's."""
        own = {k: v for k, v in self.own.items() if k != action.id}
        if split(keys) != split(self.standard(action)):
            own[action.id] = ";".join(split(keys))
        return Shortcuts(self.preset, own)

    def with_preset(self, preset: str) -> Shortcuts:
        """Another preset; the person's own keys go."""
        return Shortcuts(preset)

    def clashes(self, actions: Sequence[ActionKeys]) -> dict[str, tuple[str, ...]]:
        """{action id: ids of others that one of its keys also calls where it works}."""
        users: dict[str, list[ActionKeys]] = {}
        for action in actions:
            for key in split(self.keys_of(action)):
                users.setdefault(key, []).append(action)
        found: dict[str, dict[str, None]] = {}
        for same in users.values():
            for action in same:
                for other in same:
                    if other.id != action.id and _together(action.scope, other.scope):
                        found.setdefault(action.id, {})[other.id] = None
        return {action: tuple(others) for action, others in found.items()}

    def freed(self, actions: Iterable[ActionKeys], winner: ActionKeys) -> Shortcuts:
        """The winner keeps its keys; whoever clashes with it loses them."""
        known = list(actions)
        taken = set(split(self.keys_of(winner)))
        result = self
        for other_id in self.clashes(known).get(winner.id, ()):
            other = next(a for a in known if a.id == other_id)
            left = [k for k in split(self.keys_of(other)) if k not in taken]
            result = result.with_keys(other, ";".join(left))
        return result


def _together(first: str, second: str) -> bool:
    """Whether keys of the two scopes are heard at the same time."""
    return first == second or not first or not second


def _meet(prefix: str, scope: str) -> bool:
    """`_together` for the scope that an action's id tells: "studio" and "page" hold everywhere."""
    return _together("" if prefix in ("studio", "page") else prefix, scope)
