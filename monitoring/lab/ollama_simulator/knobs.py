"""Settings of the stand-in that can be changed at run time, for all models or for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

T = TypeVar("T")


def _knob(default: T, told: str) -> T:
    """Declare a knob with its default and what the command's help says of it."""
    made: T = field(default=default, metadata={"help": told})
    return made


@dataclass(frozen=True)
class Knobs:
    """How the stand-in behaves towards one model. Times are seconds; 0 means at once.

    Those marked (server) are read for the whole server and not per model.
    """

    embed_seconds: float = _knob(0.0, "for each embedding request")
    embed_seconds_per_input: float = _knob(0.0, "... and for each text in it")
    embed_parallel: int = _knob(1, "real servers: always 1")
    load_seconds: float = _knob(0.03, "a cold load")
    first_token_seconds: float = _knob(0.0, "reading the prompt")
    tokens_per_second: float = _knob(0.0, "0: all at once")
    tokens: int = _knob(0, "an answer has exactly so many; 0: as many as its text")
    num_parallel: int = _knob(1, "generations of one model at a time")
    keep_alive_seconds: float = _knob(300.0, "a loaded model's time without requests")
    answers: str = _knob("extractive", 'or "echo", "scripted", "refusing", or "repeating" (one word without end)')
    script: tuple[str, ...] = _knob((), 'the texts of "scripted", in turn')
    thinking: str = _knob("", "what a thinking model thinks before it answers")
    thinking_aloud: str = _knob("", "what stands in the answer itself, before all else: <think>...</think>, say")
    done_reason: str = _knob("", "how every answer ends, whatever its end is: stop, length, ...")
    pull_seconds: float = _knob(0.0, "(server)")
    max_queue: int = _knob(512, "(server) requests that wait for a load")
    max_loaded: int = _knob(3, "(server) models in memory")
    tick_seconds: float = _knob(0.01, "(server) tokens that fall due within a tick are written together")
    max_writes_per_second: float = _knob(10_000.0, "(server) with many streams the tick grows, to stay under this")


TYPES: Mapping[str, type] = {each.name: type(each.default) for each in fields(Knobs)}
HELP: Mapping[str, str] = {each.name: each.metadata["help"] for each in fields(Knobs)}
ANSWERS = ("extractive", "echo", "scripted", "refusing", "repeating")


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes` with every value of its knob's type. Raises ValueError for an unknown knob or a wrong value."""
    good: dict[str, Any] = {}
    for name, value in changes.items():
        wanted = TYPES.get(name)
        if wanted is None:
            raise ValueError(f"there is no knob {name!r}; there are: {', '.join(TYPES)}")
        try:
            if wanted is tuple:
                good[name] = tuple(str(text) for text in ([value] if isinstance(value, str) else value))
            else:
                good[name] = wanted(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"knob {name!r} takes a {wanted.__name__}, not {value!r}") from error
    if good.get("script"):
        good.setdefault("answers", "scripted")
    if good.get("answers", ANSWERS[0]) not in ANSWERS:
        raise ValueError(f"knob 'answers' is one of {', '.join(ANSWERS)}")
    return good


class KnobBoard:
    """The knobs as they stand now: those for all models, and each model's own."""

    def __init__(self, changes: Mapping[str, Any]) -> None:
        self.common = replace(Knobs(), **checked(changes))
        self._per_model: dict[str, dict[str, Any]] = {}

    def turn(self, changes: Mapping[str, Any], model: str | None = None) -> None:
        """Change knobs, for all models or for the one named (with its tag)."""
        good = checked(changes)
        if model is None:
            self.common = replace(self.common, **good)
            for own in self._per_model.values():
                for name in good:
                    own.pop(name, None)
        else:
            self._per_model.setdefault(model, {}).update(good)

    def of(self, model: str) -> Knobs:
        """Return the knobs of the model with this tagged name."""
        own = self._per_model.get(model)
        return replace(self.common, **own) if own else self.common

    def as_dict(self) -> dict[str, Any]:
        """Return all settings for `/standin/state`."""
        return {"all": asdict(self.common), **self._per_model}
