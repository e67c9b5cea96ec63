"""Questions, feedback and caches in the admin: one module per group of models."""

from querying.admin import caches, logs, semantic_cache

__all__ = ["caches", "logs", "semantic_cache"]
