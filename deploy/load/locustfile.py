"""Load on a running server with Locust: three questions to one upload, and a reader's pause of 1 to 3 seconds.

    pip install locust
    RAGSITE_KEY=rag_... RAGSITE_CORPUS=load locust -f deploy/load/locustfile.py --headless -u 50 -r 10 -t 5m \
        --host=http://localhost:8000

Without RAGSITE_KEY nothing is uploaded: the demo corpus can be asked by everybody, and changed by nobody. Uploads stay
in the corpus, so give a key for one that may be thrown away.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

from locust import HttpUser, between, task

QUESTION = json.loads((Path(__file__).parent / "query.json").read_text(encoding="utf-8"))
KEY = os.environ.get("RAGSITE_KEY", "")
CORPUS = os.environ.get("RAGSITE_CORPUS", "")
QUESTIONS = (
    "Which file formats can be uploaded?",
    "What happens when the model server is down?",
    "How do I change the embedding model of a corpus?",
    "How is a document deleted?",
)


class Reader(HttpUser):
    """Asks, and now and then adds a document."""

    wait_time = between(1, 3)
    numbers = itertools.count()  # of all readers: no two files alike

    def on_start(self) -> None:
        """Show the key with every request."""
        if KEY:
            self.client.headers["Authorization"] = f"Bearer {KEY}"

    @task(3)
    def query(self) -> None:
        """Ask one of the questions."""
        asked = QUESTION | {"query": QUESTIONS[next(self.numbers) % len(QUESTIONS)]}
        if CORPUS:
            asked["corpora"] = [CORPUS]
        self.client.post("/api/v1/query", json=asked)

    @task(1)
    def upload(self) -> None:
        """Add a small document."""
        if not (KEY and CORPUS):
            return
        number = next(self.numbers)
        text = f"Note {number}\n\nDepot {number} stores {number % 97} barrels of tar on the north quay.\n"
        self.client.post("/api/v1/documents", data={"corpus": CORPUS}, files={"file": (f"note-{number}.txt", text)})
