"""Settings of a measured server that also has the constant view. Only benchmarks start one like this."""

from __future__ import annotations

from ragsite.settings import *  # noqa: F403 - all of them, but one

ROOT_URLCONF = "monitoring.lab.benchmarks.reference.urls"
