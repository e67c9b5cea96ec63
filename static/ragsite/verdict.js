"use strict";
/* What kind of answer this is, told plainly. The server names the rung and the reasons; the words are here. */
window.ragsite = window.ragsite || {};

(() => {
  const UNITS = [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ];

  function ago(seconds) {
    for (const [size, name] of UNITS) {
      const count = Math.floor(seconds / size);
      if (count >= 1) return `${count} ${name}${count === 1 ? "" : "s"}`;
    }
    return "less than a minute";
  }

  /* answer_mode -> [tone, title, text]; tones: plain (as good as it gets), reduced (less than hoped for), old */
  const KINDS = {
    generated: (answer) => [
      "plain",
      "Written by the language model",
      `${answer.model || "It"} wrote this from the sources below. Check there what matters to you.`,
    ],
    cached: (answer) => [
      "plain",
      "Answered before",
      `${age(answer, "The same question was answered", "ago")}; the documents have not changed since.`,
    ],
    cached_semantic: (answer) => [
      "plain",
      "Answered before",
      `${age(answer, "This is the answer to nearly the same question, from", "ago")}.`,
    ],
    stale: (answer) => [
      "old",
      "An older answer",
      `${age(answer, "This was answered", "ago")}, and documents may have changed since.`,
    ],
    extractive: (answer) => [
      answer.degraded ? "reduced" : "plain",
      "Quoted from the documents",
      `${answer.degraded ? "" : "No language model is set up here. "}These are sentences of the documents, word for word.`,
    ],
    passages: () => ["reduced", "Passages only", "These come nearest to your question; the answer may be in them."],
    not_found: (answer) => [
      "reduced",
      "Not in these documents",
      `Nothing in them answers this.${answer.passages.length ? " The nearest passages are listed below." : ""}`,
    ],
  };

  function age(answer, before, after) {
    const seconds = answer.cache && answer.cache.age_seconds;
    return seconds === null || seconds === undefined ? `${before} some time ${after}` : `${before} ${ago(seconds)} ${after}`;
  }

  function kindOf(answer) {
    return foundNothing(answer) ? "not_found" : answer.answer_mode;
  }

  /* Return whether the server says that the documents don't hold the answer. */
  function foundNothing(answer) {
    return answer.answerable === false;
  }

  /* Return the sentences that say why; the one that the banner says itself is left out. */
  function reasonsOf(answer) {
    return answer.degraded_reasons.filter(({ code }) => code !== "not_in_documents").map(({ message }) => message);
  }

  function of(answer) {
    const kind = KINDS[kindOf(answer)] || (() => ["reduced", "Answered in a reduced way", ""]);
    const [tone, title, text] = kind(answer);
    return { tone: tone === "plain" && answer.degraded ? "reduced" : tone, title, text, reasons: reasonsOf(answer) };
  }

  function show(answer) {
    const [box, list] = [document.getElementById("verdict"), document.getElementById("verdict-reasons")];
    const verdict = of(answer);
    box.dataset.tone = verdict.tone;
    document.getElementById("verdict-title").textContent = `${verdict.title}.`;
    document.getElementById("verdict-text").textContent = verdict.text;
    list.replaceChildren(
      ...verdict.reasons.map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }),
    );
    list.hidden = verdict.reasons.length === 0;
    box.hidden = false;
  }

  ragsite.verdict = { show };
})();
