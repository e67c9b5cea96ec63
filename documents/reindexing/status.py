"""Reports the state and the measurements of a corpus' embedding spaces."""

from __future__ import annotations

from typing import Any

from documents.models import Corpus, EmbeddingSpace
from documents.reindexing.coverage import coverage_of
from documents.vectors.index_progress import building
from documents.vectors.spaces import has_index, index_bytes, wants_index

BYTES_PER_MB = 1_000_000


def status_of(corpus: Corpus) -> list[dict[str, Any]]:
    """Return every space of a corpus as JSON: the live one first, then the newest."""
    spaces = sorted(corpus.spaces.all(), key=lambda space: (space.status != EmbeddingSpace.Status.LIVE, -space.pk))
    return [_status(space) for space in spaces]


def _status(space: EmbeddingSpace) -> dict[str, Any]:
    coverage = coverage_of(space)
    build = building(space.index_name)
    return {
        "id": space.pk,
        "provider": space.provider,
        "model": space.model,
        "dimensions": space.dimensions,
        "status": space.status,
        "chunks_covered": coverage.covered,
        "chunks_total": coverage.total,
        "index": {
            "state": index_state(space),
            "bytes": index_bytes(space),
            "building": None if build is None else {"phase": build.phase, "share": build.share},
        },
        "settings": space.index_settings,
        "measured": {name: space.measured.get(name) for name in ("recall", "comparison")},
        "created_at": space.created_at.isoformat(timespec="seconds"),
        "switched_at": None if space.switched_at is None else space.switched_at.isoformat(timespec="seconds"),
    }


def index_state(space: EmbeddingSpace) -> str:
    """Return valid, building, missing (it should exist), or exact (small spaces are scanned, without an index)."""
    if has_index(space):
        return "valid"
    if building(space.index_name) is not None:
        return "building"
    return "missing" if wants_index(space) else "exact"


def settings_in_words(space: EmbeddingSpace) -> str:
    """Return which part of the vectors is stored and indexed, in words; empty: whole vectors."""
    chosen = space.index_settings
    words = [f"first {chosen['keep_first']} numbers"] if chosen.get("keep_first") else []
    if chosen.get("shorten_to"):
        words.append(f"indexed by the first {chosen['shorten_to']}")
    if chosen.get("quantise"):
        words.append("one bit each")
    if chosen.get("rerank"):
        words.append(f"rerank {chosen['rerank']}")
    return ", ".join(words)


def recall_in_words(space: EmbeddingSpace) -> str:
    """Return the measured recall and how it was measured; empty: not measured."""
    recall = space.measured.get("recall") or {}
    if recall.get("recall_at_10") is None:
        return ""
    how = f"{recall['sample']} questions, {recall['chunks']} chunks, {recall['method']}, {recall['at'][:10]}"
    return f"{recall['recall_at_10']:.3f} ({how})"


def comparison_in_words(space: EmbeddingSpace) -> str:
    """Return the comparison with the space that was live; empty: not compared."""
    found = space.measured.get("comparison")
    if not found:
        return ""
    parts = [
        f"{name} {found['live'][key]:.3f} -> {found['new'][key]:.3f} (+-{found['noise'][key]:.3f})"
        for name, key in (("recall@10", "recall_at_10"), ("MRR@10", "mrr_at_10"))
    ]
    allowed = f"it may lose {found['margin']:.3f}"
    overlap = f"{found['overlap_at_10']:.0%} of the first ten are the same"
    return f"{', '.join(parts)} on {found['questions']} questions; {allowed}; {overlap}"
