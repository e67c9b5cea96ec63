"""Parses JSON strictly by RFC 8259: no NaN, no infinite numbers, limited depth and size."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from ragsite.errors import UploadTooLarge

MAX_DEPTH = 20  # the API's bodies have 3


class StrictJSONParser(BaseParser):
    """Parses JSON in UTF-8; anything else is a 400. With `json` alone, a 200 kB body of `[` would be a 500."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body. Raises ParseError that says what is wrong, and UploadTooLarge."""
        limit_bytes: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # Django itself only heeds it in forms
        body: bytes = stream.read(limit_bytes + 1)
        if len(body) > limit_bytes:
            raise UploadTooLarge(f"A JSON body has at most {limit_bytes} bytes here.")
        try:
            parsed = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except ValueError as exc:
            raise ParseError(f"The body is not valid JSON: {str(exc)[:200]}.") from None
        _check_depth(parsed)
        return parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        nested = [item for item in level if isinstance(item, (dict, list))]
        if not nested:
            return
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
    raise ParseError("The JSON is nested too deeply.")
