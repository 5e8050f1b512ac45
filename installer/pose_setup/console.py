"""What the set-up says to a person, and the one kind of error it raises on purpose."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence


class SetupError(Exception):
    """The set-up cannot go on. `details` are the last lines of what failed, `hint` what to do."""

    def __init__(self, message: str, *, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)

    def __str__(self) -> str:
        lines = [self.message]
        lines += [f"    {line}" for line in self.details]
        lines += [self.hint] if self.hint else []
        return "\n".join(lines)


def say(text: str) -> None:
    """One line for the person who waits."""
    print(text, flush=True)


class Ticker:
    """The line of what happens now. On a terminal it is rewritten in place with the seconds it
    has lasted; elsewhere each new text is a line of its own, so that a log stays readable.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._text = ""
        self._since = time.monotonic()

    def show(self, text: str) -> None:
        """`text` is what happens from now on."""
        if text == self._text:
            return
        self._text, self._since = text, time.monotonic()
        if self._terminal:
            self.tick()
        else:
            say(f"      {text}")

    def tick(self) -> None:
        """Rewrite the line with the time it has lasted; call about once a second."""
        if self._terminal and self._text:
            seconds = int(time.monotonic() - self._since)
            line = f"      {self._text}  {seconds // 60}:{seconds % 60:02d}"
            sys.stdout.write(f"\r{line[:110]:<110}")
            sys.stdout.flush()

    def end(self) -> None:
        """Leave the terminal's line clean."""
        if self._terminal and self._text:
            sys.stdout.write(f"\r{'':<110}\r")
            sys.stdout.flush()
        self._text = ""
