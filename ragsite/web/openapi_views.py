"""Adds refusals, headers and authentication to the description of every route in the OpenAPI schema.

Refusals are derived from the view, so that no route can forget one; a view adds its own in `refuses_with`.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

PROBLEM, EVENT_STREAM = "application/problem+json", "text/event-stream"
WHY = {
    400: "The request can't be understood; `errors` names each field or query parameter and what to change.",
    401: "The credentials are missing, of another kind, unknown, revoked or expired.",
    403: "Signed in, but not allowed to do this; or a session without its CSRF token.",
    404: "It doesn't exist, or not for you.",
    406: "`Accept` asks for a kind of reply that there isn't.",
    413: "The body is larger than this server accepts.",
    415: "A body of this Content-Type isn't read here.",
    429: "Above the rate limit.",
    500: "An error of this server.",
    502: "The model server failed in a way that trying again doesn't mend.",
    503: "The database or a model server can't be reached, or there is more to do than can be done in time.",
    504: "The deadline passed.",
    507: "There is no room on the server's disk.",
}
_REQUEST_ID = {"schema": {"type": "string"}, "description": "Of the request: what logs and `queries` know it by."}
_RETRY_AFTER = {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}
_LIMITS = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "The limit, if there is one."},
    "RateLimit": {"schema": {"type": "string"}, "description": "What is left of it: `r`, for `t` seconds."},
}  # fmt: skip


class FieldErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one field."""

    field = serializers.CharField(help_text="Dotted path of the field, or the query parameter.")
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457): the shape of every error."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, and what to do.")
    code = serializers.CharField(help_text="Stable: for programs.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # a field of that name


class DescribedView(AutoSchema):
    """The description of one view's method."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation with its refusals and headers; None for one that isn't shown."""
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if "requestBody" in operation:
            operation["requestBody"]["required"] = True  # no route takes a body or none
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        responses = operation["responses"]
        for status in sorted(self._refusals()):
            responses[str(status)] = {"description": WHY[status], "content": {PROBLEM: {"schema": problem}}}
        is_limited = bool(getattr(self.view, "throttle_scope", None)) and self.method not in SAFE_METHODS
        for status, response in responses.items():
            headers = response.setdefault("headers", {})
            headers["X-Request-ID"] = _REQUEST_ID
            if status in {"429", "503"}:
                headers["Retry-After"] = _RETRY_AFTER
            if is_limited and (status[0] == "2" or status == "429"):
                headers.update(_LIMITS)
        stream = responses.get("200", {}).get("content", {}).get(EVENT_STREAM)
        if stream is not None:
            one_of = [self._event(name, data) for name, data in getattr(self.view, "events", {}).items()]
            stream["schema"] = {"description": stream["schema"]["description"], "oneOf": one_of}
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def get_auth(self) -> Any:
        """Return who may use it: with a key, with a session, and (an empty requirement) without either."""
        auths = super().get_auth()
        opens_reading = any(getattr(permission, "opens_reading", False) for permission in self.view.get_permissions())
        return [*auths, {}] if opens_reading and self.method in SAFE_METHODS and {} not in auths else auths

    def _event(self, name: str, data: Any) -> dict[str, Any]:
        """Return the schema of one server-sent event, whose data is JSON in a string."""
        shown: Any = force_instance(data)  # type: ignore[no-untyped-call]
        if isinstance(shown, serializers.ListSerializer):
            child: Any = shown.child
            shape = {"type": "array", "items": self.resolve_serializer(child, "response").ref}
        else:
            shape = self.resolve_serializer(shown, "response").ref
        return {
            "type": "object",
            "properties": {
                "event": {"const": name},
                "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": shape},
            },
            "required": ["event", "data"],
        }

    def _refusals(self) -> set[int]:
        found = {400, 401, 406, 500, 503, *getattr(self.view, "refuses_with", {}).get(self.method, ())}
        if self.method not in SAFE_METHODS:
            found.add(403)
        if "{" in self.path:
            found.add(404)
        if self.method in {"POST", "PUT", "PATCH"}:
            found |= {413, 415}
            if getattr(self.view, "throttle_scope", None):
                found.add(429)
        return found


def close_requests(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Return the schema, whose bodies say that they take no other fields: `StrictSerializer` refuses them."""
    for name, component in result.get("components", {}).get("schemas", {}).items():
        if name.endswith("Request") and component.get("type") == "object" and "properties" in component:
            component["additionalProperties"] = False
    return result
