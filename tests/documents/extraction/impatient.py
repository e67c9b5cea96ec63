"""A fork server that ends when it has had nothing to do for half a second."""

from __future__ import annotations

from functools import partial

from documents.extraction.process.child import load_readers, read_file
from documents.extraction.process.fork_server import serve
from tests.documents.extraction.misbehaving import find_reader

if __name__ == "__main__":
    serve(partial(read_file, find_reader=find_reader), load=load_readers, idle_seconds=0.5)
