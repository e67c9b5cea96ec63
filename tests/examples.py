"""How many examples Hypothesis tries: few in the suite, all with HYPOTHESIS_PROFILE=thorough."""

from __future__ import annotations

import os

from hypothesis import settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "suite")
SHARE = 5  # the suite tries one in so many


def examples(thorough: int) -> settings:
    """Return the settings of a test that needs more examples than others to find what it looks for."""
    return settings(max_examples=thorough if PROFILE == "thorough" else max(1, thorough // SHARE))
