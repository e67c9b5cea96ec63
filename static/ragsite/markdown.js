"use strict";
/* Markdown as a tree of harmless elements.

   A model repeats what documents say, and a document may say anything. So nothing here parses HTML: every element is
   made by name from a short list, every text is a text node, links stay text, and images don't exist. What the
   renderer doesn't know, it shows as it was written. */
window.ragsite = window.ragsite || {};

(() => {
  const MAX_DEPTH = 6; // of lists, quotes and emphasis within each other; deeper ones are shown as plain text
  const FENCE = /^ {0,3}(`{3,}|~{3,})/;
  const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
  const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
  const QUOTE = /^ {0,3}> ?/;
  const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:\s+|$)/;
  const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
  const PARTS = new WeakMap(); // container -> [{source, element}] that it shows

  const element = (name, className = "") => {
    const made = document.createElement(name);
    if (className) made.className = className;
    return made;
  };

  /* Blocks: [{kind, lines}] */

  function cutIntoBlocks(lines) {
    const blocks = [];
    let at = 0;
    while (at < lines.length) {
      if (!lines[at].trim()) {
        at += 1;
        continue;
      }
      const kind = kindOf(lines, at);
      const end = endOf(kind, lines, at);
      blocks.push({ kind, lines: lines.slice(at, end) });
      at = end;
    }
    return blocks;
  }

  function kindOf(lines, at) {
    const line = lines[at];
    if (FENCE.test(line)) return "code";
    if (HEADING.test(line)) return "heading";
    if (RULE.test(line)) return "rule";
    if (QUOTE.test(line)) return "quote";
    if (ITEM.test(line)) return "list";
    const below = lines[at + 1] || "";
    const isTable = line.includes("|") && below.includes("|") && below.length < 500 && TABLE_RULE.test(below);
    return isTable ? "table" : "paragraph";
  }

  function endOf(kind, lines, start) {
    const until = (stop) => {
      let end = start + 1;
      while (end < lines.length && !stop(end)) end += 1;
      return end;
    };
    if (kind === "heading" || kind === "rule") return start + 1;
    if (kind === "code") {
      const fence = lines[start].match(FENCE)[1];
      const closing = until((at) => lines[at].trim().startsWith(fence) && !lines[at].trim().slice(fence.length).trim());
      return Math.min(closing + 1, lines.length); // never closed: the stream is still inside it
    }
    if (kind === "quote") return until((at) => !QUOTE.test(lines[at]));
    if (kind === "table") return until((at) => !lines[at].includes("|"));
    if (kind === "list") return until((at) => endsList(lines, at));
    return until((at) => !lines[at].trim() || kindOf(lines, at) !== "paragraph");
  }

  function endsList(lines, at) {
    const line = lines[at];
    if (ITEM.test(line) && !RULE.test(line)) return false;
    if (/^\s{2,}\S/.test(line)) return false;
    if (line.trim()) return !lines[at - 1].trim() || kindOf(lines, at) !== "paragraph";
    const next = lines[at + 1]; // a blank line ends the list unless an item or its continuation follows
    return next === undefined || !(ITEM.test(next) || /^\s{2,}\S/.test(next));
  }

  /* Blocks to elements */

  function buildBlock(block, context, depth) {
    const { kind, lines } = block;
    if (kind === "code") return buildCode(lines);
    if (kind === "heading") return buildHeading(lines[0], context);
    if (kind === "rule") return element("hr");
    if (depth < MAX_DEPTH && kind === "quote") {
      const quote = element("blockquote");
      appendBlocks(quote, lines.map((line) => line.replace(QUOTE, "")), context, depth + 1);
      return quote;
    }
    if (depth < MAX_DEPTH && kind === "list") return buildList(lines, context, depth);
    if (kind === "table") return buildTable(lines, context);
    const paragraph = element("p");
    appendInline(paragraph, joined(lines), context);
    return paragraph;
  }

  function appendBlocks(parent, lines, context, depth) {
    for (const block of cutIntoBlocks(lines)) parent.append(buildBlock(block, context, depth));
  }

  function buildCode(lines) {
    const fence = lines[0].match(FENCE)[1];
    const last = lines.length > 1 && lines[lines.length - 1].trim().startsWith(fence) ? -1 : undefined;
    const pre = element("pre");
    const code = element("code");
    code.textContent = lines.slice(1, last).join("\n");
    pre.tabIndex = 0; // wide code scrolls, also by keyboard
    pre.append(code);
    return pre;
  }

  function buildHeading(line, context) {
    const [, marks, text] = line.match(HEADING);
    const heading = element(`h${Math.min(6, marks.length + 2)}`); // h1 and h2 are the page's own
    appendInline(heading, text.trim().replace(/ #+$/, ""), context);
    return heading;
  }

  function buildList(lines, context, depth) {
    const [, indent, mark] = lines[0].match(ITEM);
    const ordered = /\d/.test(mark);
    const list = element(ordered ? "ol" : "ul");
    if (ordered) list.start = parseInt(mark, 10);
    let item = [];
    const finish = () => {
      if (!item.length) return;
      const li = element("li");
      const [first, ...rest] = cutIntoBlocks(item);
      if (first && first.kind === "paragraph") appendInline(li, joined(first.lines), context);
      else if (first) li.append(buildBlock(first, context, depth + 1));
      for (const block of rest) li.append(buildBlock(block, context, depth + 1));
      list.append(li);
    };
    for (const line of lines) {
      const match = line.match(ITEM);
      if (match && match[1].length <= indent.length + 1) {
        finish();
        item = [line.slice(match[0].length)];
      } else {
        item.push(line.replace(/^ {1,4}/, ""));
      }
    }
    finish();
    return list;
  }

  function buildTable(lines, context) {
    const cellsOf = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
    const wrapper = element("div", "table");
    const table = element("table");
    const [head, body] = [element("thead"), element("tbody")];
    const columns = cellsOf(lines[0]).length;
    const appendRow = (section, line, cellName) => {
      const row = element("tr");
      for (const text of cellsOf(line).slice(0, columns)) {
        const cell = element(cellName);
        appendInline(cell, text, context);
        row.append(cell);
      }
      section.append(row);
    };
    appendRow(head, lines[0], "th");
    for (const line of lines.slice(2)) appendRow(body, line, "td");
    table.append(head, body);
    wrapper.tabIndex = 0;
    wrapper.append(table);
    return wrapper;
  }

  /* Two spaces at the end of a line are a line break, so they stay; those before and after the whole don't. */
  const joined = (lines) => lines.map((line) => line.trimStart()).join("\n").trimEnd();

  function appendInline(parent, text, context) {
    ragsite.inline.append(parent, text, context, MAX_DEPTH);
  }

  /* Show `text` in `container`, keeping the elements of the blocks that are as they were: what a reader has selected
     or focused in a finished paragraph stays, however much is still to come.
     `context.citation(number)` returns an element for "[number]", or null if there is no such source. */
  function update(container, text, context) {
    const blocks = cutIntoBlocks(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"));
    const shown = PARTS.get(container) || [];
    const signature = context.signature || "";
    let same = 0;
    const sourceOf = (block) => `${signature}\n${block.kind}\n${block.lines.join("\n")}`;
    while (same < blocks.length && same < shown.length && shown[same].source === sourceOf(blocks[same])) same += 1;
    for (const gone of shown.splice(same)) gone.element.remove();
    for (const block of blocks.slice(same)) {
      const made = buildBlock(block, context, 0);
      shown.push({ source: sourceOf(block), element: made });
      container.append(made);
    }
    PARTS.set(container, shown);
  }

  function clear(container) {
    PARTS.delete(container);
    container.replaceChildren();
  }

  ragsite.markdown = { update, clear };
})();
