"""Embedding spaces: which model a corpus is searched with, how far another one is, what its index costs and finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    Count,
    Func,
    IntegerField,
    Model,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from documents.access.policy import Principal
from documents.admin.saving import forget_cached_answers, save_changed_fields
from documents.admin.scoping import CorpusFilter, ScopedAdmin, manageable_corpora, principal_of, readable_spaces
from documents.models import INDEX_PREFIX, Corpus, Embedding, EmbeddingSpace
from documents.reindexing.coverage import coverage_of
from documents.reindexing.pipeline import begin
from documents.reindexing.status import comparison_in_words, index_state, recall_in_words, settings_in_words
from documents.reindexing.target import SpaceRequest
from documents.space_jobs import BUILD, DROP, MEASURE, PROMOTE, ROLL_BACK, enqueue_space_work
from documents.vectors.index_progress import building
from ragsite.errors import InvalidInput

Status = EmbeddingSpace.Status
UNFINISHED = (Status.BUILDING, Status.SHADOW)
_INDEX_NAME = Concat(Value(INDEX_PREFIX), Cast("pk", CharField()))
_BYTES = Func(
    _INDEX_NAME, template="coalesce(pg_relation_size(to_regclass(%(expressions)s)), 0)", output_field=BigIntegerField()
)
_IS_VALID = Func(
    _INDEX_NAME,
    template="(SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%(expressions)s))",
    output_field=BooleanField(null=True),
)
_VECTORS = Embedding.objects.filter(space=OuterRef("pk")).order_by().values("space").annotate(n=Count("*")).values("n")


class StartForm(forms.Form):
    """Which corpus gets which model."""

    corpus = forms.ModelChoiceField(queryset=Corpus.objects.none(), empty_label=None)
    provider = forms.ChoiceField(
        choices=[("", "As configured"), *EmbeddingSpace.Provider.choices],
        required=False,
        label="Where the model runs",
    )
    model = forms.CharField(
        max_length=200,
        required=False,
        label="Model",
        help_text="Its name at the model server, such as nomic-embed-text. Empty: the one that is configured.",
    )

    def __init__(self, *args: Any, corpora: QuerySet[Corpus], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["corpus"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = corpora

    def wish(self) -> SpaceRequest:
        """Return what was asked for."""
        data = self.cleaned_data
        return SpaceRequest(provider=data["provider"] or None, model=data["model"].strip() or None)


@admin.register(EmbeddingSpace)
class EmbeddingSpaceAdmin(ScopedAdmin):
    """Members look; managers set the weight of the keyword leg and let a worker measure, switch and drop."""

    list_display = ["corpus", "provider", "model", "dimensions", "status", "vectors", "index", "kept", "recall"]
    list_filter = ["status", "provider", ("corpus", CorpusFilter)]
    search_fields = ["model", "corpus__name", "corpus__slug"]
    list_select_related = ["corpus"]
    list_per_page = 25
    readonly_fields = [
        "corpus", "provider", "model", "dimensions", "status", "chunks_covered", "index_now", "index_settings",
        "recall", "compared", "last_action", "created_at", "switched_at",
    ]  # fmt: skip
    fields = ["lexical_weight", *readonly_fields]
    actions = ["measure", "promote", "roll_back", "drop"]
    list_before_template = "admin/documents/embeddingspace/above_list.html"

    def readable(self, principal: Principal) -> QuerySet[EmbeddingSpace]:
        """Return the spaces of the corpora that the principal may ask."""
        return readable_spaces(principal)

    def editable(self, principal: Principal) -> QuerySet[EmbeddingSpace]:
        """Return the spaces of the tenants that the principal manages."""
        return EmbeddingSpace.objects.filter(corpus__in=manageable_corpora(principal))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows, each with the size of its index and the number of its vectors."""
        rows: QuerySet[Any] = super().get_queryset(request)
        vectors = Coalesce(Subquery(_VECTORS, output_field=IntegerField()), 0)
        annotated: QuerySet[Any] = rows.annotate(index_bytes=_BYTES, index_is_valid=_IS_VALID, vector_count=vectors)
        return annotated

    def get_urls(self) -> list[URLPattern]:
        """Return the routes."""
        start = path("start/", self.admin_site.admin_view(self.start_page), name="documents_embeddingspace_start")
        return [start, *super().get_urls()]

    def start_page(self, request: HttpRequest) -> HttpResponse:
        """Ask for a corpus and a model, and let a worker build beside what questions are answered with."""
        corpora = manageable_corpora(principal_of(request))
        if not corpora.exists():
            raise PermissionDenied
        form = StartForm(request.POST or None, corpora=corpora, initial={"corpus": request.GET.get("corpus")})
        if request.method == "POST" and form.is_valid():
            try:
                space = begin(form.cleaned_data["corpus"], form.wish())
            except InvalidInput as refusal:
                form.add_error(None, refusal.message)
            else:
                enqueue_space_work(space, BUILD)
                self.log_addition(request, space, "Started.")
                self.message_user(request, "A worker builds it. When it is compared with the live one, promote it.")
                return redirect("admin:documents_embeddingspace_change", space.pk)
        context = {**self.admin_site.each_context(request), "title": "Start another model", "form": form}
        return TemplateResponse(request, "admin/documents/embeddingspace/start.html", context)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: a corpus without its vectors finds nothing; a space that isn't live has an action."""
        return False

    def save_model(self, request: HttpRequest, obj: EmbeddingSpace, form: ModelForm[Any], change: bool) -> None:
        """Store the weight."""
        forget_cached_answers(obj.corpus_id)
        save_changed_fields(obj, form)

    @admin.action(description="Measure the recall of the index", permissions=["change"])
    def measure(self, request: HttpRequest, queryset: QuerySet[EmbeddingSpace]) -> None:
        """Ask the corpus itself how many of the nearest chunks the index finds."""
        self._enqueue(request, queryset, MEASURE, lambda space: space.status != Status.BUILDING)

    @admin.action(description="Promote: make it live if it finds no less", permissions=["change"])
    def promote(self, request: HttpRequest, queryset: QuerySet[EmbeddingSpace]) -> None:
        """Complete, compare and promote."""
        self._enqueue(request, queryset, PROMOTE, lambda space: space.status in UNFINISHED)

    @admin.action(description="Roll back: make a retired space live again", permissions=["change"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[EmbeddingSpace]) -> None:
        """Catch up and switch."""
        self._enqueue(request, queryset, ROLL_BACK, lambda space: space.status == Status.RETIRED)

    @admin.action(description="Drop retired spaces: no way back to them", permissions=["change"])
    def drop(self, request: HttpRequest, queryset: QuerySet[EmbeddingSpace]) -> None:
        """Delete index and vectors."""
        self._enqueue(request, queryset, DROP, lambda space: space.status == Status.RETIRED)

    @admin.display(description="vectors", ordering="vector_count")
    def vectors(self, space: EmbeddingSpace) -> str:
        """Return how many vectors there are for how many chunks."""
        return f"{getattr(space, 'vector_count', 0)} for {space.corpus.chunk_count} chunks"

    @admin.display(description="index", ordering="index_bytes")
    def index(self, space: EmbeddingSpace) -> str:
        """Return whether there is an index, and how large it is."""
        is_valid = getattr(space, "index_is_valid", None)
        if is_valid is None:
            return "none"
        return f"{'valid' if is_valid else 'not valid'}, {filesizeformat(getattr(space, 'index_bytes', 0))}"

    @admin.display(description="settings")
    def kept(self, space: EmbeddingSpace) -> str:
        """Return what of the vectors is kept and indexed."""
        return settings_in_words(space) or "whole vectors"

    @admin.display(description="recall@10")
    def recall(self, space: EmbeddingSpace) -> str:
        """Return the measured recall of the index, with these settings on this corpus."""
        return recall_in_words(space) or "not measured"

    @admin.display(description="chunks covered")
    def chunks_covered(self, space: EmbeddingSpace) -> str:
        """Return how many of the chunks that can be found have a vector."""
        coverage = coverage_of(space)
        return f"{coverage.covered} of {coverage.total}"

    @admin.display(description="index")
    def index_now(self, space: EmbeddingSpace) -> str:
        """Return the state of the index, and how far its building is."""
        build = building(space.index_name)
        size = filesizeformat(getattr(space, "index_bytes", 0))
        return f"{index_state(space)}, {size}" if build is None else f"{build.phase}, {build.share:.0%}"

    @admin.display(description="compared with the live one")
    def compared(self, space: EmbeddingSpace) -> str:
        """Return how it did."""
        return comparison_in_words(space) or "not compared"

    @admin.display(description="last action")
    def last_action(self, space: EmbeddingSpace) -> str:
        """Return what was asked for here, and what came of it."""
        last = space.measured.get("last")
        return f"{last['action']}: {last['result']} ({last['at']})" if last else "none"

    def _enqueue(
        self,
        request: HttpRequest,
        queryset: QuerySet[EmbeddingSpace],
        action: str,
        fits: Callable[[EmbeddingSpace], bool],
    ) -> None:
        """Leave the work to a worker, for the selected spaces that it fits and that the user may change."""
        own = self.editable(principal_of(request)).filter(pk__in=list(queryset.values_list("pk", flat=True)))
        queued = sum(enqueue_space_work(space, action) for space in own if fits(space))
        self.message_user(
            request, f"{queued} of {queryset.count()} selected spaces are waiting for a worker: {action}."
        )
