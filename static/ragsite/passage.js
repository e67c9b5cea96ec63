"use strict";
/* A passage in its place: the document's text around it, with the cited sentences marked.

   Offsets count characters as Python does (code points); JavaScript's strings count UTF-16 units. So text is cut as an
   array of code points, or one emoji above the quote would shift the mark. */
window.ragsite = window.ragsite || {};

(() => {
  const CONTEXT_CHARS = 700; // on each side of the passage
  const dialog = document.getElementById("passage");
  if (!dialog) return;
  const [title, place, number, note, text] = ["title", "place", "number", "note", "text"].map((part) =>
    document.getElementById(`passage-${part}`),
  );
  let opener = null;
  let loading = new AbortController();

  /* Open the panel. `source`: a passage of the answer; `quotes`: [{start, end, quote}], its cited sentences. */
  async function open(source, quotes, from) {
    opener = from;
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    title.textContent = source.title;
    place.textContent = placeOf(source);
    number.textContent = source.number;
    note.hidden = true;
    text.replaceChildren(source.text);
    text.setAttribute("aria-busy", "true");
    if (!dialog.open) dialog.showModal();
    try {
      const start = Math.max(0, source.start - CONTEXT_CHARS);
      const url = `/api/v1/documents/${encodeURIComponent(source.documentId)}/text?start=${start}&end=${source.end + CONTEXT_CHARS}`;
      const excerpt = await ragsite.stream.fetchJson(url, { signal });
      if (!signal.aborted) showInPlace(excerpt, source, quotes);
    } catch (error) {
      if (signal.aborted) return;
      showAlone(source, quotes, `The text around it can't be shown: ${error.message}`);
    }
    text.removeAttribute("aria-busy");
    const marked = text.querySelector("mark, .cited-passage");
    if (marked) marked.scrollIntoView({ block: "center" });
  }

  function placeOf(source) {
    const page = source.page ? `Page ${source.page}` : "";
    const headings = source.heading.split(" > ");
    if (headings[0] === source.title) headings.shift(); // said already
    return [page, headings.join(" › ")].filter(Boolean).join(" · ");
  }

  function showInPlace(excerpt, source, quotes) {
    const points = Array.from(excerpt.text);
    const inside = points.slice(source.start - excerpt.start, source.end - excerpt.start).join("");
    if (squeezed(inside) !== squeezed(source.text)) {
      showAlone(source, quotes, "The document has changed since. This is the passage as it was when the question was answered.");
      return;
    }
    const at = (offset) => Math.min(Math.max(offset - excerpt.start, 0), points.length);
    const [start, end] = [at(source.start), at(source.end)];
    const before = points.slice(0, start).join("");
    const after = points.slice(end).join("");
    const cutBefore = excerpt.start > 0;
    const cutAfter = excerpt.start + points.length < excerpt.total_chars;
    text.replaceChildren(
      around(cutBefore ? `… ${before.replace(/^\S*\s+/, "")}` : before),
      passage(points.slice(start, end), quotes.map((quote) => [at(quote.start) - start, at(quote.end) - start])),
      around(cutAfter ? `${after.replace(/\s+\S*$/, "")} …` : after),
    );
  }

  function showAlone(source, quotes, reason) {
    const points = Array.from(source.text);
    const spans = quotes.map((quote) => [quote.start - source.start, quote.end - source.start]);
    text.replaceChildren(passage(points, spans));
    note.textContent = reason;
    note.hidden = false;
  }

  function around(words) {
    const span = document.createElement("span");
    span.className = "around";
    span.textContent = words;
    return span;
  }

  /* Return the passage's text with the spans of code points in <mark>s. */
  function passage(points, spans) {
    const box = document.createElement("span");
    box.className = "cited-passage";
    let done = 0;
    for (const [start, end] of spans.sort((one, other) => one[0] - other[0])) {
      const from = Math.max(start, done);
      const to = Math.min(end, points.length);
      if (to <= from) continue;
      const mark = document.createElement("mark");
      mark.textContent = points.slice(from, to).join("");
      box.append(points.slice(done, from).join(""), mark);
      done = to;
    }
    box.append(points.slice(done).join(""));
    return box;
  }

  const squeezed = (words) => words.replace(/\s+/g, " ").trim();

  document.getElementById("passage-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside the panel
  });
  dialog.addEventListener("close", () => {
    loading.abort();
    if (opener && opener.isConnected) opener.focus();
  });

  ragsite.passage = { open, placeOf };
})();
