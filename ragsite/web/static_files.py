"""Checks that pages find their style sheets and scripts: hashed names are looked up in a manifest."""

from __future__ import annotations

from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage


def static_files_problem() -> str | None:
    """Return why every page of this process would fail, with what to do; None: none would."""
    storage: object = staticfiles_storage
    if not isinstance(storage, ManifestFilesMixin) or storage.hashed_files:
        return None
    if storage.read_manifest() is None:
        return "The static files of the pages are missing; run `manage.py prepare`, and start this process again."
    return "The static files were made after this process had started; start it again."
