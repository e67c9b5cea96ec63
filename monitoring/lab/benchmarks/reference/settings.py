"""Settings of a benchmarked server that also has the constant view."""

from __future__ import annotations

from ragsite.settings import *  # noqa: F403 - all of them, but one

ROOT_URLCONF = "monitoring.lab.benchmarks.reference.urls"
