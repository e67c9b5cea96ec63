"use strict";
/* The passages of an answer: what the numbers in it point to, and the list below it. */
window.ragsite = window.ragsite || {};

(() => {
  const section = document.getElementById("sources");
  const title = document.getElementById("sources-title");
  const list = document.getElementById("source-list");
  if (!section) return;
  const NEAREST = "Nearest passages";
  let sources = []; // of the answer that is shown, by number
  let quotes = []; // its citations, once it is complete: one for each number in it, in its order

  function take(passages) {
    sources = passages.map((passage) => ({
      number: passage.number,
      documentId: passage.document_id,
      title: passage.title || passage.source,
      page: passage.page,
      heading: passage.heading,
      start: passage.start,
      end: passage.end,
      text: passage.text,
    }));
    show();
  }

  /* `isAnswered`: whether there is an answer that rests on them. Else they are only what comes nearest. */
  function cite(citations, { isAnswered }) {
    quotes = isAnswered ? citations : [];
    title.textContent = isAnswered ? "Sources" : NEAREST;
    show();
  }

  function clear() {
    [sources, quotes] = [[], []];
    title.textContent = "Sources";
    show();
  }

  function show() {
    list.replaceChildren(...sources.map(card));
    section.hidden = sources.length === 0;
  }

  function card(source) {
    const item = document.createElement("li");
    const own = quotes.filter(({ number }) => number === source.number);
    const button = piece("button", own.length ? "source cited" : "source");
    button.type = "button";
    button.setAttribute("aria-haspopup", "dialog");
    const place = [ragsite.passage.placeOf(source), own.length ? "cited" : ""].filter(Boolean).join(" · ");
    const words = own.length
      ? [...new Set(own.map(({ quote }) => quote))].join(" … ")
      : source.text.replace(/^#{1,6} .*$/gm, ""); // headings are in the place already
    const head = piece("span", "source-head");
    head.append(piece("span", "number", source.number), piece("span", "source-title", source.title));
    button.append(head, piece("span", "source-place", place), piece("span", "source-text", words.trim()));
    button.addEventListener("click", () => open(source.number, button));
    item.append(button);
    return item;
  }

  function piece(name, className, words = "") {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = words;
    return made;
  }

  function open(number, from) {
    const source = sources.find((each) => each.number === number);
    if (!source) return;
    const marked = quotesOf(source, from);
    const { heading, page } = marked.length === 1 ? marked[0] : source; // a passage may hold several short sections
    ragsite.passage.open({ ...source, heading: heading ?? source.heading, page }, marked, from);
  }

  /* Return the quotes to mark: that of the number that was clicked, all of the source's when its card was. */
  function quotesOf(source, from) {
    const own = quotes.filter((quote) => quote.number === source.number);
    const buttons = [...document.querySelectorAll("#answer .cite")].filter((each) => each.textContent === from.textContent);
    const place = buttons.indexOf(from);
    return place >= 0 && buttons.length === own.length ? [own[place]] : own;
  }

  /* Return the button for "[number]" in an answer; null if there is no such source. */
  function citation(number) {
    const source = sources.find((each) => each.number === number);
    if (!source) return null;
    const button = piece("button", "cite", number);
    button.type = "button";
    button.setAttribute("aria-haspopup", "dialog");
    const page = source.page ? `, page ${source.page}` : "";
    button.setAttribute("aria-label", `Source ${number}: ${source.title}${page}`);
    button.title = `${source.title}${page}`;
    button.addEventListener("click", () => open(number, button));
    return button;
  }

  /* What the answer's numbers mean at the moment: they become buttons when this changes. */
  const signature = () => sources.map((source) => source.number).join();

  /* Return the sources as lines of text, cited ones only if there are any. */
  function asText() {
    const cited = new Set(quotes.map((quote) => quote.number));
    const lines = sources
      .filter((source) => cited.size === 0 || cited.has(source.number))
      .map((source) => `[${source.number}] ${source.title}${source.page ? `, page ${source.page}` : ""}`);
    return (title.textContent === NEAREST && lines.length ? [`${NEAREST}:`, ...lines] : lines).join("\n");
  }

  ragsite.sources = { take, cite, clear, citation, signature, asText };
})();
