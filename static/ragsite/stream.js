"use strict";
/* Asking over HTTP: one POST, and the answer as a stream of server-sent events. (EventSource can't POST.) */
window.ragsite = window.ragsite || {};

(() => {
  const limits = { silenceMs: 20000 }; // a heartbeat comes every second or two; after this long the server is gone

  /* What went wrong, in words for the reader. */
  class AskError extends Error {
    constructor(message, { retryAfterSeconds = null, signInHelps = false } = {}) {
      super(message);
      Object.assign(this, { retryAfterSeconds, signInHelps });
    }
  }

  const WORDS_BY_STATUS = {
    401: "You need to sign in to ask this.",
    403: "You may not ask this.",
    413: "The question is too long.",
    429: "That were too many questions in a short time.",
    502: "The server is restarting or can't be reached right now.",
    503: "The server is too busy to answer right now.",
    504: "The answer took too long.",
  };

  const OUTDATED = "You have signed in or out since this page was opened. Reload it and ask again.";

  /* Ask, and call `on(name, data)` for every event up to the terminal one. Returns when "done" has come.
     Throws AskError in every other case but one: AbortError, when the reader stopped it. */
  async function ask(body, { csrfToken, signal, on }) {
    const request = new AbortController();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    let timer = setTimeout(() => request.abort(), limits.silenceMs);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), limits.silenceMs);
    };
    try {
      const response = await fetch("/api/v1/query", {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "text/event-stream", "X-CSRFToken": csrfToken },
        body: JSON.stringify({ ...body, stream: true }),
        signal: request.signal,
      });
      if (!response.ok) throw await errorOf(response);
      await readToTheEnd(response, on, alive);
    } catch (error) {
      if (error instanceof AskError || signal.aborted) throw error;
      if (request.signal.aborted) throw new AskError("The server has gone quiet.");
      if (error instanceof TypeError) throw new AskError("The connection to the server was lost.");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async function readToTheEnd(response, on, alive) {
    for await (const { name, data } of eventsOf(response.body, alive)) {
      if (name === "error") throw fromProblem(data, response.headers);
      on(name, data);
      if (name === "done") return;
    }
    throw new AskError("The connection ended before the answer did.");
  }

  /* Yield {name, data} for every event of a text/event-stream body; comments are only a sign of life. */
  async function* eventsOf(body, alive) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let [pending, name, data] = ["", "message", []];
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        alive();
        pending += decoder.decode(value, { stream: true });
        const lines = pending.split(/\r\n|\n|\r(?!$)/); // a lone \r at the end may be half of \r\n
        pending = lines.pop();
        for (const line of lines) {
          if (line === "") {
            if (data.length) yield { name, data: parse(data.join("\n")) };
            [name, data] = ["message", []];
          } else if (!line.startsWith(":")) {
            const [, field, content] = line.match(/^([^:]*):? ?(.*)$/s);
            if (field === "event") name = content;
            if (field === "data") data.push(content);
          }
        }
      }
    } finally {
      reader.cancel().catch(() => {}); // leaving early tells the server to stop
    }
  }

  function parse(text) {
    try {
      return JSON.parse(text);
    } catch {
      throw new AskError("The server's answer can't be read.");
    }
  }

  /* Problems: RFC 9457, or whatever a proxy in between has sent */

  async function errorOf(response) {
    const type = response.headers.get("Content-Type") || "";
    let problem = {};
    if (type.includes("json")) problem = await response.json().catch(() => ({}));
    return fromProblem({ status: response.status, ...problem }, response.headers);
  }

  function fromProblem(problem, headers) {
    const wait = Number(problem.retry_after_seconds ?? headers.get("Retry-After"));
    const fields = (problem.errors || []).map(({ message }) => String(message));
    const isOutdated = problem.status === 403 && /^CSRF/.test(problem.detail || "");
    const words = (isOutdated ? OUTDATED : problem.detail) || WORDS_BY_STATUS[problem.status] || "The server could not answer.";
    return new AskError(fields.length ? fields.join(" ") : String(words), {
      retryAfterSeconds: wait > 0 ? Math.ceil(wait) : null,
      signInHelps: problem.status === 401,
    });
  }

  /* GET or POST some JSON; AskError in words when that fails. */
  async function fetchJson(url, { body, csrfToken, signal } = {}) {
    const options = body
      ? { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken }, body: JSON.stringify(body) }
      : {};
    let response;
    try {
      response = await fetch(url, { ...options, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new AskError("The connection to the server was lost.");
    }
    if (!response.ok) throw await errorOf(response);
    return response.status === 204 ? null : response.json().catch(() => null);
  }

  ragsite.stream = { ask, fetchJson, AskError, limits };
})();
