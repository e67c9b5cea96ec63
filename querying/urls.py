"""Routes of questions and answers."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from querying.api.views import (
    AskView,
    ExplainView,
    FeedbackView,
    LegacyQueryView,
    QueriesView,
    QueryBatchView,
    QueryView,
    SearchBatchView,
    SearchView,
)
from querying.signing_in import Invitation, SignIn
from querying.views import ask_page

urlpatterns: list[URLPattern] = [
    path("", ask_page, name="ask"),
    path("login/", SignIn.as_view(), name="login"),
    path("invitation/<uidb64>/<token>/", Invitation.as_view(), name="invitation"),
    path("logout/", LogoutView.as_view(next_page="ask"), name="logout"),
    path("api/v1/query", QueryView.as_view(), name="query"),
    path("api/v1/query/batch", QueryBatchView.as_view(), name="query-batch"),
    path("api/v1/search", SearchView.as_view(), name="search"),
    path("api/v1/search/batch", SearchBatchView.as_view(), name="search-batch"),
    path("api/v1/explain", ExplainView.as_view(), name="explain"),
    path("api/v1/queries", QueriesView.as_view(), name="queries"),
    path("api/v1/feedback", FeedbackView.as_view(), name="feedback"),
    # As older systems had them.
    path("api/query", LegacyQueryView.as_view(), name="query-alias"),
    path("ask", AskView.as_view(), name="ask-alias"),
]
