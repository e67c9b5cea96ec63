"""Every Prometheus metric of ragsite, declared once. Labels have few values: never a question, a path or a user."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

QUERY_SECONDS = Histogram(
    "query_duration_seconds",
    "From the accepted question to the last byte of its answer.",
    ["mode"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3.5, 5, 10, 20, 30, 60),
)
FIRST_TOKEN_SECONDS = Histogram(
    "query_first_token_seconds",
    "From the accepted question to the first piece of its answer.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
STAGE_SECONDS = Histogram(
    "rag_stage_seconds",
    "Time of one stage of a question: embed, dense, lexical, generate, ...",
    ["stage"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
QUERIES = Counter("queries_total", "Questions by the way they were answered.", ["mode", "outcome"])
CACHE_REQUESTS = Counter(
    "cache_requests_total",
    "Look-ups by layer: memory, redis, postgres, semantic, stale and flight of answers, search and search_shared of "
    "passages, vectors and vectors_shared of questions.",
    ["layer", "outcome"],
)
CACHE_QUESTIONS = Counter(
    "cache_questions_total",
    "Questions that caches were allowed for; hit: answered from a cache or an answer being written.",
    ["outcome"],
)
SEMANTIC_FALSE_HITS = Counter(
    "semantic_false_hits_total", "Reports of readers that the semantic cache gave the answer to another question."
)
SEMANTIC_CACHE_OFF = Counter(
    "semantic_cache_off_total", "Times that the semantic cache switched itself off for a corpus, after such reports."
)
STREAMS_OPEN = Gauge("streams_open", "Answers being streamed now.", multiprocess_mode="livesum")
STREAMS_GIVING_WAY = Gauge(
    "streams_giving_way",
    "Streams whose text is complete, and whose end waits because others have seen nothing yet.",
    multiprocess_mode="livesum",
)

OLLAMA_CALLS = Counter("ollama_calls_total", "Calls to Ollama by outcome.", ["operation", "outcome"])
OLLAMA_RETRIES = Counter("ollama_retries_total", "Calls to Ollama that were made again.", ["operation"])
OLLAMA_SECONDS = Histogram(
    "ollama_call_seconds",
    "Time of a call to Ollama (a stream: to its first token).",
    ["operation"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)
BREAKER_TRANSITIONS = Counter("breaker_transitions_total", "Changes of a circuit breaker.", ["operation", "state"])
BREAKER_OPEN = Gauge("breaker_open", "1 while the circuit is open.", ["host", "operation"], multiprocess_mode="livemax")
CIRCUIT_EVENTS_DROPPED = Counter("circuit_events_dropped_total", "Changes of circuits that could not be stored.")
CONTEXT_TRUNCATED = Counter("context_truncated_total", "Prompts that the model server cut. Should stay 0.")

DOCUMENTS_INDEXED = Counter("documents_indexed_total", "Documents by outcome of their indexing.", ["outcome"])
INDEXING_SECONDS = Histogram(
    "indexing_seconds",
    "Time of one document's indexing.",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)

POOL_CONNECTIONS = Gauge(
    "database_pool_connections", "Connections of the pools, by state.", ["state"], multiprocess_mode="livesum"
)
POOL_REQUESTS_WAITING = Gauge(
    "database_pool_requests_waiting", "Requests that wait for a database connection.", multiprocess_mode="livesum"
)
POOL_REFUSED = Counter("database_pool_refused_total", "Requests that got no database connection in time.")
REDIS_SILENCES = Counter("redis_silences_total", "Times that Redis failed and was left alone for a moment.")
CONNECTIONS_ENDED = Counter(
    "connections_ended_total", "Connections that the web server ended because of their client.", ["reason"]
)
THROTTLED = Counter("requests_throttled_total", "Requests above a rate limit.", ["scope"])
