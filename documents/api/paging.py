"""Pages lists: the parameters of a page, and the addresses of its neighbours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from rest_framework import serializers
from rest_framework.request import Request

from documents.api.strict import StrictSerializer

LIMIT_MAX = 200
OFFSET_MAX = 1_000_000


class PagingSerializer(StrictSerializer):
    """The parameters of a page. A page's `next` is the address of the following page."""

    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MAX, default=50, help_text="Rows of a page.")
    offset = serializers.IntegerField(min_value=0, max_value=OFFSET_MAX, default=0, help_text="Rows to pass over.")


class PageSerializer(serializers.Serializer[Any]):
    """The fields that every page has besides its rows."""

    count = serializers.IntegerField(help_text="Rows of the whole list.")
    page = serializers.IntegerField(help_text="The number of this page, from 1.")
    next = serializers.CharField(allow_null=True, help_text="Address of the next page; null: this is the last one.")
    previous = serializers.CharField(allow_null=True, help_text="Address of the page before; null: this is the first.")


def page_fields(request: Request, *, count: int, limit: int, offset: int) -> dict[str, Any]:
    """Return `count`, `page`, `next` and `previous`; the addresses keep the other parameters of the request."""
    return {
        "count": count,
        "page": offset // limit + 1,
        "next": _address(request, limit, offset + limit) if offset + limit < count else None,
        "previous": _address(request, limit, max(0, offset - limit)) if offset else None,
    }


def _address(request: Request, limit: int, offset: int) -> str:
    kept = {name: value for name, value in request.query_params.items() if name not in {"limit", "offset"}}
    return f"{request.path}?{urlencode({**kept, 'limit': limit, 'offset': offset})}"
