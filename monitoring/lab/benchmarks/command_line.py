"""Carries out `manage.py benchmark` with its arguments."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from monitoring.lab.benchmarks.measuring.machine import is_busy, machine
from monitoring.lab.benchmarks.peer.packages import PeerInterpreter, PeerUnusable, interpreter_at
from monitoring.lab.benchmarks.registry import SCENARIOS
from monitoring.lab.benchmarks.reports.comparison import NotComparable, compare
from monitoring.lab.benchmarks.reports.report import as_json, missed_lines, report, shown, table
from monitoring.lab.benchmarks.reports.svg_plot import picture
from monitoring.lab.benchmarks.runner import Result, run_scenarios

ALL, LIST, COMPARE = "all", "list", "compare"
WITH_PEER = "streams"  # the scenario that measures a peer
Tell = Callable[[str], object]


class WrongOption(Exception):
    """An option or argument that makes no sense; the message says what does."""


def carry_out(options: Mapping[str, Any], *, tell: Tell, warn: Tell) -> int:
    """Measure, list or compare; return the exit code. Raises WrongOption, NotComparable, OSError."""
    what = options["what"]
    if what == COMPARE:
        return _compare(options["files"], options["tolerance"], tell, warn)
    if options["files"]:
        raise WrongOption(f"only `{COMPARE}` takes files; one scenario at a time, or `{ALL}`")
    if what == LIST:
        tell(listing())
        return 0
    if what != ALL and what not in SCENARIOS:
        raise WrongOption(f"there is no scenario {what!r}; there are:\n{listing()}")
    return _measure(list(SCENARIOS) if what == ALL else [what], what, options, tell, warn)


def listing() -> str:
    """Return the scenarios, a line each."""
    return "\n".join(f"{name:<24} {scenario.sentence}" for name, scenario in SCENARIOS.items())


def positive(text: str) -> int:
    """Return the number. Raises ArgumentTypeError unless it is a whole one above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _measure(names: Sequence[str], what: str, options: Mapping[str, Any], tell: Tell, warn: Tell) -> int:
    plot = _plot_path(options["plot"])
    target = options["json"] or _default_path(what)
    if target != "-" and not Path(target).parent.is_dir():  # before an hour of measuring, not after it
        raise WrongOption(f"there is no folder {Path(target).parent}")
    on_stdout = target == "-"
    say = warn if on_stdout else tell
    peer = _peer(options["peer"], names)
    results: list[Result] = []
    on = machine()
    if is_busy(on):
        warn(f"The machine has other work (load {on['load_average'][0]:.1f}): figures will be worse than it can do.")
    sized = {name: options[name] for name in ("quick", "rounds", "size")}
    for result in run_scenarios(names, **sized, peer=peer):
        results.append(result)
        say(table(result))
    text = as_json(report(results, on))
    if on_stdout:
        tell(text)
    else:
        Path(target).write_text(text, encoding="utf-8")
        say(f"Report: {target}")
    if plot is not None:
        for path in _draw(results, plot):
            say(f"Curve: {path}")
    broken = [result for result in results if not result.is_good]
    missed = missed_lines(results if options["check"] else broken)
    for line in missed:
        warn(f"MISSED  {line}" if options["check"] else f"FAILED  {line}")
    return 1 if missed else 0


def _default_path(what: str) -> Path:
    folder = Path(settings.VAR_DIR) / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{what}-{datetime.now().astimezone():%Y%m%d-%H%M%S}.json"


def _peer(path: str | None, names: Sequence[str]) -> PeerInterpreter | None:
    """Return the interpreter of the peer. Raises WrongOption when it can't run one, or nothing would ask it."""
    if path is None:
        return None
    if WITH_PEER not in names:
        raise WrongOption(f"--peer is for `{WITH_PEER}`")
    try:
        return interpreter_at(path)
    except PeerUnusable as reason:
        raise WrongOption(str(reason)) from reason


def _plot_path(text: str | None) -> Path | None:
    """Return where the curve goes. Raises WrongOption before anything is measured in vain."""
    if text is None:
        return None
    path = Path(text)
    if path.suffix.lower() == ".png":
        raise WrongOption(f"curves are drawn as SVG: --plot {path.with_suffix('.svg')}. Any browser shows it.")
    if path.suffix.lower() != ".svg" or not path.parent.is_dir():
        raise WrongOption(f"--plot takes the name of an .svg file in a folder that exists, not {text}")
    return path


def _draw(results: Sequence[Result], path: Path) -> list[Path]:
    """Write a picture per scenario that has curves, and return where."""
    drawn = [result for result in results if result.outcome and result.outcome.series]
    paths = []
    for result in drawn:
        assert result.outcome is not None
        own = path if len(results) == 1 else path.with_stem(f"{path.stem}-{result.name}")
        conditions = ", ".join(f"{name} {shown(value)}" for name, value in result.outcome.settings.items())
        own.write_text(picture(f"ragsite benchmark {result.name}", conditions, result.outcome.series), encoding="utf-8")
        paths.append(own)
    return paths


def _compare(files: Sequence[str], tolerance: float, tell: Tell, warn: Tell) -> int:
    if len(files) != 2:
        raise WrongOption(f"`{COMPARE}` takes two files: the report before, and the one after")
    if tolerance < 0:
        raise WrongOption("--tolerance is 0 or above")
    found = compare(*(_read(Path(file)) for file in files), tolerance=tolerance)
    for difference in found.differences:
        warn(f"NOTE    {difference}")
    for change in found.changes:
        tell(change.line())
    counts = {name: sum(change.verdict == name for change in found.changes) for name in ("better", "worse", "same")}
    tell(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 1 if found.worse else 0


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise NotComparable(f"{path} is no JSON: {error}") from error
