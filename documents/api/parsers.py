"""JSON as RFC 8259 has it: no NaN, no depth bombs, no surprises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 20  # our own bodies have 3


class StrictJSONParser(BaseParser):
    """Parses JSON in UTF-8 and answers 400 to whatever isn't; `json` alone lets a 200 kB body of `[` become a 500."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body. Raises ParseError with a sentence that says what is wrong."""
        body: bytes = stream.read()
        try:
            parsed = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
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


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        nested = [item for item in level if isinstance(item, (dict, list))]
        if not nested:
            return
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
    raise ParseError("The JSON is nested too deeply.")
