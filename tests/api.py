"""The HTTP API as tests use it."""

from __future__ import annotations

import io
from typing import Any

from django.contrib.auth.models import User
from rest_framework.test import APIClient


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def file(text: str = "Rail is preferred.", name: str = "policy.txt") -> io.BytesIO:
    made = io.BytesIO(text.encode())
    made.name = name
    return made


def problem(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def fields_of(response: Any) -> set[str]:
    assert problem(response) == (400, "invalid_input")
    return {error["field"] for error in response.json()["errors"]}
