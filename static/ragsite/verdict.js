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

  /* how it was written -> [tone, title, text]; tones: plain (as good as it gets), reduced (less than hoped for) */
  const KINDS = {
    generated: (answer) => [
      "plain",
      "Written by the language model",
      `${answer.model || "It"} wrote this from the sources below. Check there what matters to you.`,
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

  /* What is said of an answer that was made before, by answer_mode; "": of one that others asked for at the same time. */
  const EARLIER = {
    "": "The same question was answered %.",
    cached: "An earlier answer: the same question was answered %, and the documents have not changed since.",
    cached_semantic: "An earlier answer: nearly the same question was answered %.",
    stale: "An older answer, from %: documents may have changed since.",
  };

  function earlier(answer) {
    if (!(answer.cache.hit || answer.answer_mode in EARLIER)) return "";
    const seconds = answer.cache.age_seconds;
    const when = typeof seconds === "number" ? `${ago(seconds)} ago` : "some time ago";
    return (EARLIER[answer.answer_mode] || EARLIER[""]).replace("%", when);
  }

  function kindOf(answer) {
    return foundNothing(answer) ? "not_found" : answer.original_mode || answer.answer_mode;
  }

  /* Return whether the server says that the documents don't hold the answer. */
  function foundNothing(answer) {
    return answer.answerable === false;
  }

  /* Return whether there is an answer, and not only what comes nearest to one. */
  function isAnswered(answer) {
    return !["not_found", "passages"].includes(kindOf(answer));
  }

  /* Return the sentences that say why; those that are said elsewhere on the page are left out. */
  function reasonsOf(answer) {
    const elsewhere = ["not_in_documents", "uncertain", "stale"];
    return answer.degraded_reasons.filter(({ code }) => !elsewhere.includes(code)).map(({ message }) => message);
  }

  function of(answer) {
    const kind = KINDS[kindOf(answer)] || (() => ["reduced", "Answered in a reduced way", ""]);
    const [tone, title, text] = kind(answer);
    const isOld = answer.answer_mode === "stale";
    const shown = isOld ? "old" : tone === "plain" && answer.degraded ? "reduced" : tone;
    return { tone: shown, title, text, reasons: reasonsOf(answer) };
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
    const words = earlier(answer);
    document.getElementById("earlier-text").textContent = words;
    document.getElementById("earlier").hidden = words === "";
    box.hidden = false;
    showUncertain(answer);
  }

  function showUncertain(answer) {
    const line = document.getElementById("uncertain");
    const reason = answer.degraded_reasons.find(({ code }) => code === "uncertain");
    line.textContent = reason ? reason.message : "";
    line.hidden = !reason;
  }

  ragsite.verdict = { show, isAnswered };
})();
