"""Baseline for benchmarks: a view of the same framework that returns a constant."""

from __future__ import annotations

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

TEXT = "No crane moves while a diver is in the water. " * 4
# 1.5 kB as JSON, in the form of an answer with its passages.
CONSTANT = {
    "id": "00000000-0000-0000-0000-000000000000",
    "answer": "The blue crane lifts ninety tonnes and stands on the north quay [1]. " * 3,
    "answer_mode": "cached",
    "degraded": False,
    "passages": [{"number": number, "title": "Cranes", "text": TEXT, "score": 0.5} for number in range(1, 6)],
}


class ConstantView(APIView):
    """Anybody may ask, and always gets the same: middleware, authentication and rendering are those of the API."""

    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        """Return the constant as JSON."""
        return Response(CONSTANT)
