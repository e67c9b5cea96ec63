"use strict";
/* The conductor of the ask page: one question at a time, from the form to the terminal event. */
window.ragsite = window.ragsite || {};

(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("ask");
  if (!form) return;
  const REMEMBERED = "ragsite.corpus";
  const question = byId("question");
  const corpus = byId("corpus");
  let running = null; // the AbortController of the question that is being answered
  let last = null; // what was sent: it is asked again of the same corpora, whatever is chosen by then
  let countdown = 0;

  const ask = (words) => send({ query: words, corpora: corpus.value ? [corpus.value] : [] });

  async function send(body) {
    if (running) running.abort();
    last = body;
    const mine = new AbortController();
    running = mine;
    begin(body.query);
    try {
      await ragsite.stream.ask(body, { csrfToken: ragsite.csrfToken(), signal: mine.signal, on: onEvent });
    } catch (error) {
      if (running === mine) fail(mine.signal.aborted ? null : error);
    }
    if (running === mine) finish();
  }

  function onEvent(name, data) {
    if (name === "passages") {
      ragsite.sources.take(data);
      if (data.length) tell(`Found ${data.length} passage${data.length === 1 ? "" : "s"}. Answering…`);
    } else if (name === "token") {
      if (!ragsite.answer.hasText()) tell("Answering…");
      ragsite.answer.add(data.text);
    } else if (name === "done") {
      ragsite.answer.complete(data);
      tell(`Answered in ${clock.words()}.`);
    }
  }

  function begin(words) {
    clearInterval(countdown);
    byId("result").hidden = false;
    byId("suggestions").hidden = true;
    document.body.dataset.asked = ""; // the head of the page makes room for the answer
    grow();
    if (matchMedia("(pointer: coarse)").matches) question.blur(); // puts a phone's keyboard away
    byId("asked").textContent = words;
    ragsite.answer.clear();
    byId("status").hidden = false;
    document.body.dataset.state = "running";
    byId("send").hidden = true;
    byId("stop").hidden = false;
    tell("Searching the documents…");
    clock.start();
  }

  function finish() {
    running = null;
    clock.stop();
    ragsite.answer.rest();
    document.body.dataset.state = "ready";
    const hadFocus = document.activeElement === byId("stop");
    byId("stop").hidden = true;
    byId("send").hidden = false;
    if (hadFocus) byId("send").focus();
  }

  /* Say what went wrong; null: the reader stopped it. */
  function fail(error) {
    const partial = ragsite.answer.hasText();
    if (error === null) {
      tell(partial ? "Stopped. The answer above is incomplete." : "Stopped.");
      return;
    }
    if (!(error instanceof ragsite.stream.AskError)) reportError(error); // our own mistake: visible in the console
    const words = error instanceof ragsite.stream.AskError ? error.message : "This page has made a mistake. Reload it and ask again.";
    tell(partial ? "The answer is incomplete." : "No answer.");
    byId("problem-text").textContent = partial ? `The answer above is incomplete. ${words}` : words;
    byId("sign-in").hidden = !error.signInHelps;
    byId("problem").hidden = false;
    holdBack(error.retryAfterSeconds || 0);
  }

  /* "Try again" only after the seconds that the server asked for. */
  function holdBack(seconds) {
    const again = byId("again");
    let left = seconds;
    const show = () => {
      again.disabled = left > 0;
      again.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
      if (left <= 0) clearInterval(countdown);
      left -= 1;
    };
    clearInterval(countdown);
    countdown = setInterval(show, 1000);
    show();
  }

  function tell(words) {
    byId("phase").textContent = words;
  }

  /* Seconds since the question was sent; shown, but not read out */
  const clock = {
    started: 0,
    timer: 0,
    seconds: () => (performance.now() - clock.started) / 1000,
    words: () => (clock.seconds() < 1 ? `${Math.round(clock.seconds() * 1000)} ms` : `${clock.seconds().toFixed(1)} s`),
    start() {
      clearInterval(clock.timer);
      clock.started = performance.now();
      clock.timer = setInterval(() => {
        byId("clock").textContent = clock.seconds() >= 1 ? `${Math.floor(clock.seconds())} s` : "";
      }, 250);
    },
    stop() {
      clearInterval(clock.timer);
      byId("clock").textContent = "";
    },
  };

  /* The form */

  function submit(event) {
    event.preventDefault();
    const words = question.value.trim();
    if (words) ask(words);
    else question.focus();
  }

  function showWhatCorpusHas() {
    byId("empty").hidden = !corpus.selectedOptions[0]?.hasAttribute("data-empty");
    let shown = false;
    for (const list of document.querySelectorAll("#suggestions ul")) {
      const fits = corpus.value === "" ? !("alone" in list.dataset) : list.dataset.corpus === corpus.value;
      list.hidden = shown || !fits;
      shown = shown || !list.hidden;
    }
    const everything = byId("everything");
    if (everything) everything.hidden = corpus.value !== "";
    byId("suggestions").hidden = !shown || !byId("result").hidden;
  }

  function remember() {
    try {
      localStorage.setItem(REMEMBERED, corpus.value);
    } catch {
      // no storage in this browser: then the choice lasts as long as the page
    }
    showWhatCorpusHas();
  }

  function recall() {
    try {
      const last = localStorage.getItem(REMEMBERED);
      if (last !== null && [...corpus.options].some((option) => option.value === last)) corpus.value = last;
    } catch {
      // as above
    }
  }

  function grow() {
    const least = "asked" in document.body.dataset ? 1 : 2;
    question.rows = least;
    const lineHeight = parseFloat(getComputedStyle(question).lineHeight);
    const lines = Math.round((question.scrollHeight - 20) / lineHeight);
    question.rows = Math.min(10, Math.max(least, lines));
  }

  form.addEventListener("submit", submit);
  question.addEventListener("input", grow);
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  corpus.addEventListener("change", remember);
  byId("stop").addEventListener("click", () => running?.abort());
  byId("again").addEventListener("click", () => send(last));
  byId("suggestions").addEventListener("click", (event) => {
    if (!event.target.matches(".suggestion")) return;
    question.value = event.target.textContent;
    form.requestSubmit();
  });

  ragsite.askAgain = () => send({ ...last, use_cache: false });
  byId("controls").disabled = false;
  recall();
  showWhatCorpusHas();
  grow();
  document.body.dataset.state = "ready";
})();
