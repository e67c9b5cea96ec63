"""Base class of every view of the API: replies are data, and unknown query parameters are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csp.constants import HEADER
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from ragsite.errors import InvalidInput
from ragsite.web.content_policy import DATA_POLICY

NAMES_SHOWN, NAME_SHOWN_CHARS = 10, 100


class DataView(APIView):
    """A view whose replies are data for programs. Should a browser show one as a page, it loads and runs nothing.

    `query_serializers` has, by method, the serializer of the query parameters; a method without one takes none.
    `refuses_with` has, by method, the status codes of refusals that not every view has, for the OpenAPI schema.
    """

    query_serializers: ClassVar[Mapping[str, type[Serializer[Any]]]] = {}
    refuses_with: ClassVar[Mapping[str, tuple[int, ...]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check permissions and rate limits, and refuse unknown query parameters."""
        super().initial(request, *args, **kwargs)
        if request.META.get("QUERY_STRING") and hasattr(self, str(request.method).lower()):  # else it is 405
            self._refuse_unknown_parameters(request)

    def _refuse_unknown_parameters(self, request: Request) -> None:
        method = "GET" if request.method == "HEAD" else str(request.method)
        serializer = self.query_serializers.get(method)
        known = [] if serializer is None else list(serializer().fields)
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            hint = f"there are {', '.join(known)}" if known else "this address takes none"
            message = f"There is no such query parameter; {hint}."
            raise InvalidInput(fields={name[:NAME_SHOWN_CHARS]: message for name in unknown[:NAMES_SHOWN]})

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Return the response with the policy of data, and with what is left of a rate limit."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final[HEADER] = DATA_POLICY
        for name, value in getattr(request, "rate_limit_headers", {}).items():
            final[name] = value
        return final
