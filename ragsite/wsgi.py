"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from ragsite import dotenv, metrics_files

dotenv.load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ragsite.settings")
os.environ.setdefault("RAGSITE_ROLE", "web")  # settings give web processes a statement time-out, and commands none
metrics_files.allocate_before_use()
application = get_wsgi_application()
