"""Limits on sign-in attempts, by account and by address, counted in Postgres before the password is checked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from documents.access.login_limits import forget_old_attempts
from documents.models import LoginAttempts
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.RATE_LIMIT_LOGIN, settings.RATE_LIMIT_LOGIN_ADDRESS = "3/15m", "6/15m"
    settings.RATE_LIMIT_LOGIN_ACCOUNT = "8/1h"


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the passwords that were looked at."""
    seen: list[str] = []

    def check(user: User, password: str) -> bool:
        seen.append(password)
        return password == PASSWORD

    monkeypatch.setattr(User, "check_password", check)
    return seen


def sign_in(name: str, password: str, *, path: str = "/login/", address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post(path, {"username": name, "password": password})


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_an_account_takes_so_many_passwords_from_an_address_and_then_says_how_long_to_wait(
    path: str, checked: list[str]
) -> None:
    user = make_user(username="ann", is_staff=True)
    for number in range(3):
        assert "Too many" not in sign_in("ann", f"wrong {number}", path=path).content.decode()
    for name in ("ann", "ANN"):
        refused = sign_in(name, PASSWORD, path=path)
        assert "Wait 15 minutes, then try again." in refused.content.decode()
        assert "_auth_user_id" not in refused.client.session
    assert checked == ["wrong 0", "wrong 1", "wrong 2"]  # and nothing was hashed for the others
    LoginAttempts.objects.update(ends_at=timezone.now())
    assert sign_in("ann", PASSWORD, path=path).client.session["_auth_user_id"] == str(user.pk)


def test_the_page_answers_429_with_the_time_to_wait() -> None:
    replies = [sign_in("nobody", "x") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert 0 < int(replies[-1]["Retry-After"]) <= 900


def test_the_page_and_the_admin_count_together(checked: list[str]) -> None:
    make_user(username="ann", is_staff=True)
    for path in ("/login/", "/admin/login/", "/login/"):
        sign_in("ann", "wrong", path=path)
    assert "Too many" in sign_in("ann", PASSWORD, path="/admin/login/").content.decode()


def test_an_address_tries_so_many_accounts_and_no_more() -> None:
    make_user(username="ann")
    for number in range(6):
        sign_in(f"somebody {number}", "x")
    assert sign_in("ann", PASSWORD).status_code == 429
    assert sign_in("ann", PASSWORD, address="198.51.100.7").status_code == 302


def test_nobody_elsewhere_locks_the_owner_out(checked: list[str]) -> None:
    make_user(username="ann")
    assert sign_in("ann", PASSWORD, address="203.0.113.5").status_code == 302
    for number in range(20):  # more than the account takes from all strangers
        sign_in("ann", "wrong", address=f"192.0.2.{number}")
    assert sign_in("ann", PASSWORD, address="198.51.100.7").status_code == 429  # an address that nobody knows
    assert sign_in("ann", PASSWORD, address="203.0.113.5").status_code == 302


def test_many_addresses_try_so_many_passwords_of_an_account(checked: list[str]) -> None:
    make_user(username="ann")
    for number in range(20):
        sign_in("ann", "wrong", address=f"192.0.2.{number}")
    assert len(checked) == 8


def test_one_address_cannot_use_up_what_an_account_takes(checked: list[str]) -> None:
    make_user(username="ann")
    for _ in range(20):
        sign_in("ann", "wrong", address="192.0.2.1")
    assert sign_in("ann", PASSWORD, address="198.51.100.7").status_code == 302


def test_a_known_address_guesses_no_more_than_others(checked: list[str]) -> None:
    make_user(username="ann")
    assert sign_in("ann", PASSWORD).status_code == 302
    assert [sign_in("ann", "wrong").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_an_address_is_known_for_a_time_only(checked: list[str]) -> None:
    make_user(username="ann")
    assert sign_in("ann", PASSWORD, address="203.0.113.5").status_code == 302
    LoginAttempts.objects.update(ends_at=timezone.now())
    for number in range(20):
        sign_in("ann", "wrong", address=f"192.0.2.{number}")
    assert sign_in("ann", PASSWORD, address="203.0.113.5").status_code == 429


def test_a_sign_in_forgives_the_account_there_but_not_the_address(checked: list[str]) -> None:
    make_user(username="ann")
    for _ in range(2):
        for _ in range(2):
            sign_in("ann", "wrong")
        assert sign_in("ann", PASSWORD).status_code == 302
    for _ in range(2):  # with one's own account in between nobody guesses for ever
        sign_in("victim", "x")
        sign_in("ann", PASSWORD)
    assert sign_in("victim 9", "x").status_code == 429


def test_no_limit_is_none(settings: Settings) -> None:
    settings.RATE_LIMIT_LOGIN = settings.RATE_LIMIT_LOGIN_ADDRESS = settings.RATE_LIMIT_LOGIN_ACCOUNT = "0"
    assert {sign_in("nobody", "x").status_code for _ in range(8)} == {200}
    assert not LoginAttempts.objects.exists()


def test_nothing_that_was_typed_is_kept_and_old_counts_go() -> None:
    sign_in("my-password-in-the-wrong-field", "x")
    assert LoginAttempts.objects.count() == 3
    assert "password" not in str(list(LoginAttempts.objects.values()))
    LoginAttempts.objects.update(ends_at=timezone.now())
    forget_old_attempts()
    assert not LoginAttempts.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_are_looked_at(checked: list[str], settings: Settings) -> None:
    settings.RATE_LIMIT_LOGIN_ADDRESS = "0"
    make_user(username="ann")

    def guess(number: int) -> int:
        try:
            return int(sign_in("ann", f"wrong {number}").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(guess, range(20)))
    assert (codes.count(200), codes.count(429), len(checked)) == (3, 17, 3)
