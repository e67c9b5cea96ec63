"""Every setting, from the environment and nowhere else. docs/configuration.md lists them; a test compares the two.

A secret `NAME` may also come from the file that `NAME_FILE` points to. Importing this module raises
ImproperlyConfigured with a sentence for each value that can't be; combinations are for Django's system checks.
"""

from __future__ import annotations

import sys
from typing import Any

import environ

from ragsite.config import setting_kinds as kinds
from ragsite.config.admin_theme import UNFOLD as UNFOLD
from ragsite.config.cpu_threads import bound_cpu_threads
from ragsite.config.environment import Environment
from ragsite.config.logging import AUTO, FORMATS, logging_to_stderr
from ragsite.config.openapi import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from ragsite.config.secret_key import kept_secret_key
from ragsite.paths import PROJECT
from ragsite.postgres.options import pooled
from ragsite.web.proxies import speaks_of_proxy

BASE_DIR = PROJECT
env = Environment()
DAY, YEAR = 86_400, 366 * 86_400  # seconds
VAR_DIR = env.value("VAR_DIR", BASE_DIR / "var", kinds.folder())  # all that ragsite writes, where nothing else says so
TESTING = "pytest" in sys.modules

# Django
SECRET_KEY = env.value("SECRET_KEY", "", kinds.secret(at_least=32), is_secret=True)
SECRET_KEY_FALLBACKS = env.value("SECRET_KEY_FALLBACKS", [], kinds.secrets_list(at_least=32), is_secret=True)
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.value("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], kinds.allowed_hosts())
CSRF_TRUSTED_ORIGINS = env.value("CSRF_TRUSTED_ORIGINS", [], kinds.origins())
ROOT_URLCONF = "ragsite.urls"
WSGI_APPLICATION = "ragsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
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
    "monitoring.serving.access_log.AccessLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ragsite.web.private_replies.PrivateReplies",
    "ragsite.web.content_policy.ContentPolicy",
    "ragsite.web.error_pages.ProblemsForPrograms",
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
NUM_PROXIES = env.int("NUM_PROXIES", 0, at_most=100)  # own proxies in front; their X-Forwarded-For is trusted
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
CORS_ALLOWED_ORIGINS = env.value("CORS_ALLOWED_ORIGINS", [], kinds.origins())
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.security.SecurityMiddleware"), "corsheaders.middleware.CorsMiddleware"
    )
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/(api/|ask$|documents$)"
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "x-deadline-ms", "x-request-id")
CORS_EXPOSE_HEADERS = ("RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")

# Postgres. Without DATABASE_URL, manage.py starts the embedded server and sets it.
ROLE = env.value("RAGSITE_ROLE", "", kinds.one_of("web"))  # set by our own ways in
DATABASE_URL = env.value(
    "DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres", kinds.postgres_url(), is_secret=True
)
# Connections that each process keeps at most, and may open beyond that; a request that gets none in time gets 503
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 5, at_least=1, at_most=1000)
DATABASE_MAX_OVERFLOW = env.int("DATABASE_MAX_OVERFLOW", 0, at_most=1000)
DATABASE_POOL_TIMEOUT_SECONDS = env.float("DATABASE_POOL_TIMEOUT", 2.0, at_least=0.01, at_most=3600)
# Of a web process; a command may take its time (an index build does). 0: none.
DATABASE_STATEMENT_TIMEOUT_MS = env.int(
    "DATABASE_STATEMENT_TIMEOUT_MS", 5000 if ROLE == "web" else 0, at_most=1000 * DAY
)
DATABASE_PREPARE_STATEMENTS = env.bool("DATABASE_PREPARE_STATEMENTS", True)
DATABASES: dict[str, dict[str, Any]] = {}


def use_database(url: str) -> None:
    """Make this the address of the database; for the embedded server, which starts after the settings were read."""
    global DATABASE_URL
    DATABASE_URL = url
    DATABASES["default"] = pooled(
        environ.Env.db_url_config(url),
        max_size=DATABASE_POOL_SIZE + DATABASE_MAX_OVERFLOW,
        wait_seconds=DATABASE_POOL_TIMEOUT_SECONDS,
        statement_timeout_ms=DATABASE_STATEMENT_TIMEOUT_MS,
        prepares=DATABASE_PREPARE_STATEMENTS,
    )


use_database(DATABASE_URL)

# Caches: Redis when there is one. JSON, because write access to a pickle cache means running code here.
REDIS_URL = env.value("REDIS_URL", "", kinds.redis_url(), is_secret=True)
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "ragsite.redis.cache_backend.GuardedCache",
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
MEDIA_ROOT = env.value("MEDIA_ROOT", VAR_DIR / "media", kinds.folder())
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
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", 50 * 1024 * 1024, at_least=1, at_most=2**40)  # one file
UPLOAD_MAX_FILES = env.int("UPLOAD_MAX_FILES", 100, at_least=1, at_most=100_000)  # one request
DATA_UPLOAD_MAX_NUMBER_FILES = UPLOAD_MAX_FILES
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes of a request's body that are not files
FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # always a file on disk: a hundred uploads at once cost no memory
FREE_DISK_FLOOR_BYTES = env.int("FREE_DISK_FLOOR_BYTES", 500 * 1024 * 1024, at_most=2**50)  # refuse uploads below it
FILE_UPLOAD_HANDLERS = ["documents.uploads.acceptance.ReceivingHandler"]  # stops at UPLOAD_MAX_BYTES

# Indexing workers
WORKER_HEARTBEAT_SECONDS = env.float("WORKER_HEARTBEAT_SECONDS", 10.0, at_least=0.01, at_most=DAY)
# Without a heartbeat; then others take its jobs
WORKER_STALLED_SECONDS = env.float("WORKER_STALLED_SECONDS", 30.0, at_least=0.01, at_most=DAY)
# To finish the current document when told to stop
WORKER_GRACE_SECONDS = env.float("WORKER_GRACE_SECONDS", 30.0, at_most=DAY)
# Where a crash test stops this process: documents/indexing/crash_points.py
CHECKPOINT = env.value("RAGSITE_CHECKPOINT", "", kinds.word())

# Extraction: what one file may cost, in a child process of its own
EXTRACTION_TIMEOUT_SECONDS = env.int("EXTRACTION_TIMEOUT_SECONDS", 120, at_least=1, at_most=DAY)  # wall clock and CPU
EXTRACTION_MEMORY_BYTES = env.int("EXTRACTION_MEMORY_BYTES", 1024 * 1024 * 1024, at_least=2**24, at_most=2**40)
EXTRACTION_MAX_CHARS = env.int("EXTRACTION_MAX_CHARS", 20_000_000, at_least=1, at_most=2**31)
OCR_ENGINE = env.value("OCR_ENGINE", "auto", kinds.one_of("auto", "rapidocr", "tesseract", "off"))
OCR_PAGES_MAX = env.int("OCR_PAGES_MAX", 500, at_least=1, at_most=20_000)  # of one file; a page takes 1 to 6 s of CPU

# Switches as other systems name them: monitoring/health/computing_checks.py says what each can and can't do
RAG_DISABLE = env.bool("RAG_DISABLE", False)  # for maintenance: questions get 503, all else goes on
RAG_DEVICE = env.value("RAG_DEVICE", "auto", kinds.one_of("auto", "cpu", "cuda"))
RAG_MODEL = env.value("RAG_MODEL", "english", kinds.one_of("english", "multilingual"))
RAG_CPU_THREADS = env.int("RAG_CPU_THREADS", 0, at_most=1024)  # of each numeric library; 0: as many as there are cores
bound_cpu_threads(RAG_CPU_THREADS)

# Ollama. Several addresses, comma-separated, are used in order of preference. None: the embedded provider.
OLLAMA_BASE_URLS = env.value("OLLAMA_BASE_URL", [], kinds.words_list(), is_secret=True)
EMBED_MODEL = env.value(
    "EMBED_MODEL", "nomic-embed-text-v2-moe" if RAG_MODEL == "multilingual" else "nomic-embed-text", kinds.word()
)
LLM_MODEL = env.value("LLM_MODEL", "llama3.2:1b", kinds.word())
# Tokens; always the same, or Ollama reloads the model
OLLAMA_NUM_CTX = env.int("OLLAMA_NUM_CTX", 8192, at_least=256, at_most=2**24)
OLLAMA_MAX_TOKENS = env.int("OLLAMA_MAX_TOKENS", 512, at_least=1, at_most=2**24)  # of an answer
OLLAMA_TEMPERATURE = env.float("OLLAMA_TEMPERATURE", 0.1, at_most=10)
OLLAMA_TOP_K = env.int("OLLAMA_TOP_K", 20, at_most=1_000_000)
OLLAMA_GPU = env.bool("OLLAMA_GPU", RAG_DEVICE != "cpu")  # false: num_gpu 0
OLLAMA_KEEP_ALIVE = env.value("OLLAMA_KEEP_ALIVE", "30m", kinds.duration())
# Calls in flight per host, per process
OLLAMA_MAX_CONCURRENCY = env.int("OLLAMA_MAX_CONCURRENCY", 64, at_least=1, at_most=100_000)
OLLAMA_CONNECT_TIMEOUT_SECONDS = env.float("OLLAMA_CONNECT_TIMEOUT_SECONDS", 1.0, at_least=0.01, at_most=DAY)
OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = env.float("OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS", 10.0, at_least=0.01, at_most=DAY)
# Between two tokens
OLLAMA_TOKEN_TIMEOUT_SECONDS = env.float("OLLAMA_TOKEN_TIMEOUT_SECONDS", 10.0, at_least=0.01, at_most=DAY)
OLLAMA_EMBED_TIMEOUT_SECONDS = env.float("OLLAMA_EMBED_TIMEOUT_SECONDS", 30.0, at_least=0.01, at_most=DAY)
OLLAMA_EMBED_BATCH_SIZE = env.int("OLLAMA_EMBED_BATCH_SIZE", 64, at_least=1, at_most=10_000)  # texts per call

# Circuit breaker around embed and generate
ENABLE_CIRCUIT_BREAKER = env.bool("ENABLE_CIRCUIT_BREAKER", True)
CIRCUIT_FAILURE_THRESHOLD = env.int("FAILURE_THRESHOLD", 5, at_least=1, at_most=1_000_000)  # failures in a row
CIRCUIT_RECOVERY_TIMEOUT_SECONDS = env.float("RECOVERY_TIMEOUT", 30.0, at_least=0.01, at_most=DAY)
CIRCUIT_RECOVERY_TIMEOUT_MAX_SECONDS = env.float("RECOVERY_TIMEOUT_MAX", 300.0, at_least=0.01, at_most=DAY)
CIRCUIT_WINDOW_SECONDS = env.float("CIRCUIT_WINDOW_SECONDS", 60.0, at_least=0.01, at_most=DAY)
# In the window, before its rates count
CIRCUIT_MINIMUM_CALLS = env.int("CIRCUIT_MINIMUM_CALLS", 10, at_least=1, at_most=1_000_000)
CIRCUIT_FAILURE_RATE = env.float("CIRCUIT_FAILURE_RATE", 0.5, at_most=1)  # 0..1
# To the first token
CIRCUIT_SLOW_CALL_SECONDS = env.float("CIRCUIT_SLOW_CALL_SECONDS", 10.0, at_least=0.01, at_most=DAY)
CIRCUIT_SLOW_CALL_RATE = env.float("CIRCUIT_SLOW_CALL_RATE", 0.8, at_most=1)  # 0..1

# Corpora and chunks: defaults of a new corpus
CHUNK_SIZE_CHARS = env.int("CHUNK_SIZE_CHARS", 800, at_least=50, at_most=100_000)
CHUNK_OVERLAP_CHARS = env.int("CHUNK_OVERLAP_CHARS", 100, at_most=100_000)

# Questions
QUESTION_MAX_CHARS = env.int("QUESTION_MAX_CHARS", 4000, at_least=1, at_most=1_000_000)
RETRIEVAL_TOP_K = env.int("RETRIEVAL_TOP_K", 5, at_least=1, at_most=10_000)
RETRIEVAL_TOP_K_MAX = env.int("RETRIEVAL_TOP_K_MAX", 100, at_least=1, at_most=10_000)
EXACT_SCAN_MAX_CHUNKS = env.int("EXACT_SCAN_MAX_CHUNKS", 10_000, at_most=2**31)  # above it, a space gets an HNSW index
# Chunks that one question's words may match
LEXICAL_MATCH_BUDGET = env.int("LEXICAL_MATCH_BUDGET", 2_000, at_least=1, at_most=2**31)
DEADLINE_SECONDS = env.float("DEADLINE_SECONDS", 30.0, at_least=0.1, at_most=DAY)
DEADLINE_MAX_SECONDS = env.float("DEADLINE_MAX_SECONDS", 120.0, at_least=0.1, at_most=DAY)
# Per process; threads beyond them stay free for the rest
MAX_OPEN_STREAMS = env.int("MAX_OPEN_STREAMS", 100, at_least=1, at_most=100_000)
# Threads for several corpora at once; 1: none
RAG_EXECUTOR_WORKERS = env.int("RAG_EXECUTOR_WORKERS", 4, at_least=1, at_most=1000)

# Caches. Their keys carry all that an answer depends on, so nothing has to be purged by hand.
ENABLE_CACHING = env.bool("ENABLE_CACHING", True)
ENABLE_ANSWER_CACHE = env.bool("ENABLE_ANSWER_CACHE", True)
ENABLE_RETRIEVAL_CACHE = env.bool("ENABLE_RETRIEVAL_CACHE", True)
ENABLE_EMBEDDING_CACHE = env.bool("ENABLE_EMBEDDING_CACHE", True)  # of questions
CACHE_TTL_SECONDS = env.int("CACHE_TTL_SECONDS", 3600, at_least=1, at_most=YEAR)
# How old an answer may be while the model is away
STALE_TTL_SECONDS = env.int("STALE_TTL_SECONDS", 7 * 24 * 3600, at_most=10 * YEAR)
CACHE_MAX_ANSWERS = env.int("CACHE_MAX_ANSWERS", 10_000, at_most=2**31)  # kept in Postgres
# As JSON; each process holds thrice that
CACHE_MEMORY_BYTES = env.int("CACHE_MEMORY_BYTES", 8 * 1024 * 1024, at_most=2**40)
ENABLE_SEMANTIC_CACHE = env.bool("ENABLE_SEMANTIC_CACHE", True)
SEMANTIC_CACHE_SIMILARITY = env.float("SEMANTIC_CACHE_SIMILARITY", 0.7, at_most=1)  # 0..1; the words must agree as well
# Share reported; above it: off
SEMANTIC_CACHE_FALSE_HIT_BUDGET = env.float("SEMANTIC_CACHE_FALSE_HIT_BUDGET", 0.005, at_most=1)

# A server writes down what was asked a moment later, many questions at once; a command at once.
RECORD_LATER = ROLE == "web"

# Streaming
STREAM_FLUSH_SECONDS = 0.05  # tokens of that long go out together
STREAM_HEARTBEAT_SECONDS = 1.0  # a comment, so that a reader who left is noticed

# Server
HOST = env.value("HOST", "127.0.0.1", kinds.listening_address())
PORT = env.int("PORT", 8000, at_least=1, at_most=65_535)
START_CHECKED = env.bool("RAGSITE_START_CHECKED", False)  # set by what starts gunicorn and has looked at all it needs
WEB_WORKERS = env.int("WEB_WORKERS", 2, at_least=1, at_most=1000)
WEB_THREADS = env.int("WEB_THREADS", 128, at_least=1, at_most=100_000)  # per worker
# Open at once, of all workers; 0: any number
WEB_CONNECTIONS_PER_ADDRESS = env.int("WEB_CONNECTIONS_PER_ADDRESS", 256, at_most=1_000_000)
INGEST_WORKERS = env.int("INGEST_WORKERS", 1, at_most=1000)
ADMIN_USERNAME = env.value("ADMIN_USERNAME", "admin", kinds.user_name())
# Empty: generated where there is no administrator yet, and shown once
ADMIN_PASSWORD = env.value("ADMIN_PASSWORD", "", kinds.secret(at_least=10), is_secret=True)

# Metrics: a bearer token for /metrics. Empty: only from this machine, and not where a proxy is configured.
METRICS_TOKEN = env.value("METRICS_TOKEN", "", kinds.word(), is_secret=True)

# Rate limits: requests in a time, by API key, else user, else address: 120/m. 0: none.
RATE_LIMIT_QUERY = env.value("RATE_LIMIT_QUERY", "0", kinds.rate())
RATE_LIMIT_UPLOAD = env.value("RATE_LIMIT_UPLOAD", "0", kinds.rate())
# Passwords that may be tried for an account, and from an address
RATE_LIMIT_LOGIN = env.value("RATE_LIMIT_LOGIN", "10/15m", kinds.rate())
RATE_LIMIT_LOGIN_ACCOUNT = env.value("RATE_LIMIT_LOGIN_ACCOUNT", "100/1h", kinds.rate())
RATE_LIMIT_LOGIN_ADDRESS = env.value("RATE_LIMIT_LOGIN_ADDRESS", "30/15m", kinds.rate())

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "documents.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],  # a view opens itself up
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["documents.api.parsers.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["ragsite.web.throttling.ScopedThrottle"],  # of views with a throttle_scope
    "EXCEPTION_HANDLER": "ragsite.web.exception_handler.problem_response",
    "DEFAULT_SCHEMA_CLASS": "ragsite.web.openapi_views.DescribedView",
    "NUM_PROXIES": NUM_PROXIES,
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is a parameter like any other, and there is none of this name
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Logs on stderr: short lines on a terminal, JSON elsewhere. Never a question, a document's text or a secret at INFO.
LOG_LEVEL = env.value("LOG_LEVEL", "INFO", kinds.one_of(*kinds.LOG_LEVELS, upper=True))
LOG_FORMAT = env.value("LOG_FORMAT", AUTO, kinds.one_of(*FORMATS))
LOGGING = logging_to_stderr(LOG_LEVEL, LOG_FORMAT)

PROMETHEUS_EXPORT_MIGRATIONS = False  # it would query the database at import, before the fork
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_IMPORT_PATHS = ["documents.space_jobs"]

if not SECRET_KEY and not env.problems:
    try:
        SECRET_KEY = kept_secret_key(VAR_DIR)
    except OSError as exc:
        why = f"{str(VAR_DIR)!r}, where the secret key can't be kept ({exc.strerror})"
        env.problems.append(f"VAR_DIR is {why}: name a folder that can be written to.")
env.refuse_problems()
