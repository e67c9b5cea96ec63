"""The views to sign in, and to choose a password by invitation."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy

from documents.access.login_limits import LoginForm
from documents.access.people import is_invited


class SignIn(LoginView):
    """Sign in with name and password; 429 with Retry-After after too many attempts."""

    template_name = "login.html"
    next_page = "ask"
    authentication_form = LoginForm

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Return the form with its errors."""
        response = super().form_invalid(form)
        if isinstance(form, LoginForm) and form.wait_seconds:
            response.status_code = 429
            response["Retry-After"] = str(form.wait_seconds)
        return response


class Invitation(PasswordResetConfirmView):
    """Let an invited user choose a password, once."""

    template_name = "invitation.html"
    success_url = reverse_lazy("login")

    def get_user(self, uidb64: str) -> User | None:
        """Return the user, if they are invited and have no password yet; an invitation replaces no password."""
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and is_invited(user) else None
