"""Routes that control the stand-in: set knobs, add faults, read the counts."""

from __future__ import annotations

from typing import Any

from monitoring.lab.ollama_simulator.http.refusals import Refusal
from monitoring.lab.ollama_simulator.model.decoding import decode_first_value
from monitoring.lab.ollama_simulator.model.engine import Call, Engine
from monitoring.lab.ollama_simulator.model.models import model_from, tagged

COMMANDS = ("set", "model", "fail", "heal", "stick", "unload", "add", "remove", "refuse", "reset_counters")


async def state(call: Call) -> None:
    """GET /standin/state"""
    call.send_json(state_of(call.engine))


async def requests(call: Call) -> None:
    """GET /standin/requests: the latest requests, oldest first."""
    call.send_json({"requests": list(call.engine.counters.recent)})


async def control(call: Call) -> None:
    """POST /standin/control"""
    wishes = decode_first_value(call.request.body)
    if not isinstance(wishes, dict):
        raise Refusal(400, "send a JSON object")
    try:
        apply(call.engine, wishes)
    except (AttributeError, TypeError, ValueError) as error:
        raise Refusal(400, str(error)) from None
    call.send_json(state_of(call.engine))


def apply(engine: Engine, wishes: dict[str, Any]) -> None:
    """Do what `wishes` says; see COMMANDS. Raises ValueError for one that makes no sense.

    {"set": {knob: value}, "model": name}      turn knobs, for all models or for one
    {"fail": [{"name": fault, ...limits}]}     let things fail
    {"heal": true} or {"heal": fault}          stop all faults, or one kind
    {"stick": name}, {"unload": name}          leave a model stuck now; drop it
    {"add": [model]}, {"remove": name}         install and delete models
    {"refuse": true}                           close the door: connection refused (a control port stays open)
    {"reset_counters": true}
    """
    if unknown := set(wishes) - set(COMMANDS):
        raise ValueError(f"there is no command {', '.join(sorted(unknown))}; there are: {', '.join(COMMANDS)}")
    if "heal" in wishes:
        engine.faults.clear(wishes["heal"] if isinstance(wishes["heal"], str) else None)
    if "set" in wishes:
        engine.knobs.turn(wishes["set"], tagged(wishes["model"]) if wishes.get("model") else None)
        engine.script_places.clear()
        for runner in engine.scheduler.loaded.values():
            runner.slots.wake()
    for limits in wishes.get("fail", ()):
        limits = dict(limits)
        if limits.get("model"):
            limits["model"] = tagged(limits["model"])
        engine.faults.add(limits.pop("name", ""), **limits)
    for description in wishes.get("add", ()):
        engine.catalogue.add(model_from(description))
    _to_one_model(engine, wishes)
    if "refuse" in wishes and engine.refuse is not None:
        engine.refuse(bool(wishes["refuse"]))
    if wishes.get("reset_counters"):
        engine.counters.reset()


def _to_one_model(engine: Engine, wishes: dict[str, Any]) -> None:
    if "remove" in wishes:
        engine.catalogue.remove(wishes["remove"])
    if "unload" in wishes and (model := engine.catalogue.find(wishes["unload"])) is not None:
        engine.scheduler.unload(model)
    if "stick" in wishes:
        runner = engine.scheduler.loaded.get(tagged(wishes["stick"]))
        if runner is None:
            raise ValueError(f"{wishes['stick']} is not loaded")
        runner.stuck = True


def state_of(engine: Engine) -> dict[str, Any]:
    """Return counts, knobs, faults and what is loaded."""
    return {
        **engine.counters.as_dict(),
        "loading_or_waiting_for_load": engine.scheduler.pending,
        "waiting_for_slot": engine.scheduler.waiting,
        "loaded": {
            name: {"num_ctx": runner.num_ctx, "users": runner.users, "stuck": runner.stuck}
            for name, runner in engine.scheduler.loaded.items()
        },
        "models": [tagged(model.name) for model in engine.catalogue.newest_first()],
        "knobs": engine.knobs.as_dict(),
        "coming_faults": engine.faults.as_list(),
    }
