"use strict";
/* The inside of a line of markdown: emphasis, code, citations. Text nodes and six kinds of element, nothing else. */
window.ragsite = window.ragsite || {};

(() => {
  const CITATION = /^\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?:\([^()\s]*\))?/;
  const LINK = /^!?\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\](?:\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+["'(][^"')]*["')])?\s*\)|\[(?!\d+\])[^\[\]]*\])/;
  const BREAK = /^<br\s*\/?>/i;
  const EMPHASIS = { "**": "strong", __: "strong", "*": "em", _: "em", "~~": "del" };
  const WORD = /[\p{L}\p{N}]/u;
  const LINK_MAX_CHARS = 2000; // a longer one is looked at as plain text: matching must not become slow

  function append(parent, text, context, depth) {
    const scan = { text, at: 0, plain: "", unclosed: new Set() };
    const flush = () => {
      if (scan.plain) parent.append(scan.plain);
      scan.plain = "";
    };
    while (scan.at < text.length) {
      const made = next(scan, context, depth);
      if (made === null) continue; // it went into scan.plain
      flush();
      parent.append(...made);
    }
    flush();
  }

  /* Return the nodes at scan.at and step over them; null when what was there is plain text. */
  function next(scan, context, depth) {
    const { text, at } = scan;
    const character = text[at];
    if (character === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] || "")) return plain(scan, text[at + 1], 2);
    if (character === "`") return codeSpan(scan);
    if (character === "\n") return lineBreak(scan);
    if (character === "<" && BREAK.test(text.slice(at, at + 8))) {
      scan.at += text.slice(at, at + 8).match(BREAK)[0].length;
      return [document.createElement("br")];
    }
    if (character === "[" || (character === "!" && text[at + 1] === "[")) return bracket(scan, context, depth);
    if (character === "*" || character === "_" || character === "~") return emphasis(scan, context, depth);
    return plain(scan, character, 1);
  }

  function plain(scan, shown, length) {
    scan.plain += shown;
    scan.at += length;
    return null;
  }

  function lineBreak(scan) {
    const hard = / {2,}$/.test(scan.plain) || scan.plain.endsWith("\\");
    scan.plain = `${scan.plain.replace(/(?: +|\\)$/, "")}${hard ? "" : "\n"}`;
    scan.at += 1;
    return hard ? [document.createElement("br")] : null;
  }

  function codeSpan(scan) {
    const fence = scan.text.slice(scan.at).match(/^`+/)[0];
    const start = scan.at + fence.length;
    let end = scan.unclosed.has(fence) ? -1 : scan.text.indexOf(fence, start);
    while (end !== -1 && scan.text[end + fence.length] === "`") {
      end = scan.text.indexOf(fence, end + scan.text.slice(end).match(/^`+/)[0].length);
    }
    if (end === -1) {
      scan.unclosed.add(fence);
      return plain(scan, fence, fence.length);
    }
    const code = document.createElement("code");
    code.textContent = scan.text.slice(start, end).replace(/^ (.*\S.*) $/s, "$1");
    scan.at = end + fence.length;
    return [code];
  }

  function bracket(scan, context, depth) {
    const buttons = citations(scan, context);
    if (buttons.length) return [besideItsWord(scan, buttons)];
    const rest = scan.text.slice(scan.at, scan.at + LINK_MAX_CHARS);
    const link = rest.match(LINK);
    if (!link) return plain(scan, rest[0], 1);
    scan.at += link[0].length;
    const shown = document.createDocumentFragment();
    const label = link[1].trim();
    if (depth > 0) append(shown, label, context, depth - 1);
    else shown.append(label);
    // The address is shown, not linked: a reader may want it, and nobody is led there by a click on a nicer name.
    const address = link[2] || "";
    if (rest[0] === "[" && /^(https?:|mailto:)/i.test(address) && address !== label) shown.append(` (${address})`);
    return [shown];
  }

  /* Return the buttons of all citations at scan.at, as in "[1][2]", and step over them. */
  function citations(scan, context) {
    const found = [];
    for (;;) {
      const cited = scan.text.slice(scan.at, scan.at + LINK_MAX_CHARS).match(CITATION);
      const buttons = cited ? cited[1].split(/[,;]/).map((number) => context.citation(Number(number))) : [null];
      if (buttons.includes(null)) return found;
      found.push(...buttons);
      scan.at += cited[0].length;
    }
  }

  /* Return the buttons with the end of the word before them: like a footnote's number, they don't start a line. */
  function besideItsWord(scan, buttons) {
    const together = document.createElement("span");
    together.className = "together";
    scan.plain = scan.plain.replace(/ +$/, "");
    const word = scan.plain.match(/\S{0,6}$/u)[0];
    scan.plain = scan.plain.slice(0, scan.plain.length - word.length);
    together.append(word, ...buttons);
    return together;
  }

  function emphasis(scan, context, depth) {
    const { text, at } = scan;
    const run = runAt(text, at);
    const mark = text.slice(at, at + Math.min(run, 2));
    const opens = EMPHASIS[mark] && run <= 3 && depth > 0 && /\S/.test(text[at + run] || " ");
    const insideWord = mark[0] === "_" && WORD.test(text[at - 1] || " "); // snake_case is no emphasis
    const end = opens && !insideWord && !scan.unclosed.has(mark) ? closing(text, at + run, mark) : -1;
    if (end === -1) {
      if (opens && !insideWord) scan.unclosed.add(mark);
      return plain(scan, text.slice(at, at + run), run); // also a line to fill in: ________
    }
    const made = document.createElement(EMPHASIS[mark]);
    append(made, text.slice(at + mark.length, end), context, depth - 1);
    scan.at = end + mark.length;
    return [made];
  }

  function runAt(text, at) {
    let end = at;
    while (text[end] === text[at]) end += 1;
    return end - at;
  }

  /* Return where the mark that closes this emphasis begins, or -1. */
  function closing(text, from, mark) {
    let at = text.indexOf(mark, from);
    while (at !== -1) {
      const run = runAt(text, at);
      const end = at + run;
      const fits = /\S/.test(text[at - 1]) && text[at - 1] !== "\\" && !(mark[0] === "_" && WORD.test(text[end] || " "));
      if (fits && (run === mark.length || run === 3)) return end - mark.length;
      at = text.indexOf(mark, end);
    }
    return -1;
  }

  ragsite.inline = { append };
})();
