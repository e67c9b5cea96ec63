"""The page to sign in on."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse

from documents.login_limits import LoginForm


class SignIn(LoginView):
    """Ask for name and password; 429 with Retry-After when too many were tried."""

    template_name = "login.html"
    next_page = "ask"
    authentication_form = LoginForm

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Return the form again, with what is wrong."""
        response = super().form_invalid(form)
        if isinstance(form, LoginForm) and form.wait_seconds:
            response.status_code = 429
            response["Retry-After"] = str(form.wait_seconds)
        return response
