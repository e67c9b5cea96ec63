"""Questions, feedback and caches in the admin: one module per group of models, each registers its own."""

from querying.admin import caches, logs, semantic_cache

__all__ = ["caches", "logs", "semantic_cache"]
