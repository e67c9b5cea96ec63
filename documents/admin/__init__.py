"""The admin, for looking and for nudging: one module per group of models."""

import unfold.fields
from django.contrib import admin

from documents.access.login_limits import AdminLoginForm
from documents.admin import accounts, api_keys, corpora, documents, logins, passages, spaces, tenants

__all__ = ["accounts", "api_keys", "corpora", "documents", "logins", "passages", "spaces", "tenants"]

# The theme would colour JSON by styles within the page, which the Content-Security-Policy forbids.
unfold.fields.prettify_json = lambda data, encoder: None
admin.site.login_form = AdminLoginForm
admin.site.site_header = admin.site.site_title = "ragsite"
admin.site.index_title = "Documents, questions and who may see them"
