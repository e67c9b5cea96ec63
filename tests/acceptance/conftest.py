"""Fixtures of the acceptance tests."""

from __future__ import annotations

from tests.browser import browser, chromium

__all__ = ["browser", "chromium"]
