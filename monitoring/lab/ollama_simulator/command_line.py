"""Command line of the stand-in: one option per knob."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from monitoring.lab.ollama_simulator.faults import EVERY_FAULT, Fault
from monitoring.lab.ollama_simulator.knobs import HELP, TYPES, Knobs
from monitoring.lab.ollama_simulator.model.models import DEFAULT_MODELS
from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.config.setting_kinds import argument_type, whole

LOOK_EVERY_SECONDS = 0.5  # whether to stop; a signal usually ends the sleep at once
FAULT_FIELDS = {field.name: field.type for field in fields(Fault)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare one option per knob."""
    port = argument_type(whole(0, 65_535))
    parser.add_argument("--port", type=port, default=11434, help="where to listen on 127.0.0.1; 0: a free port")
    parser.add_argument("--control-port", type=port, help="a second port, which faults don't touch; 0: a free one")
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME[=DIMENSIONS@CONTEXT]",
        help=f"a model to have, may be repeated; default: {', '.join(DEFAULT_MODELS)}",
    )
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        type=fault_from,
        metavar="FAULT[,LIMIT=VALUE...]",
        help=f"let something fail, e.g. cut,after=3,times=2; faults: {', '.join(EVERY_FAULT)}",
    )
    parser.add_argument("--json", action="store_true", help="tell the ports as one line of JSON")
    for name, kind in TYPES.items():
        told = f"{HELP[name]}; default: {getattr(Knobs, name)!r}"
        option = "--" + name.replace("_", "-")
        if kind is tuple:
            parser.add_argument(option, action="append", metavar="TEXT", help=told)
        else:
            parser.add_argument(option, type=kind, metavar=kind.__name__.upper(), help=told)
    parser.add_argument("--latency", type=float, dest="latency", help="the same as --embed-seconds")


def fault_from(text: str) -> dict[str, Any]:
    """Return a fault's limits from `cut,after=3,times=2`. Raises ValueError."""
    name, *limits = text.split(",")
    found: dict[str, Any] = {"name": name}
    for limit in limits:
        key, _, value = limit.partition("=")
        kind = str(FAULT_FIELDS.get(key, ""))
        found[key] = int(value) if kind.startswith("int") else float(value) if kind == "float" else value
    return found


def serve(options: Mapping[str, Any], say: Callable[[str], object]) -> str:
    """Run the stand-in until SIGINT or SIGTERM; return a summary. Raises OSError when the port is taken."""
    knobs = {name: options[name] for name in TYPES if options.get(name) is not None}
    if options.get("latency") is not None:
        knobs.setdefault("embed_seconds", options["latency"])
    signals: list[int] = []
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _: signals.append(number))
    ports = {"port": options["port"], "control_port": options["control_port"]}
    with StandIn(options["model"] or DEFAULT_MODELS, **ports, **knobs) as standin:
        standin.control({"fail": options["fail"]})
        told = {"port": standin.port, "control_port": standin.control_port}
        say(json.dumps(told) if options["json"] else f"The Ollama stand-in listens on {standin.url}")
        # No wait without an end: a signal that comes just before it begins doesn't wake it. And no Event: its lock may
        # be held by this very thread when the handler runs in it.
        while not signals:
            time.sleep(LOOK_EVERY_SECONDS)
        state = standin.state()
    return f"Answered {sum(state['requests'].values())} requests, {state['tokens']} tokens."


def main() -> None:
    """Run without Django: `python -m monitoring.lab.ollama_simulator`."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of every client that left in mid-reply
    parser = argparse.ArgumentParser(description="A server that behaves as Ollama does.")
    add_arguments(parser)
    options = vars(parser.parse_args())
    summary = serve(options, lambda text: print(text, flush=True))  # noqa: T201 - a command
    if not options["json"]:
        print(summary)  # noqa: T201
