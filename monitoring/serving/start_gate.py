"""`python -m monitoring.serving.start_gate`: exit code 1, and a sentence for each reason, when a start could only fail.

It reads DJANGO_SETTINGS_MODULE. gunicorn's parent runs it as a separate process, so that the modules which it imports
don't stay in the parent's memory.
"""

from __future__ import annotations

import sys

import django


def main() -> int:
    """Return 1 when a start could only fail, else 0; the reasons go to stderr."""
    django.setup()
    from monitoring.health.start_checks import start_problems  # needs the app registry

    problems = start_problems()
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - for the operator
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
