"""Formats numbers for people."""

from __future__ import annotations

from django import template

from querying.cachestore.hit_counters import Rate

register = template.Library()


@register.filter
def rate(value: Rate) -> str:
    """Return a hit rate: '75 % of 1,204'; a dash when nothing was asked."""
    asked = value.hits + value.misses
    return f"{100 * value.hits / asked:.0f} % of {asked:,}" if asked else "–"
