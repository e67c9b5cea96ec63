"""The pages to sign in on, and to choose a password on for those who were invited."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy

from documents.access.login_limits import LoginForm
from documents.access.people import is_invited


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


class Invitation(PasswordResetConfirmView):
    """Let somebody who was invited choose a password, once; then they sign in with it."""

    template_name = "invitation.html"
    success_url = reverse_lazy("login")

    def get_user(self, uidb64: str) -> User | None:
        """Return the account, if it waits for this: an invitation replaces nobody's password."""
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and is_invited(user) else None
