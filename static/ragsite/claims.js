"use strict";
/* Which sentence of a passage bears out what stands before a citation.

   The server names one sentence per source. Where an answer cites the same source for several claims, the one that was
   clicked decides: the sentence that shares most words with it. */
window.ragsite = window.ragsite || {};

(() => {
  const SHARED_WORDS_MIN = 2; // fewer are chance
  const sentences = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "sentence" }) : null;
  const words = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "word" }) : null;

  const codePoints = (text) => Array.from(text).length;

  /* Return [{text, index}]; a line that was wrapped by hand is no sentence of its own. */
  function sentencesOf(text) {
    const unwrapped = text.replace(/([^\n])\n(?=[^\n#*-])/g, "$1 ");
    return [...sentences.segment(unwrapped)].map(({ segment, index }) => ({ text: segment, index }));
  }

  function wordsOf(text) {
    const found = [...words.segment(text.toLowerCase())].filter(({ isWordLike }) => isWordLike);
    return new Set(found.map(({ segment }) => segment));
  }

  /* Return the last sentence before a citation's button. */
  function claimBefore(button) {
    const block = button.closest("p, li, td, th, h3, h4, h5, h6, blockquote") || button.parentElement;
    const range = document.createRange();
    range.setStart(block, 0);
    range.setEndBefore(button);
    const before = range.cloneContents();
    for (const number of before.querySelectorAll(".cite")) number.replaceWith(" ");
    return sentencesOf(before.textContent.trim()).pop()?.text || "";
  }

  /* Return where in `text` the sentence for this button is, in code points; null if that can't be told. */
  function sentenceFor(button, text) {
    if (!sentences) return null;
    const wanted = wordsOf(claimBefore(button));
    let best = null;
    for (const sentence of sentencesOf(text)) {
      const own = wordsOf(sentence.text);
      const shared = [...own].filter((word) => wanted.has(word)).length;
      const likeness = shared / Math.sqrt(Math.max(own.size, 4)); // a long sentence shares words by chance
      if (shared >= SHARED_WORDS_MIN && (best === null || likeness > best.likeness)) best = { ...sentence, likeness };
    }
    if (best === null) return null;
    const start = codePoints(text.slice(0, best.index)) + codePoints(best.text) - codePoints(best.text.trimStart());
    return { start, end: start + codePoints(best.text.trim()) };
  }

  ragsite.claims = { sentenceFor };
})();
