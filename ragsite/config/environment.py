"""Reads settings from the environment, each by its kind, and collects what is wrong with them.

`ragsite.settings` declares every setting by reading it here; what was declared is the table that checks, documentation
tests and the drill `bad-settings` go by.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from ragsite.config import setting_kinds as kinds
from ragsite.config.setting_kinds import SHOWN_CHARS, Kind

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """One variable. A secret's value is never shown."""

    name: str
    kind: Kind[Any]
    is_secret: bool = False


class Environment:
    """Gives the values of settings, and remembers which there are and which can't be used.

    An empty variable counts as one that isn't set. `NAME_FILE` names a file that has the value of `NAME`.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self._variables = variables
        self.table: dict[str, Setting] = {}
        self.problems: list[str] = []

    def value(self, name: builtins.str, default: T, kind: Kind[T], *, is_secret: builtins.bool = False) -> T:
        """Return what the environment says, or `default`, also for what it can't say: that is noted as a problem."""
        self.table[name] = Setting(name, kind, is_secret)
        text, shown_name = self._text_of(name)
        if not text:
            return default
        try:
            return kind.parse(text)
        except ValueError as exc:
            why = f" ({exc})" if exc.args else ""
            what = "can't be used" if is_secret else f"is {text[:SHOWN_CHARS]!r}"
            self.problems.append(f"{shown_name} {what}{why}: it must be {kind.words}.")
            return default

    def int(
        self, name: builtins.str, default: builtins.int, *, at_least: builtins.int = 0, at_most: builtins.int
    ) -> builtins.int:
        """Return a whole number in that range."""
        return self.value(name, default, kinds.whole(at_least, at_most))

    def float(
        self, name: builtins.str, default: builtins.float, *, at_least: builtins.float = 0, at_most: builtins.float
    ) -> builtins.float:
        """Return a number in that range."""
        return self.value(name, default, kinds.number(at_least, at_most))

    def bool(self, name: builtins.str, default: builtins.bool) -> builtins.bool:
        """Return whether it is switched on."""
        return self.value(name, default, kinds.switch())

    def _text_of(self, name: builtins.str) -> tuple[builtins.str, builtins.str]:
        """Return the text of a variable and the name of the variable that has it; what its file ends with is cut off.

        A file that is written by an editor or by `echo` ends with a newline that nobody means.
        """
        text, file_name = self._variables.get(name, ""), f"{name}_FILE"
        file = self._variables.get(file_name, "")
        if not file:
            return text.strip(), name
        if text:
            self.problems.append(f"{name} and {file_name} are both set: keep one of them.")
            return "", name
        try:
            return Path(file).read_text(encoding="utf-8").strip(), file_name
        except (OSError, UnicodeDecodeError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
            self.problems.append(f"{file_name} is {file!r}, which can't be read: {why}.")
            return "", name

    def refuse_problems(self) -> None:
        """Raise ImproperlyConfigured with a sentence for each problem, if there are any."""
        if self.problems:
            raise ImproperlyConfigured("\n".join(["ragsite can't work with these settings.", *self.problems]))
