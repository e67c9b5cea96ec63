/* Documents in the admin: bars that move by themselves, and the upload of many files. */
"use strict";

const POLL_MS = 2000;
const POLLED_MAX = 200;

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) {
    element.className = className;
  }
  if (text !== undefined) {
    element.textContent = text;
  }
  return element;
}

/* ---- Bars ---- */

function badgeOf(row) {
  return make("span", `badge badge-${row.kind}`, row.words);
}

function barOf(row) {
  const bar = make("span", "bar");
  if (row.status === "processing" && row.total) {
    const progress = make("progress");
    progress.max = row.total;
    progress.value = row.done;
    bar.append(progress, " ");
  }
  bar.append(row.label);
  return bar;
}

async function progressOf(url, ids) {
  const query = ids.map((id) => `id=${encodeURIComponent(id)}`).join("&");
  const reply = await fetch(`${url}?${query}`, { headers: { Accept: "application/json" } });
  if (!reply.ok) {
    throw new Error(String(reply.status));
  }
  return (await reply.json()).documents;
}

/* Every two seconds, while something on the page moves and somebody looks at it. */
function watch(idsOf, url, show) {
  async function look() {
    const ids = idsOf().slice(0, POLLED_MAX);
    if (ids.length && !document.hidden) {
      try {
        (await progressOf(url, ids)).forEach(show);
      } catch {
        /* The server is away for a moment: asked again in two seconds. */
      }
    }
    setTimeout(look, POLL_MS);
  }
  look();
}

function watchPage(url) {
  const moving = () =>
    [...document.querySelectorAll("[data-progress]")].map((each) => each.dataset.progress).filter(Boolean);
  watch(moving, url, (row) => {
    for (const cell of document.querySelectorAll(`[data-state="${row.id}"]`)) {
      cell.replaceChildren(badgeOf(row));
    }
    for (const cell of document.querySelectorAll(`[data-progress="${row.id}"]`)) {
      cell.replaceChildren(barOf(row));
      if (row.status !== "processing") {
        cell.dataset.progress = "";
      }
    }
  });
}

/* ---- Upload ---- */

const AT_ONCE = 3;

class Uploads {
  constructor(page) {
    this.page = page;
    this.token = page.querySelector("[name=csrfmiddlewaretoken]").value;
    this.waiting = [];
    this.sending = 0;
    this.rows = new Map(); // by the document's id
    this.counts = { sent: 0, all: 0, refused: 0 };
    const drop = document.getElementById("drop");
    const chosen = document.getElementById("files");
    chosen.hasChangeListener = true; // the theme's own expects a text field beside it
    chosen.addEventListener("change", () => {
      this.add(chosen.files);
      chosen.value = "";
    });
    for (const name of ["dragenter", "dragover"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    for (const name of ["dragleave", "drop"]) {
      drop.addEventListener(name, () => drop.classList.remove("over"));
    }
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.sending || this.waiting.length) {
        event.preventDefault();
      }
    });
    watch(() => [...this.rows.entries()].filter(([, row]) => row.moves).map(([id]) => id), page.dataset.progressUrl, (row) =>
      this.moved(row),
    );
  }

  add(files) {
    const corpus = document.getElementById("corpus").value;
    document.getElementById("list").hidden = false;
    for (const file of files) {
      this.waiting.push({ file, corpus, row: this.newRow(file.name) });
      this.counts.all += 1;
    }
    this.summarise();
    while (this.sending < AT_ONCE && this.waiting.length) {
      this.sendNext();
    }
  }

  newRow(name) {
    const row = { element: make("li"), name: make("bdi", "name", name), state: make("span"), note: make("span", "note") };
    row.state.append(badgeOf({ kind: "plain", words: "to be sent" }));
    row.element.append(row.name, row.state, row.note);
    document.getElementById("rows").append(row.element);
    return row;
  }

  sendNext() {
    const { file, corpus, row } = this.waiting.shift();
    const isArchive = /\.zip$/i.test(file.name);
    const data = new FormData();
    data.append("corpus", corpus);
    data.append("file", file);
    const request = new XMLHttpRequest();
    const bar = make("progress");
    row.state.replaceChildren(badgeOf({ kind: "busy", words: "sending" }));
    row.note.replaceChildren(bar);
    request.upload.addEventListener("progress", (event) => {
      bar.max = event.total;
      bar.value = event.loaded;
      if (isArchive && event.loaded === event.total) {
        row.note.replaceChildren(make("progress"), "unpacking; its files are indexed meanwhile");
      }
    });
    request.addEventListener("loadend", () => {
      this.sending -= 1;
      this.counts.sent += 1;
      this.answered(request, row, isArchive);
      this.summarise();
      if (this.waiting.length) {
        this.sendNext();
      }
    });
    request.open("POST", isArchive ? this.page.dataset.archiveUrl : this.page.dataset.filesUrl);
    request.setRequestHeader("X-CSRFToken", this.token);
    request.setRequestHeader("Accept", "application/json");
    this.sending += 1;
    request.send(data);
  }

  answered(request, row, isArchive) {
    let reply = {};
    try {
      reply = JSON.parse(request.responseText);
    } catch {
      /* No reply, or none of this server. */
    }
    if (request.status !== 202) {
      const why = (reply.errors || []).map((each) => each.message).join(" ") || reply.detail;
      this.refuse(row, why || "It did not get through. Check the connection, and drop it again.");
      return;
    }
    if (!isArchive) {
      this.follow(reply.documents[0].id, row);
      return;
    }
    row.state.replaceChildren(badgeOf({ kind: "good", words: "unpacked" }));
    row.note.textContent = `${reply.documents.length} files taken, ${reply.refused.length} refused`;
    for (const each of reply.documents) {
      this.follow(each.id, this.newRow(each.title));
    }
    for (const each of reply.refused) {
      this.refuse(this.newRow(each.name), each.why);
    }
  }

  refuse(row, why) {
    this.counts.refused += 1;
    row.state.replaceChildren(badgeOf({ kind: "bad", words: "not taken" }));
    row.note.textContent = why;
  }

  follow(id, row) {
    row.moves = true;
    row.status = "processing";
    const link = make("a", "", row.name.textContent);
    link.href = `${this.page.dataset.documentUrl}${id}/change/`;
    row.name.replaceChildren(link);
    row.state.replaceChildren(badgeOf({ kind: "busy", words: "waiting" }));
    row.note.replaceChildren();
    this.rows.set(id, row);
  }

  moved(progress) {
    const row = this.rows.get(progress.id);
    row.status = progress.status;
    row.moves = progress.status === "processing";
    row.state.replaceChildren(badgeOf(progress));
    row.note.replaceChildren(progress.problem ? document.createTextNode(progress.problem) : barOf(progress));
    this.summarise();
  }

  summarise() {
    const states = [...this.rows.values()].map((row) => row.status);
    const ready = states.filter((status) => status === "ready").length;
    const failed = states.filter((status) => status === "failed").length + this.counts.refused;
    const parts = [`${this.counts.sent} of ${this.counts.all} sent`, `${ready} ready`];
    if (failed) {
      parts.push(`${failed} failed`);
    }
    document.getElementById("summary").textContent = parts.join(", ");
  }
}

const upload = document.querySelector(".upload");
const source = document.querySelector("[data-progress-url]");
if (upload) {
  new Uploads(upload);
} else if (source) {
  watchPage(source.dataset.progressUrl);
}
