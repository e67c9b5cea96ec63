"""The peer's server: a minimal question answering service, made of widely used libraries.

Runs in an interpreter of its own, which has FastAPI and LangChain; nothing of ragsite imports it. As a module it is
the server, for uvicorn; as a script it reads passages from stdin, a JSON list of texts, and fills the store. What is
around it comes as environment variables.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import Body, FastAPI
from fastapi.responses import StreamingResponse
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_postgres import PGEngine, PGVectorStore
from langchain_postgres.v2.indexes import HNSWIndex
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from monitoring.lab.benchmarks.peer.events import done_event, token_event

TABLE = "passages"
FILL_AT_ONCE = 64  # passages per call to the model server
INSTRUCTIONS = (
    "Answer the question with nothing but what the passages below say, and cite them by their numbers, like [1]. "
    "When they don't hold the answer, say so."
)


def make_application() -> FastAPI:
    """Return the server: POST /ask with `{"query": ...}` streams an answer, GET /ready is 200 when it listens."""
    application = FastAPI(lifespan=_open)
    application.add_api_route("/ask", ask, methods=["POST"])
    application.add_api_route("/ready", ready, methods=["GET"])
    return application


async def ask(query: Annotated[str, Body(embed=True)]) -> StreamingResponse:
    """Answer a question as a stream of events."""
    return StreamingResponse(_answered(query), media_type="text/event-stream")


async def ready() -> dict[str, bool]:
    """Tell that questions can be asked."""
    return {"ready": True}


class Parts:
    """What every answer of a process uses."""

    store: PGVectorStore
    model: ChatOllama


async def _answered(question: str) -> AsyncIterator[str]:
    passages = await Parts.store.asimilarity_search(question, k=int(os.environ["PEER_TOP_K"]))
    numbered = "\n\n".join(f"[{number}] {passage.page_content}" for number, passage in enumerate(passages, start=1))
    messages = [("system", INSTRUCTIONS), ("human", f"{numbered}\n\nQuestion: {question}")]
    async for piece in Parts.model.astream(messages):
        if piece.content:
            yield token_event(piece.content)
    yield done_event([str(passage.id) for passage in passages])


@asynccontextmanager
async def _open(application: FastAPI) -> AsyncIterator[None]:
    engine = create_async_engine(os.environ["PEER_DATABASE_URL"])
    Parts.store = await _store(engine)
    Parts.model = ChatOllama(
        model=os.environ["PEER_LLM_MODEL"], num_ctx=int(os.environ["PEER_NUM_CTX"]), **_model_server()
    )
    yield
    await engine.dispose()


async def _store(engine: AsyncEngine) -> PGVectorStore:
    # Without a loop of its own the engine works in this one, which costs no hop between threads.
    return await PGVectorStore.create(PGEngine.from_engine(engine), _embeddings(), TABLE)


def _embeddings() -> OllamaEmbeddings:
    return OllamaEmbeddings(model=os.environ["PEER_EMBED_MODEL"], **_model_server())


def _model_server() -> dict[str, object]:
    # Unless told otherwise, httpx opens 100 connections, and readers beyond that would wait for each other.
    most = int(os.environ["PEER_CONNECTIONS"])
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
    return {"base_url": os.environ["PEER_OLLAMA_URL"], "async_client_kwargs": {"limits": limits}}


async def _fill(texts: list[str]) -> None:
    """Make the table and its index, with these passages in it."""
    engine = create_async_engine(os.environ["PEER_DATABASE_URL"])
    length = len(await _embeddings().aembed_query(texts[0]))
    await PGEngine.from_engine(engine).ainit_vectorstore_table(TABLE, length)
    store = await _store(engine)
    for first in range(0, len(texts), FILL_AT_ONCE):
        await store.aadd_texts(texts[first : first + FILL_AT_ONCE])
    await store.aapply_vector_index(HNSWIndex())
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_fill(json.load(sys.stdin)))
