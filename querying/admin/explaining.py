"""The page that tries a question against a document: how far its passages came, and why no further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from documents.access.policy import Principal, editable_documents
from documents.access.question_scope import scope_of
from documents.admin.scoping import principal_of
from documents.models import Document
from querying.api.reading import default_mode, default_top_k
from querying.explaining.askers import asker_named, members_to_name
from querying.explaining.pipeline import Explanation, explain
from querying.maintenance import refuse_while_disabled
from querying.models import QueryLog
from querying.types import Question
from ragsite.deadline import Deadline
from ragsite.errors import CorpusNotFound, RagError

if TYPE_CHECKING:
    Base = admin.ModelAdmin[QueryLog]
else:
    Base = object

YOU, VISITOR = "you", "visitor"
OWN, ALL = "own", "all"


class ExplainForm(forms.Form):
    """A question, of which corpora, and who asked it."""

    question = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}))
    corpora = forms.ChoiceField(label="Asked of", required=False)
    asked_by = forms.ChoiceField(label="Asked by", required=False)

    def __init__(self, *args: Any, document: Document, members: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        question, corpora, asked_by = (self.fields[name] for name in ("question", "corpora", "asked_by"))
        assert isinstance(question, forms.CharField)
        question.max_length = settings.QUESTION_MAX_CHARS
        question.validators.append(MaxLengthValidator(settings.QUESTION_MAX_CHARS))
        assert isinstance(corpora, forms.ChoiceField)
        corpora.choices = [(OWN, f"{document.corpus.name} only"), (ALL, "No corpus in particular, as on the ask page")]
        assert isinstance(asked_by, forms.ChoiceField)
        people = [(f"member:{name}", name) for name in members]
        asked_by.choices = [(YOU, "You"), (VISITOR, "A visitor who isn't signed in"), *people]


class ExplainPage(Base):
    """What the admin of questions has for a single document."""

    def get_urls(self) -> list[URLPattern]:
        """Return the routes."""
        page = self.admin_site.admin_view(self.explain_page)
        return [path("explain/<uuid:pk>/", page, name="querying_explain"), *super().get_urls()]

    def explain_page(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the page, with what became of the document once a question is sent; for those who may change it."""
        principal = principal_of(request)
        document = get_object_or_404(editable_documents(principal).select_related("corpus__tenant"), pk=pk)
        form = ExplainForm(request.POST or None, document=document, members=list(members_to_name(principal, document)))
        explanation, problem = None, ""
        if form.is_valid():
            try:
                explanation = _explained(principal, document, form.cleaned_data)
            except RagError as error:
                problem = error.message
        context = {
            "title": f"Try a question against {document}",
            "document": document,
            "form": form,
            "explanation": explanation,
            "problem": problem,
        }
        return TemplateResponse(
            request, "admin/querying/explain.html", {**self.admin_site.each_context(request), **context}
        )


def _explained(principal: Principal, document: Document, fields: dict[str, str]) -> Explanation:
    refuse_while_disabled()
    deadline = Deadline.after(float(settings.DEADLINE_SECONDS))
    own = f"{document.corpus.tenant.slug}/{document.corpus.slug}"
    scope = scope_of(principal, [] if fields["corpora"] == ALL else [own], patience_seconds=deadline.remaining() / 2)
    if not scope.corpora:
        raise CorpusNotFound
    question = Question(
        text=fields["question"],
        corpora=scope.corpora,
        standing=scope.fingerprint,
        principal=principal,
        deadline=deadline,
        top_k=default_top_k(scope.corpora[0]),
        mode=default_mode(scope.corpora[0]),
    )
    return explain(question, document, asker=_asker(principal, document, fields["asked_by"]))


def _asker(principal: Principal, document: Document, chosen: str) -> Principal | None:
    if chosen == VISITOR:
        return asker_named(principal, document, "")
    kind, _, name = chosen.partition(":")
    return asker_named(principal, document, name) if kind == "member" else None
