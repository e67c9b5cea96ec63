"""System checks of settings that cannot work together; each hint says what to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_redis.cache
from django.apps import AppConfig
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from ragsite.errors import OllamaMisconfigured
from ragsite.ollama.addresses import addresses_of
from ragsite.web.rates import parse_rate


@register(Tags.compatibility)
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings, each with a stable id and a hint."""
    found: list[CheckMessage] = []
    for url in settings.OLLAMA_BASE_URLS:
        try:
            addresses_of([url])
        except OllamaMisconfigured as exc:  # whose words have no password
            found.append(Error(exc.message, hint="Several addresses are separated by commas.", id="ragsite.E001"))
    if settings.CHUNK_OVERLAP_CHARS >= settings.CHUNK_SIZE_CHARS:
        found.append(
            Error(
                "CHUNK_OVERLAP_CHARS is not below CHUNK_SIZE_CHARS: chunks would never end.",
                hint="Use about an eighth of the size.",
                id="ragsite.E002",
            )
        )
    if settings.DEADLINE_SECONDS > settings.DEADLINE_MAX_SECONDS:
        found.append(
            Error(
                "DEADLINE_SECONDS is above DEADLINE_MAX_SECONDS.",
                hint="The first is the default of a request, the second what a request may ask for.",
                id="ragsite.E003",
            )
        )
    if settings.WEB_THREADS <= settings.MAX_OPEN_STREAMS:
        found.append(
            Error(
                "WEB_THREADS is not above MAX_OPEN_STREAMS: open streams would keep even /health from an answer.",
                hint="Set WEB_THREADS to MAX_OPEN_STREAMS + 16 or more.",
                id="ragsite.E004",
            )
        )
    if settings.DATABASES["default"].get("CONN_MAX_AGE"):
        found.append(
            Error(
                "CONN_MAX_AGE is set together with a connection pool, which Django refuses at the first query.",
                hint="Remove conn_max_age from DATABASE_URL.",
                id="ragsite.E005",
            )
        )
    found += [
        Error(
            f"The cache {alias!r} would unpickle what is in Redis: anybody who can write there could run code here.",
            hint='Set OPTIONS["SERIALIZER"] to "django_redis.serializers.json.JSONSerializer".',
            id="ragsite.E007",
        )
        for alias, cache in settings.CACHES.items()
        if _unpickles_from_redis(cache)
    ]
    if settings.RETRIEVAL_TOP_K > settings.RETRIEVAL_TOP_K_MAX:
        found.append(
            Error(
                "RETRIEVAL_TOP_K is above RETRIEVAL_TOP_K_MAX.",
                hint="The first is the default of a request, the second what a request may ask for.",
                id="ragsite.E006",
            )
        )
    return found


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return settings that are fine for development and unsafe on a server."""
    found: list[CheckMessage] = []
    if not settings.METRICS_TOKEN:
        found.append(
            Warning(
                "METRICS_TOKEN is empty: /metrics answers this machine only, and nobody once a proxy is configured "
                "(HTTPS, NUM_PROXIES, a name in ALLOWED_HOSTS). Through a proxy that nothing here speaks of, anybody.",
                hint="Set METRICS_TOKEN, and give it to Prometheus as a bearer token.",
                id="ragsite.W001",
            )
        )
    if parse_rate(settings.RATE_LIMIT_QUERY) is None:
        found.append(
            Warning(
                "RATE_LIMIT_QUERY is 0: anybody who reaches the server may ask as fast as they can.",
                hint="Set it to what one person or program needs, e.g. 120/m, and NUM_PROXIES if there are any.",
                id="ragsite.W002",
            )
        )
    return found


def _unpickles_from_redis(cache: dict[str, Any]) -> bool:
    """Return whether a cache is in Redis and its serializer is pickle, which is the default everywhere."""
    if not issubclass(import_string(cache["BACKEND"]), (RedisCache, django_redis.cache.RedisCache)):
        return False
    serializer = cache.get("OPTIONS", {}).get("SERIALIZER") or cache.get("OPTIONS", {}).get("serializer") or "pickle"
    return "pickle" in str(serializer).lower()
