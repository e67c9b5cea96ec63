"""What drills prove holds as installed: none of them changes what decides how soon a circuit recovers."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from monitoring.lab.drills import scenarios
from monitoring.lab.testbed.stage import RECOVERY_SECONDS, SERVER_SETTINGS


def test_drills_run_with_the_default_recovery_time() -> None:
    assert RECOVERY_SECONDS == settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS
    assert not [name for name in SERVER_SETTINGS if name.startswith("RECOVERY")]
    files = sorted(Path(next(iter(scenarios.__path__))).glob("*.py"))
    assert len(files) > 5
    assert [file.name for file in files if "RECOVERY_TIMEOUT" in file.read_text()] == []
