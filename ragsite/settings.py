"""Every setting, from the environment and nowhere else. docs/configuration.md lists them; a test compares the two.

A secret `NAME` may also come from the file that `NAME_FILE` points to.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import environ

from ragsite.cpu_threads import bound_cpu_threads
from ragsite.database_options import pooled
from ragsite.log_lines import logging_to_stderr
from ragsite.openapi import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from ragsite.proxies import speaks_of_proxy
from ragsite.rates import parse_rate
from ragsite.secret_key import kept_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))  # all that ragsite writes, where nothing else says so
TESTING = "pytest" in sys.modules

# Django
SECRET_KEY = env.str("SECRET_KEY", "") or kept_secret_key(VAR_DIR)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "ragsite.urls"
WSGI_APPLICATION = "ragsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    "django_prometheus",
    "csp",
    "corsheaders",
    "documents",
    "querying",
    "monitoring",
]

MIDDLEWARE = [
    "monitoring.middleware.KnownMethodsOnly",  # before metrics: an invented method must not become a label
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "monitoring.middleware.RequestId",
    "monitoring.access_log.AccessLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ragsite.private_replies.PrivateReplies",
    "ragsite.content_policy.ContentPolicy",
    "ragsite.error_pages.ProblemsForPrograms",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "documents.admin.nonsense.NonsenseIsNotFound",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# Browser security. TLS ends at a proxy; behind one, set HTTPS=true.
HTTPS = env.bool("HTTPS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = False
NUM_PROXIES = env.int("NUM_PROXIES", 0)  # of ours before this server: whose X-Forwarded-For is believed
IS_BEHIND_PROXY = speaks_of_proxy(
    https=HTTPS, num_proxies=NUM_PROXIES, trusted_origins=CSRF_TRUSTED_ORIGINS, hosts=ALLOWED_HOSTS
)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600  # seconds: a working day
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# 'self' alone: whatever a model or a document writes, the browser loads nothing foreign.
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        **{name: ["'self'"] for name in ("script-src", "style-src", "font-src", "connect-src", "form-action")},
        **{name: ["'none'"] for name in ("default-src", "frame-ancestors", "base-uri")},
        "img-src": ["'self'", "data:"],
    },
}

# Pages of other sites that may call the API from a browser: https://intranet.example. With an API key, never with the
# reader's session: no cookie goes along.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.security.SecurityMiddleware"), "corsheaders.middleware.CorsMiddleware"
    )
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/(api/|ask$|documents$)"
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "x-deadline-ms", "x-request-id")
CORS_EXPOSE_HEADERS = ("RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")

# Postgres. Without DATABASE_URL, manage.py starts the embedded server and sets it.
DATABASE_URL = env.str("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 5)  # connections that each process keeps at most ...
DATABASE_MAX_OVERFLOW = env.int("DATABASE_MAX_OVERFLOW", 0)  # ... and may open beyond that
DATABASE_POOL_TIMEOUT_SECONDS = env.float("DATABASE_POOL_TIMEOUT", 2.0)  # then 503, not a wait of 30 s
# Of a web process; a command may take its time (an index build does). 0: none.
DATABASE_STATEMENT_TIMEOUT_MS = env.int(
    "DATABASE_STATEMENT_TIMEOUT_MS", 5000 if env.str("RAGSITE_ROLE", "") == "web" else 0
)
DATABASES: dict[str, dict[str, Any]] = {
    "default": pooled(
        env.db_url_config(DATABASE_URL),
        max_size=DATABASE_POOL_SIZE + DATABASE_MAX_OVERFLOW,
        wait_seconds=DATABASE_POOL_TIMEOUT_SECONDS,
        statement_timeout_ms=DATABASE_STATEMENT_TIMEOUT_MS,
        prepares=env.bool("DATABASE_PREPARE_STATEMENTS", True),
    )
}

# Caches: Redis when there is one. JSON, because whoever can write to a pickle cache can run code here.
REDIS_URL = env.str("REDIS_URL", "")
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "ragsite.guarded_cache.GuardedCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "ragsite",
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.1,  # seconds
            "SOCKET_TIMEOUT": 0.1,
        },
    }

# Files. Static ones are served by whitenoise, hashed and compressed; uploads never are.
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(VAR_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG

# Uploads
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", 50 * 1024 * 1024)  # one file
UPLOAD_MAX_FILES = env.int("UPLOAD_MAX_FILES", 100)  # one request
DATA_UPLOAD_MAX_NUMBER_FILES = UPLOAD_MAX_FILES
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes of a request's body that are not files
FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # always a file on disk: a hundred uploads at once cost no memory
FREE_DISK_FLOOR_BYTES = env.int("FREE_DISK_FLOOR_BYTES", 500 * 1024 * 1024)  # refuse uploads below it
FILE_UPLOAD_HANDLERS = ["documents.uploading.ReceivingHandler"]  # stops at UPLOAD_MAX_BYTES

# Indexing workers
WORKER_HEARTBEAT_SECONDS = env.float("WORKER_HEARTBEAT_SECONDS", 10.0)
WORKER_STALLED_SECONDS = env.float("WORKER_STALLED_SECONDS", 30.0)  # without a heartbeat; then others take its jobs
WORKER_GRACE_SECONDS = env.float("WORKER_GRACE_SECONDS", 30.0)  # to finish the current document when told to stop
CHECKPOINT = env.str("RAGSITE_CHECKPOINT", "")  # where a crash test stops this process: documents/checkpoints.py

# Extraction: what one file may cost, in a child process of its own
EXTRACTION_TIMEOUT_SECONDS = env.int("EXTRACTION_TIMEOUT_SECONDS", 120)  # wall clock and CPU
EXTRACTION_MEMORY_BYTES = env.int("EXTRACTION_MEMORY_BYTES", 1024 * 1024 * 1024)
EXTRACTION_MAX_CHARS = env.int("EXTRACTION_MAX_CHARS", 20_000_000)

# Switches as other systems name them: monitoring/computing_checks.py says what each can and can't do
RAG_DISABLE = env.bool("RAG_DISABLE", False)  # for maintenance: questions get 503, all else goes on
RAG_DEVICE = env.str("RAG_DEVICE", "auto")
RAG_MODEL = env.str("RAG_MODEL", "english")
RAG_CPU_THREADS = env.int("RAG_CPU_THREADS", 0)  # of each numeric library; 0: as many as there are cores
bound_cpu_threads(RAG_CPU_THREADS)

# Ollama. Several addresses, comma-separated, are used in order of preference. None: the embedded provider.
OLLAMA_BASE_URLS = env.list("OLLAMA_BASE_URL", default=[])
EMBED_MODEL = env.str("EMBED_MODEL", "nomic-embed-text-v2-moe" if RAG_MODEL == "multilingual" else "nomic-embed-text")
LLM_MODEL = env.str("LLM_MODEL", "llama3.2:1b")
OLLAMA_NUM_CTX = env.int("OLLAMA_NUM_CTX", 8192)  # tokens; always the same, or Ollama reloads the model
OLLAMA_MAX_TOKENS = env.int("OLLAMA_MAX_TOKENS", 512)  # of an answer
OLLAMA_TEMPERATURE = env.float("OLLAMA_TEMPERATURE", 0.1)
OLLAMA_TOP_K = env.int("OLLAMA_TOP_K", 20)
OLLAMA_GPU = env.bool("OLLAMA_GPU", RAG_DEVICE != "cpu")  # false: num_gpu 0
OLLAMA_KEEP_ALIVE = env.str("OLLAMA_KEEP_ALIVE", "30m")
OLLAMA_MAX_CONCURRENCY = env.int("OLLAMA_MAX_CONCURRENCY", 64)  # calls in flight per host, per process
OLLAMA_CONNECT_TIMEOUT_SECONDS = env.float("OLLAMA_CONNECT_TIMEOUT_SECONDS", 1.0)
OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = env.float("OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS", 10.0)
OLLAMA_TOKEN_TIMEOUT_SECONDS = env.float("OLLAMA_TOKEN_TIMEOUT_SECONDS", 10.0)  # between two tokens
OLLAMA_EMBED_TIMEOUT_SECONDS = env.float("OLLAMA_EMBED_TIMEOUT_SECONDS", 30.0)
OLLAMA_EMBED_BATCH_SIZE = env.int("OLLAMA_EMBED_BATCH_SIZE", 64)  # texts per call

# Circuit breaker around embed and generate
ENABLE_CIRCUIT_BREAKER = env.bool("ENABLE_CIRCUIT_BREAKER", True)
CIRCUIT_FAILURE_THRESHOLD = env.int("FAILURE_THRESHOLD", 5)  # failures in a row
CIRCUIT_RECOVERY_TIMEOUT_SECONDS = env.float("RECOVERY_TIMEOUT", 30.0)
CIRCUIT_RECOVERY_TIMEOUT_MAX_SECONDS = env.float("RECOVERY_TIMEOUT_MAX", 300.0)
CIRCUIT_WINDOW_SECONDS = env.float("CIRCUIT_WINDOW_SECONDS", 60.0)
CIRCUIT_MINIMUM_CALLS = env.int("CIRCUIT_MINIMUM_CALLS", 10)  # in the window, before its rates count
CIRCUIT_FAILURE_RATE = env.float("CIRCUIT_FAILURE_RATE", 0.5)  # 0..1
CIRCUIT_SLOW_CALL_SECONDS = env.float("CIRCUIT_SLOW_CALL_SECONDS", 10.0)  # to the first token
CIRCUIT_SLOW_CALL_RATE = env.float("CIRCUIT_SLOW_CALL_RATE", 0.8)  # 0..1

# Corpora and chunks: defaults of a new corpus
CHUNK_SIZE_CHARS = env.int("CHUNK_SIZE_CHARS", 800)
CHUNK_OVERLAP_CHARS = env.int("CHUNK_OVERLAP_CHARS", 100)

# Questions
QUESTION_MAX_CHARS = env.int("QUESTION_MAX_CHARS", 4000)
RETRIEVAL_TOP_K = env.int("RETRIEVAL_TOP_K", 5)
RETRIEVAL_TOP_K_MAX = env.int("RETRIEVAL_TOP_K_MAX", 100)
EXACT_SCAN_MAX_CHUNKS = env.int("EXACT_SCAN_MAX_CHUNKS", 10_000)  # above it, a space gets an HNSW index
LEXICAL_MATCH_BUDGET = env.int("LEXICAL_MATCH_BUDGET", 2_000)  # chunks that one question's words may match
DEADLINE_SECONDS = env.float("DEADLINE_SECONDS", 30.0)
DEADLINE_MAX_SECONDS = env.float("DEADLINE_MAX_SECONDS", 120.0)
MAX_OPEN_STREAMS = env.int("MAX_OPEN_STREAMS", 100)  # per process; threads beyond them stay free for the rest
RAG_EXECUTOR_WORKERS = env.int("RAG_EXECUTOR_WORKERS", 4)  # threads for several corpora at once; 1: none

# Caches. Their keys carry all that an answer depends on, so nothing has to be purged by hand.
ENABLE_CACHING = env.bool("ENABLE_CACHING", True)
ENABLE_ANSWER_CACHE = env.bool("ENABLE_ANSWER_CACHE", True)
ENABLE_RETRIEVAL_CACHE = env.bool("ENABLE_RETRIEVAL_CACHE", True)
ENABLE_EMBEDDING_CACHE = env.bool("ENABLE_EMBEDDING_CACHE", True)  # of questions
CACHE_TTL_SECONDS = env.int("CACHE_TTL_SECONDS", 3600)
STALE_TTL_SECONDS = env.int("STALE_TTL_SECONDS", 7 * 24 * 3600)  # how old an answer may be while the model is away
CACHE_MAX_ANSWERS = env.int("CACHE_MAX_ANSWERS", 10_000)  # kept in Postgres
CACHE_MEMORY_BYTES = env.int("CACHE_MEMORY_BYTES", 8 * 1024 * 1024)  # as JSON; each process holds thrice that
ENABLE_SEMANTIC_CACHE = env.bool("ENABLE_SEMANTIC_CACHE", True)
SEMANTIC_CACHE_SIMILARITY = env.float("SEMANTIC_CACHE_SIMILARITY", 0.7)  # 0..1; the words must agree as well
SEMANTIC_CACHE_FALSE_HIT_BUDGET = env.float("SEMANTIC_CACHE_FALSE_HIT_BUDGET", 0.005)  # share reported; above it: off

# A server writes down what was asked a moment later, many questions at once; a command at once.
RECORD_LATER = env.str("RAGSITE_ROLE", "") == "web"

# Streaming
STREAM_FLUSH_SECONDS = 0.05  # tokens of that long go out together
STREAM_HEARTBEAT_SECONDS = 1.0  # a comment, so that a reader who left is noticed

# Server
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
WEB_WORKERS = env.int("WEB_WORKERS", 2)
WEB_THREADS = env.int("WEB_THREADS", 128)  # per worker
INGEST_WORKERS = env.int("INGEST_WORKERS", 1)
ADMIN_USERNAME = env.str("ADMIN_USERNAME", "admin")
ADMIN_PASSWORD = env.str("ADMIN_PASSWORD", "")  # empty: generated at the first start, and shown once

# Metrics: a bearer token for /metrics. Empty: only from this machine, and not where a proxy is configured.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")

# Rate limits: requests in a time, by API key, else user, else address: 120/m. 0: none.
RATE_LIMIT_QUERY = env.str("RATE_LIMIT_QUERY", "0")
RATE_LIMIT_UPLOAD = env.str("RATE_LIMIT_UPLOAD", "0")
parse_rate(RATE_LIMIT_QUERY), parse_rate(RATE_LIMIT_UPLOAD)  # a ValueError here is better than one per request

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "documents.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],  # a view opens itself up
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["documents.api.parsers.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["ragsite.throttling.ScopedThrottle"],  # of views with a throttle_scope
    "EXCEPTION_HANDLER": "ragsite.exception_handler.problem_response",
    "DEFAULT_SCHEMA_CLASS": "ragsite.schema_of_views.DescribedView",
    "NUM_PROXIES": NUM_PROXIES,
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is a parameter like any other, and there is none of this name
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Logs: JSON lines on stderr. Never a question, a document's text or a secret at INFO.
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOGGING = logging_to_stderr(LOG_LEVEL)

PROMETHEUS_EXPORT_MIGRATIONS = False  # it would query the database at import, before the fork
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_IMPORT_PATHS = ["documents.space_jobs"]
