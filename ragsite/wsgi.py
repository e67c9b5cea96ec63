"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from ragsite.config import dotenv, metrics_files
from ragsite.web.chunked_bodies import with_chunked_bodies

dotenv.load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ragsite.settings")
os.environ.setdefault("RAGSITE_ROLE", "web")  # settings give web processes a statement time-out, and commands none
metrics_files.allocate_before_use()
application = with_chunked_bodies(get_wsgi_application())
