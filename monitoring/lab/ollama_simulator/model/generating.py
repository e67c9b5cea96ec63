"""One generation from the wait for its model to its last line, the same for every path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitoring.lab.ollama_simulator.faults import Fault
from monitoring.lab.ollama_simulator.http.refusals import CRASHED_WHILE_GENERATING, Refusal, runner_gone
from monitoring.lab.ollama_simulator.http.streaming import TokenStream
from monitoring.lab.ollama_simulator.knobs import Knobs
from monitoring.lab.ollama_simulator.model.answers import NOTHING_FOUND, extract_answer, repeated_word
from monitoring.lab.ollama_simulator.model.decoding import check_options
from monitoring.lab.ollama_simulator.model.dialects import Dialect, Outcome, Token
from monitoring.lab.ollama_simulator.model.engine import Call
from monitoring.lab.ollama_simulator.model.models import Model, tagged
from monitoring.lab.ollama_simulator.model.scheduler import Runner
from monitoring.lab.ollama_simulator.model.schemas import formatted
from monitoring.lab.ollama_simulator.model.tokens import pieces_of

ENDING_FAULTS = ("crash", "cut", "error_line", "no_done")
PACE_FAULTS = ("slow_first_token", "slow_tokens")


@dataclass(frozen=True)
class Job:
    """A generation to run, with its options."""

    model: Model
    texts: Sequence[str]  # the prompt's parts, oldest first
    count_prompt: Callable[[int], int]  # the prompt's tokens in a context of that length; may refuse
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_alive_seconds: float | None = None
    streams: bool = True
    format: object = None
    thinks: bool = False


@dataclass(frozen=True)
class Pace:
    """How fast this answer comes."""

    first_token_seconds: float
    tokens_per_second: float

    def seconds_for(self, tokens: int) -> float:
        """Return how long so many tokens take."""
        return tokens / self.tokens_per_second if self.tokens_per_second > 0 else 0.0


async def generate(call: Call, job: Job, dialect: Dialect) -> None:
    """Answer `job` in the words of `dialect`."""
    options = check_options(job.options)
    async with call.engine.scheduler.loaded_runner(job.model, options, job.keep_alive_seconds) as runner:
        load_seconds = call.elapsed_seconds
        try:
            prompt_tokens = job.count_prompt(runner.num_ctx)
            if call.fault(("truncate_context",)) is not None:
                prompt_tokens = min(prompt_tokens, runner.num_ctx // 2)
            await runner.slots.take()
            try:
                with call.engine.counters.generations:
                    await _speak(call, job, dialect, runner, options, prompt_tokens, load_seconds)
            finally:
                runner.slots.give_back()
        except Refusal as refusal:
            raise Refusal(refusal.status, refusal.text, from_stream=job.streams) from None


async def _speak(
    call: Call, job: Job, dialect: Dialect, runner: Runner, options: Mapping[str, Any], prompt_tokens: int, load: float
) -> None:
    knobs = call.knobs_of(job.model)
    ending, pace = call.fault(ENDING_FAULTS), _pace(call, knobs)
    tokens, done_reason = _tokens(call, job, knobs, options)
    if ending is not None and (ending.after or ending.name != "no_done"):
        tokens = tokens[: ending.after]
    if ending is not None and ending.name == "crash" and not tokens:
        call.engine.scheduler.drop(runner)
        raise runner_gone()
    await call.sleep(pace.first_token_seconds)
    spoken_at = call.elapsed_seconds
    if job.streams:
        await _stream(call, dialect, runner, tokens, pace)
    else:
        await call.sleep(pace.seconds_for(len(tokens)))
    call.engine.counters.tokens += len(tokens)
    if ending is not None and ending.name != "no_done":
        _break_off(call, job, dialect, runner, ending)
        return
    outcome = Outcome(
        text="".join(token.text for token in tokens if not token.is_thinking),
        thinking="".join(token.text for token in tokens if token.is_thinking),
        done_reason="" if ending is not None else done_reason,
        prompt_tokens=prompt_tokens,
        answer_tokens=len(tokens),
        load_seconds=load,
        prompt_seconds=max(pace.first_token_seconds, 1e-6),
        answer_seconds=max(call.elapsed_seconds - spoken_at, 1e-6),
        total_seconds=call.elapsed_seconds,
    )
    if not job.streams:
        call.reply.send(200, dialect.whole(outcome), dialect.whole_type)
    else:
        if outcome.done_reason:
            call.reply.write_raw(dialect.ending(outcome))
        call.reply.end()
    call.engine.counters.completed_generations += bool(outcome.done_reason)


async def _stream(call: Call, dialect: Dialect, runner: Runner, tokens: tuple[Token, ...], pace: Pace) -> None:
    """Send the tokens at their pace."""
    call.reply.start(200, dialect.stream_type)
    stream = TokenStream(call.reply, dialect.chunks(tokens), per_second=pace.tokens_per_second)
    try:
        await call.engine.pacemaker.send(stream)
    except asyncio.CancelledError:
        call.engine.counters.tokens += stream.sent
        if not call.engine.stopping and call.fault(("wedge",)) is not None:
            runner.stuck = True
        raise


def _break_off(call: Call, job: Job, dialect: Dialect, runner: Runner, ending: Fault) -> None:
    """End the answer as a broken runner or connection does."""
    if ending.name == "crash":
        call.engine.scheduler.drop(runner)
    if ending.name == "cut":
        call.reply.cut()
        return
    text = ending.message or CRASHED_WHILE_GENERATING
    if not job.streams:
        raise Refusal(500, text)
    call.reply.write_raw(dialect.error(text))
    call.reply.end()


def _pace(call: Call, knobs: Knobs) -> Pace:
    fault = call.fault(PACE_FAULTS)
    if fault is None:
        return Pace(knobs.first_token_seconds, knobs.tokens_per_second)
    if fault.name == "slow_first_token":
        return Pace(fault.seconds or 60.0, knobs.tokens_per_second)
    return Pace(knobs.first_token_seconds, 1 / (fault.seconds or 5.0))


def _tokens(call: Call, job: Job, knobs: Knobs, options: Mapping[str, Any]) -> tuple[tuple[Token, ...], str]:
    """Return the answer's tokens and why it ends there: "stop" or "length"."""
    if knobs.answers == "scripted":
        text = call.engine.next_of_script(tagged(job.model.name), knobs.script)
    elif knobs.answers == "echo":
        text = job.texts[-1] if job.texts else ""
    elif knobs.answers == "refusing":
        text = NOTHING_FOUND
    elif knobs.answers == "repeating":
        text = repeated_word(job.texts)
    else:
        text = extract_answer(job.texts)
    text = formatted(knobs.thinking_aloud + text, job.format)
    for stop in options.get("stop", ()):
        text = text.split(stop)[0] if stop else text
    thoughts = pieces_of(knobs.thinking) if job.thinks else ()
    tokens = (*(Token(each, True) for each in thoughts), *(Token(each) for each in pieces_of(text, knobs.tokens)))
    limit = options.get("num_predict", -1)
    if 0 < limit < len(tokens):
        return tokens[:limit], knobs.done_reason or "length"
    return tokens, knobs.done_reason or "stop"
