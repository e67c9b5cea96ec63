"""Limits how many passwords may be tried for an account and from an address, over all processes and without Redis.

There are three limits: few attempts for an account from one address, more from an address for all accounts, and many
for an account from all addresses together. The last one stops a guesser with many addresses. It doesn't apply to
addresses that the account has signed in from, so nobody can lock the owner out by guessing from elsewhere.

An attempt is counted before its password is checked: of a hundred that arrive at once, the allowed number is checked,
and the others cost a statement instead of half a second of hashing. Every page that takes a password uses LoginForm;
the API takes keys only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
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
from ragsite.web.rates import Rate, parse_rate
from ragsite.web.throttling import network_of

THROTTLED_CODE = "throttled"
KNOWN_FOR = timedelta(days=90)  # after its last sign-in from an address, an account still knows that address
_COUNT = """
INSERT INTO documents_loginattempts AS a (key, count, ends_at)
VALUES (%(key)s, 1, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN a.ends_at <= clock_timestamp() THEN 1 ELSE least(a.count, %(limit)s) + 1 END,
    ends_at = CASE WHEN a.ends_at <= clock_timestamp() THEN excluded.ends_at ELSE a.ends_at END
RETURNING count, extract(epoch FROM ends_at - clock_timestamp())
"""


@dataclass(frozen=True)
class _Attempt:
    """The keys under which an attempt is counted."""

    account: str
    address: str
    from_address: str  # this account, from this address
    known: str  # stored while the account is known to have signed in from this address


class _Limited(AuthenticationForm):
    """A form for a name and a password that refuses further attempts for a while, and names the wait."""

    wait_seconds = 0

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data. Raises ValidationError for a wrong password, and for one attempt too many."""
        attempt = _attempt_of(str(self.cleaned_data.get("username") or ""), network_of(self.request))
        self.wait_seconds = _count(attempt)
        if self.wait_seconds:
            THROTTLED.labels(scope="login").inc()
            raise ValidationError(
                f"Too many attempts to sign in. Wait {_in_words(self.wait_seconds)}, then try again.",
                code=THROTTLED_CODE,
            )
        data: dict[str, Any] = super().clean()
        _forgive(attempt)
        return data


class LoginForm(_Limited):
    """The form of the login page."""


class AdminLoginForm(_Limited, AdminAuthenticationForm):
    """The login form of the admin, for staff only."""


def forget_old_attempts() -> None:
    """Delete the counts of windows that have ended."""
    LoginAttempts.objects.filter(ends_at__lt=timezone.now()).delete()


def _attempt_of(name: str, address: str) -> _Attempt:
    # For a guesser, names that differ in case are one account, even where no such account exists.
    account = name.casefold().strip()
    both = f"{address} {account}"
    return _Attempt(_key("account", account), _key("address", address), _key("both", both), _key("known", both))


def _key(kind: str, who: str) -> str:
    return salted_hmac(f"login.{kind}", who, algorithm="sha256").hexdigest()


def _count(attempt: _Attempt) -> int:
    """Count an attempt; return 0, or the seconds to wait if it is one too many.

    An attempt above its address' limit is not counted for the account: else one address could use up that limit.
    """
    limits = {attempt.from_address: settings.RATE_LIMIT_LOGIN, attempt.address: settings.RATE_LIMIT_LOGIN_ADDRESS}
    wait = max(_count_one(key, limit) for key, limit in limits.items())
    if not wait and not _is_known(attempt):
        wait = _count_one(attempt.account, settings.RATE_LIMIT_LOGIN_ACCOUNT)
    return math.ceil(wait)


def _count_one(key: str, limit: str) -> float:
    rate: Rate | None = parse_rate(limit)
    if rate is None:
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": key, "seconds": rate.window_seconds, "limit": rate.limit})
        count, left = cursor.fetchone()
    return max(float(left), 1.0) if count > rate.limit else 0.0


def _is_known(attempt: _Attempt) -> bool:
    return LoginAttempts.objects.filter(key=attempt.known, ends_at__gt=timezone.now()).exists()


def _forgive(attempt: _Attempt) -> None:
    """Delete the count of an account that signed in from its address, and remember that address.

    The address' own count loses this one attempt only: else a user could guess at other accounts without end by
    signing in to their own in between. The account's count over all addresses stays.
    """
    known_until = timezone.now() + KNOWN_FOR
    LoginAttempts.objects.update_or_create(key=attempt.known, defaults={"count": 0, "ends_at": known_until})
    LoginAttempts.objects.filter(key=attempt.from_address).delete()
    LoginAttempts.objects.filter(key=attempt.address, count__gt=0).update(count=F("count") - 1)


def _in_words(seconds: int) -> str:
    """Return '40 seconds' or '15 minutes'."""
    if seconds < 60:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
