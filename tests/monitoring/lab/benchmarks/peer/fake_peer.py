"""Stands in for an interpreter that can run the peer: `fake_peer.py -m uvicorn ...` answers as the real one does.

`-m monitoring.lab.benchmarks.peer.rag_server` takes the passages from stdin, and keeps them beside this file's caller.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it

from monitoring.lab.benchmarks.peer.events import done_event, token_event


class Answers(BaseHTTPRequestHandler):
    """Says what it was asked, in two tokens."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200 if self.path == "/ask" else 404)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in (token_event("You asked: "), token_event(asked["query"]), done_event(["1"])):
            content = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200


def main(arguments: list[str]) -> None:
    if "uvicorn" in arguments:
        Server(("127.0.0.1", int(arguments[arguments.index("--port") + 1])), Answers).serve_forever()
    else:
        told = {"passages": json.load(sys.stdin), "environment": dict(os.environ)}
        Path(__file__).with_name("told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
