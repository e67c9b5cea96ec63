"""`python -m monitoring.serving.start_gate`: exit code 1, and a sentence for each reason, when a start could only fail.

It goes by DJANGO_SETTINGS_MODULE. gunicorn's parent process runs it as a process of its own, which takes what it has
loaded with it.
"""

from __future__ import annotations

import sys

import django


def main() -> int:
    """Return the exit code."""
    django.setup()
    from monitoring.health.start_checks import start_problems  # needs the app registry

    problems = start_problems()
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - for the operator
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
