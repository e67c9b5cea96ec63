"use strict";
/* The answer on the page: its text as it comes, and what a reader can do with it. */
window.ragsite = window.ragsite || {};

(() => {
  const byId = (id) => document.getElementById(id);
  const box = byId("answer");
  if (!box) return;
  const LABELS = {
    embed: "Vector of the question",
    lexical: "Search by words",
    dense: "Search by meaning",
    score: "Comparing the finds",
    load: "Reading the passages",
    retrieve: "Search, in all",
    prompt: "Writing the prompt",
    first_token: "First word after",
    generate: "Writing by the model",
    extract: "Choosing sentences",
    total: "In all",
  };
  let text = "";
  let answer = null; // once it is complete
  let frame = 0;

  function clear() {
    [text, answer] = ["", null];
    ragsite.markdown.clear(box);
    ragsite.sources.clear();
    for (const id of ["verdict", "uncertain", "problem", "tools", "comment-form", "making", "wrong-question"]) byId(id).hidden = true;
    for (const id of ["good", "bad"]) byId(id).setAttribute("aria-pressed", "false");
    byId("tools-note").textContent = "";
    byId("comment").value = "";
    box.setAttribute("aria-busy", "true"); // a screen reader reads it once, when it is complete
  }

  /* Add streamed text; drawn at most once per frame. */
  function add(more) {
    text += more;
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw() {
    cancelAnimationFrame(frame);
    frame = 0;
    ragsite.markdown.update(box, text, { citation: ragsite.sources.citation, signature: ragsite.sources.signature() });
  }

  /* Show the complete answer: the server has checked its text and citations, so it replaces what was streamed. */
  function complete(whole) {
    [answer, text] = [whole, whole.answer];
    ragsite.sources.take(whole.passages);
    ragsite.sources.cite(whole.citations, { isAnswered: ragsite.verdict.isAnswered(whole) });
    draw();
    box.dataset.mode = whole.original_mode;
    ragsite.verdict.show(whole);
    showMaking(whole);
    byId("wrong-question").hidden = whole.answer_mode !== "cached_semantic";
    byId("tools").hidden = false;
    rest();
  }

  /* Nothing more will come. */
  function rest() {
    if (frame) draw();
    box.removeAttribute("aria-busy");
  }

  function showMaking(whole) {
    const rows = Object.entries(whole.timings_ms).map(([name, ms]) => [label(name), milliseconds(ms)]);
    for (const leg of whole.legs) {
      if (leg.status !== "ok") rows.push([`Search leg “${leg.name}”`, leg.status]);
    }
    if (whole.model) rows.push(["Model", whole.model]);
    const usage = whole.usage || {};
    if (usage.answer_tokens) rows.push(["Tokens", `${usage.prompt_tokens} read, ${usage.answer_tokens} written`]);
    byId("making-list").replaceChildren(
      ...rows.flatMap(([name, value]) => [filled("dt", name), filled("dd", value)]),
    );
    byId("making").hidden = rows.length === 0;
  }

  const milliseconds = (ms) => (ms < 1 ? "less than 1 ms" : `${Math.round(ms)} ms`);
  const label = (name) => LABELS[name] || name.replaceAll("_", " ");

  function filled(name, words) {
    const made = document.createElement(name);
    made.textContent = words;
    return made;
  }

  /* Copy and feedback */

  async function copy() {
    const sources = ragsite.sources.asText();
    const copied = await toClipboard(sources ? `${text}\n\n${sources}\n` : text);
    byId("tools-note").textContent = copied ? "Copied." : "Your browser does not allow copying here.";
  }

  async function toClipboard(words) {
    try {
      await navigator.clipboard.writeText(words); // missing where the page came over plain HTTP
      return true;
    } catch {
      const area = document.createElement("textarea");
      area.className = "visually-hidden";
      area.value = words;
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      byId("copy").focus();
      return copied;
    }
  }

  async function rate(rating, comment = "") {
    const note = byId("tools-note");
    byId("good").setAttribute("aria-pressed", String(rating === 1));
    byId("bad").setAttribute("aria-pressed", String(rating === -1));
    byId("comment-form").hidden = rating === 1 || comment !== "";
    try {
      const body = { query_id: answer.id, rating, comment };
      await ragsite.stream.fetchJson("/api/v1/feedback", { body, csrfToken: ragsite.csrfToken() });
      note.textContent = "Thank you.";
    } catch (error) {
      note.textContent = `That was not stored: ${error.message}`;
    }
  }

  function askAgain() {
    byId("asked").focus(); // the button goes away
    ragsite.askAgain();
  }

  /* Say that this is the answer to another question, and ask anew: whether that was stored is no reason to wait. */
  function refuse() {
    const body = { query_id: answer.id, rating: -1, reason: "wrong_question" };
    ragsite.stream.fetchJson("/api/v1/feedback", { body, csrfToken: ragsite.csrfToken() }).catch(() => {});
    askAgain();
  }

  byId("ask-again").addEventListener("click", askAgain);
  byId("wrong-question").addEventListener("click", refuse);
  byId("copy").addEventListener("click", copy);
  byId("good").addEventListener("click", () => rate(1));
  byId("bad").addEventListener("click", () => rate(-1));
  byId("comment-form").addEventListener("submit", (event) => {
    event.preventDefault();
    rate(-1, byId("comment").value.trim());
  });

  ragsite.csrfToken = () => document.querySelector("#ask [name=csrfmiddlewaretoken]").value;
  ragsite.answer = { clear, add, complete, rest, hasText: () => text !== "" };
})();
