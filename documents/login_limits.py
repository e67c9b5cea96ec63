"""Limits how many passwords may be tried for an account and from an address, over all processes and without Redis.

An attempt is counted before its password is looked at: of a hundred that come at once, as many are looked at as may be,
and the others cost a statement instead of half a second of hashing. Every way that takes a password uses LoginForm;
the API takes keys only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from documents.models import LoginAttempts
from ragsite.metrics import THROTTLED
from ragsite.rates import Rate, parse_rate
from ragsite.throttling import network_of

THROTTLED_CODE = "throttled"
_COUNT = """
INSERT INTO documents_loginattempts AS a (key, count, ends_at)
VALUES (%(key)s, 1, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN a.ends_at <= clock_timestamp() THEN 1 ELSE least(a.count, %(limit)s) + 1 END,
    ends_at = CASE WHEN a.ends_at <= clock_timestamp() THEN excluded.ends_at ELSE a.ends_at END
RETURNING count, extract(epoch FROM ends_at - clock_timestamp())
"""


class _Limited(AuthenticationForm):
    """A form for a name and a password that refuses further attempts for a while, and says for how long."""

    wait_seconds = 0

    def clean(self) -> dict[str, Any]:
        """Return the data. Raises ValidationError: it is wrong, or one attempt too many."""
        who = _who(str(self.cleaned_data.get("username") or ""), network_of(self.request))
        self.wait_seconds = _count(who)
        if self.wait_seconds:
            THROTTLED.labels(scope="login").inc()
            raise ValidationError(
                f"Too many attempts to sign in. Wait {_in_words(self.wait_seconds)}, then try again.",
                code=THROTTLED_CODE,
            )
        data: dict[str, Any] = super().clean()
        _forgive(who)
        return data


class LoginForm(_Limited):
    """Of the page."""


class AdminLoginForm(_Limited, AdminAuthenticationForm):
    """Of the admin, for staff only."""


def forget_old_attempts() -> None:
    """Delete the counts whose time is over."""
    LoginAttempts.objects.filter(ends_at__lt=timezone.now()).delete()


def _who(name: str, address: str) -> dict[str, str]:
    """Return the keys that an attempt is counted for, by the setting that limits them."""
    # Case and look-alikes of a name are the same account for a guesser, even where they are none.
    return {
        "RATE_LIMIT_LOGIN": _key("account", name.casefold().strip()),
        "RATE_LIMIT_LOGIN_ADDRESS": _key("address", address),
    }


def _key(kind: str, who: str) -> str:
    return salted_hmac(f"login.{kind}", who, algorithm="sha256").hexdigest()


def _count(who: Mapping[str, str]) -> int:
    """Count an attempt; return 0, or the seconds to wait if it is one too many."""
    wait = 0.0
    for setting, key in who.items():
        rate: Rate | None = parse_rate(getattr(settings, setting))
        if rate is None:
            continue
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"key": key, "seconds": rate.window_seconds, "limit": rate.limit})
            count, left = cursor.fetchone()
        if count > rate.limit:
            wait = max(wait, float(left), 1.0)
    return math.ceil(wait)


def _forgive(who: Mapping[str, str]) -> None:
    """Forget what was counted for an account that signed in; of its address, this attempt only.

    Else whoever has an account could guess at others without end, and sign in to their own in between.
    """
    account, address = who.values()
    LoginAttempts.objects.filter(key=account).delete()
    LoginAttempts.objects.filter(key=address, count__gt=0).update(count=F("count") - 1)


def _in_words(seconds: int) -> str:
    """Return '40 seconds' or '15 minutes'."""
    if seconds < 60:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
