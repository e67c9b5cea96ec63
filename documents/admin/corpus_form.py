"""The form of a corpus: what the API accepts and nothing else, with words on what a choice costs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from documents.admin.reader_forms import ReadersForm
from documents.api.serializers import MODES, CorpusChangeSerializer

LANGUAGES = {
    "ar": "Arabic", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "hu": "Hungarian", "it": "Italian", "nl": "Dutch", "no": "Norwegian", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "vi": "Vietnamese", "zh": "Chinese",
    "xx": "Other, or several",
}  # fmt: skip
_CHECKED_BY_API = ("name", "language", "is_public", "chunk_unit", "chunk_size", "chunk_overlap")
_MODE_LABELS = {
    "": "As everywhere",
    "fast": "Fast: quotes the passages, no model",
    "balanced": "Balanced",
    "quality": "Quality: more passages, slower",
}


class CorpusForm(ReadersForm):
    """A corpus. Its query defaults are fields of their own; the API's serializer has the last word on each."""

    language = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget,
        initial="en",
        help_text="Decides how words are matched (house, houses). It can't be changed once there are documents.",
    )
    top_k = forms.IntegerField(
        required=False,
        label="Passages per answer",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    mode = forms.ChoiceField(
        required=False,
        label="Kind of answer",
        widget=UnfoldAdminSelectWidget,
        choices=[(mode, _MODE_LABELS.get(mode, mode)) for mode in ["", *MODES]],
        help_text="What a question gets that doesn't say otherwise.",
    )
    suggestions = forms.CharField(
        required=False,
        label="Suggested questions",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="One per line, up to ten: shown to readers before they ask.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "chunk_unit": ("Passages are measured in", ""),
            "chunk_size": (
                "Length of a passage",
                "Short ones are found more exactly, long ones tell the model more. Counts for documents that are "
                "indexed from now on: index the others again.",
            ),
            "chunk_overlap": ("Overlap", "How much of a passage is repeated in the next one."),
            "is_public": ("Public", "Anybody may ask, without an account. Not together with readers."),
            "slug": ("Short name", "As it stands in addresses and in the API."),
        }
        for name, (label, help_text) in labels.items():
            if name in self.fields:
                self.fields[name].label = label
                self.fields[name].help_text = help_text or self.fields[name].help_text
        self.fields["top_k"].help_text = (
            f"How many passages an answer rests on; empty: {settings.RETRIEVAL_TOP_K}. More of them take the model "
            "longer."
        )
        if "language" in self.fields:
            known = {**LANGUAGES, **({self.instance.language: self.instance.language} if self.instance.pk else {})}
            field = self.fields["language"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = sorted(
                ((code, LANGUAGES.get(code, code)) for code in known), key=lambda each: (each[0] == "xx", each[1])
            )
        defaults = self.instance.defaults if isinstance(self.instance.defaults, dict) else {}
        self.initial.setdefault("top_k", defaults.get("top_k"))
        self.initial.setdefault("mode", defaults.get("mode", ""))
        self.initial.setdefault("suggestions", "\n".join(map(str, defaults.get("suggestions", []))))

    def clean(self) -> dict[str, Any]:
        """Return the data, with `defaults` as it is stored."""
        data = super().clean()
        given = {
            "top_k": data.get("top_k"),
            "mode": data.get("mode"),
            "suggestions": [line.strip() for line in data.get("suggestions", "").splitlines() if line.strip()],
        }
        defaults = {name: value for name, value in given.items() if value not in (None, "", [])}
        asked = {name: data[name] for name in _CHECKED_BY_API if name in data}
        serializer = CorpusChangeSerializer(self.instance, data={**asked, "defaults": defaults})
        if not serializer.is_valid():
            errors = dict(serializer.errors)
            inner = errors.pop("defaults", {})
            for name, found in {**errors, **(inner if isinstance(inner, dict) else {})}.items():
                if name not in self.errors:
                    self.add_error(name if name in self.fields else None, _sentences(found))
        data["defaults"] = self.instance.defaults = defaults
        return data


def _sentences(found: Any) -> list[str]:
    """Return the sentences of a serializer's error: a list of them, or of lists by place."""
    if isinstance(found, dict):
        return [f"Line {int(place) + 1}: {text}" for place, texts in found.items() for text in texts]
    return [str(text) for text in found]
