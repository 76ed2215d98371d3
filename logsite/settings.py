"""The one settings file. Everything comes from the environment; docs/configuration.md lists it."""

import sys
from datetime import timedelta

from logsite import CHECKOUT, ROOT, __version__
from logsite.commands.base import say
from logsite.encryption.keys import read_secret, secret_key
from logsite.environment import Env, audit_database, database, default_data_dir, folder, public_host

sys.excepthook = say  # a setting that does not fit, a disk that is full: no reason for a traceback
env = Env()

BASE_DIR = ROOT
DATA_DIR = env.folder("DATA_DIR", lambda: default_data_dir(CHECKOUT, env.str("XDG_DATA_HOME", "")))

SECRET_KEY = secret_key(DATA_DIR)
FIELD_KEYS_PATH = DATA_DIR / "field.keys"
DEBUG = env.bool("DEBUG", False)

PUBLIC_URL = env.str("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
_host, _https = public_host(PUBLIC_URL)
_proxied = env.bool("TRUST_PROXY_HEADERS", False)
ALLOWED_HOSTS = [_host, "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    # All that daphne's app does is to replace `runserver`; it would cost every other command 19 MB.
    *(["daphne"] if sys.argv[1:2] == ["runserver"] else []),
    "logsite.apps.LogSiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "logsite.apps.LogSiteConfig",
    "logsite.logins",
    "logsite.housekeeping",
    "logsite.intake",
    "console",
    "demo",
    "sessionlogs",
    "devices",
    "prodlogs",
    "applogs",
    "shipping",
    "logsite.audit",  # the last to be purged
]

MIDDLEWARE = [
    "logsite.web.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "logsite.web.bodies.CharsetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "logsite.logins.sessions.RenewalMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "logsite.logins.middleware.LoginMiddleware",
    "logsite.web.readers.ReaderMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "logsite.timezones.ViewerTimezoneMiddleware",
    "sessionlogs.audit.ResponseAuditMiddleware",
]

ROOT_URLCONF = "logsite.urls"
ASGI_APPLICATION = "logsite.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "logsite" / "templates"],  # in a checkout a link to templates/
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

# --- Databases -------------------------------------------------------------------------------------------
DATABASES = {"default": database(read_secret("DATABASE_URL"), DATA_DIR)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "logsite.sqlite3"
    # synchronous=FULL: a commit is on disk, or an acknowledged entry could be lost with the power.
    # IMMEDIATE: a transaction that reads first and writes later must not fail half-way with «locked».
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    }
    # A file, because the writer thread has a connection of its own.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["audit"] = audit_database(DATABASES["default"], DATA_DIR)
DATABASE_ROUTERS = ["logsite.audit.routing.AuditRouter"]
DISK_FREE_BYTES = env.int("DISK_FREE_BYTES", 104_857_600)  # with less, /readyz says that the disk is full
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = read_secret("REDIS_URL")
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", 1)  # what Uvicorn and Gunicorn start; looked at by a check alone
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}

# --- People, tokens, the API -----------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["logsite.logins.backend.LimitedBackend"]
LOGIN_WINDOW_MINUTES = env.int("LOGIN_WINDOW_MINUTES", 15)  # in which failed log-ins are counted
LOGIN_ADDRESS_LIMIT = env.int("LOGIN_ADDRESS_LIMIT", 20)  # failures from one address, in a window
LOGIN_NAME_LIMIT = env.int("LOGIN_NAME_LIMIT", 30)  # failures of one name, from all addresses
SESSION_ENGINE = "logsite.logins.sessions"
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", 480)
SESSION_COOKIE_AGE = SESSION_IDLE_MINUTES * 60

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "logsite.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["logsite.api.permissions.ModelPermissions"],
    "DEFAULT_PARSER_CLASSES": [
        "logsite.web.bodies.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_FILTER_BACKENDS": ["logsite.api.filters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "logsite.api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "logsite.api.errors.answer_to",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    # Whose login attempts are counted: X-Forwarded-For is anybody's word unless our own proxy wrote it.
    "NUM_PROXIES": 1 if _proxied else 0,
}
TOKEN_HOURS = env.int("TOKEN_HOURS", 10)
REST_KNOX = {"TOKEN_TTL": timedelta(hours=TOKEN_HOURS), "TOKEN_LIMIT_PER_USER": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "LogSite",
    "DESCRIPTION": "The flight recorder of an operations team.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "SessionStatusEnum": "sessionlogs.models.SessionStatus",
        "EventTypeEnum": "sessionlogs.models.EventType",
        "AuditEventTypeEnum": "logsite.audit.event_types.EventType",
        "ErrorKindEnum": "sessionlogs.models.ErrorKind",
        "ContainerErrorKindEnum": "prodlogs.models.ErrorKind",
        "CollectionStatusEnum": ["success", "failed"],
    },
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SERVE_AUTHENTICATION": None,
    "SCHEMA_PATH_PREFIX": r"/api/",
    "PREPROCESSING_HOOKS": ["applogs.api.schema.with_ingest"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "logsite.api.schema.with_errors",
    ],
    "APPEND_COMPONENTS": {
        "securitySchemes": {"ingestToken": {"type": "http", "scheme": "bearer", "bearerFormat": "lsi_…"}}
    },
}

# --- Security --------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, over plain HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _proxied else None
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
X_FRAME_OPTIONS = "DENY"

# --- Static files, time ----------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = folder(DATA_DIR / "static", "DATA_DIR")  # WhiteNoise warns when it is not there
STATICFILES_DIRS = [BASE_DIR / "logsite" / "assets"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step stands between a checkout and a running site
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = ["logsite.formats"]
USE_TZ = True

# --- Devices and session logs ----------------------------------------------------------------------------
COLLECT_WORKERS = env.int("COLLECT_WORKERS", 10)
COLLECT_LOGINS_PER_CREDENTIAL = env.int("COLLECT_LOGINS_PER_CREDENTIAL", 10)  # AAA servers choke above that
COLLECT_DEADLINE = env.float("COLLECT_DEADLINE", 300.0)  # seconds, for one device in all
COLLECT_RETRIES = env.int("COLLECT_RETRIES", 1)  # of connections that failed, never of refused passwords
DEVICE_CONNECT_TIMEOUT = env.float("DEVICE_CONNECT_TIMEOUT", 10.0)  # seconds
DEVICE_HOST_KEYS = env.str("DEVICE_HOST_KEYS", "pin").lower()
DEVICE_SHA1_PLATFORMS = env.str(
    "DEVICE_SHA1_PLATFORMS",
    "cisco_asa cisco_ios cisco_nxos cisco_xe cisco_xr hp_comware huawei huawei_vrp mikrotik_routeros",
)
DEVICE_READ_TIMEOUT = env.float("DEVICE_READ_TIMEOUT", 60.0)  # seconds, for one command
DEVICE_RESPONSE_LIMIT = env.int("DEVICE_RESPONSE_LIMIT", 16 * 1024**2)  # bytes; what says more is hung up on
SESSION_LOG_STORE_TIMEOUT = env.float("SESSION_LOG_STORE_TIMEOUT", 30.0)  # seconds a closing session waits
SESSION_LOG_RESPONSE_LIMIT = env.int("SESSION_LOG_RESPONSE_LIMIT", 1024**2)  # bytes; longer ones are cut
SESSION_LOG_QUEUE_BYTES = env.int(
    "SESSION_LOG_QUEUE_BYTES", 64 * 1024**2
)  # in memory while the database is away

# --- Retention, by manage.py purge_logs; 0 days keep for ever --------------------------------------------
RETENTION_DAYS = env.int("RETENTION_DAYS", 365)  # sessions that succeeded
RETENTION_DAYS_FAILED = env.int("RETENTION_DAYS_FAILED", 365)
RETENTION_DAYS_AUTHENTICATION = env.int("RETENTION_DAYS_AUTHENTICATION", 365)  # failed logins
RETENTION_DAYS_RESPONSES = env.int("RETENTION_DAYS_RESPONSES", 0)  # the answers alone; their events stay
RETENTION_DAYS_AUDIT = env.int("RETENTION_DAYS_AUDIT", 365)  # who did, saw and was denied what
RETENTION_OVERRIDES = env.str("RETENTION_OVERRIDES", "")  # "platform:linux=30 agent_type:security=730"

# --- Container logs --------------------------------------------------------------------------------------
PRODLOGS_HOST = env.str(
    "PRODLOGS_HOST", env.str("HETZNER_HOST", "")
)  # address or address:port of a default host
PRODLOGS_USER = env.str("PRODLOGS_USER", env.str("HETZNER_USER", ""))
PRODLOGS_SSH_KEY = read_secret("PRODLOGS_SSH_KEY") or read_secret(
    "HETZNER_SSH_KEY"
)  # the private key itself, or the path of its file
PRODLOGS_HOST_KEY = env.str("PRODLOGS_HOST_KEY", "")  # type and base64, as in known_hosts
PRODLOGS_CONNECT_TIMEOUT = env.float("PRODLOGS_CONNECT_TIMEOUT", 10.0)  # seconds
PRODLOGS_DEADLINE = env.float("PRODLOGS_DEADLINE", 300.0)  # seconds, for one command
PRODLOGS_BYTE_LIMIT = env.int("PRODLOGS_BYTE_LIMIT", 1024**3)  # of one reading; the next goes on there
PRODLOGS_ENTRY_LIMIT = env.int("PRODLOGS_ENTRY_LIMIT", 256 * 1024)  # bytes; longer entries are cut
PRODLOGS_INTERVAL = env.float("PRODLOGS_INTERVAL", 2.0)  # seconds between two readings, when following
RETENTION_DAYS_CONTAINERS = env.int("RETENTION_DAYS_CONTAINERS", 90)  # 0 keeps for ever
RETENTION_DAYS_APPS = env.int("RETENTION_DAYS_APPS", 30)  # of application logs; 0 keeps for ever
RETENTION_DAYS_FOLLOW = env.int("RETENTION_DAYS_FOLLOW", 7)  # commands of `follow`; 0: as all others

# --- What is taken in --------------------------------------------------------------------------------------
INTAKE_PACKED_BYTES = env.int("INTAKE_PACKED_BYTES", 16 * 1024**2)  # of one body in gzip or zstd
INTAKE_UNPACKED_BYTES = env.int(
    "INTAKE_UNPACKED_BYTES", 64 * 1024**2
)  # of one body; what OpenTelemetry sends
APPLOGS_BYTES_AT_ONCE = env.int("APPLOGS_BYTES_AT_ONCE", 268_435_456)  # of bodies that a process works on
APPLOGS_MESSAGE_BYTES = env.int("APPLOGS_MESSAGE_BYTES", 1024**2)  # of a message or an object

# --- Shipping --------------------------------------------------------------------------------------------
LOKI_URL = read_secret("LOKI_URL") or "http://127.0.0.1:3100"
LOKI_TENANT = env.str("LOKI_TENANT", "")
SHIPPING_JOB = env.str("SHIPPING_JOB", "aoss")
SHIPPING_TIMEOUT = env.float("SHIPPING_TIMEOUT", 30.0)  # seconds, for one request
SHIPPING_RETRIES = env.int("SHIPPING_RETRIES", 5)
SHIPPING_BACKOFF = env.float("SHIPPING_BACKOFF", 0.5)  # seconds before the first retry; doubles each time
SHIPPING_POLL = env.float("SHIPPING_POLL", 2.0)  # seconds between looks for new entries, with --follow
SHIPPING_REQUEST_BYTES = env.int("SHIPPING_REQUEST_BYTES", 2 * 1024**2)  # Loki's own burst limit is 6 MB
SHIPPING_LINE_BYTES = env.int("SHIPPING_LINE_BYTES", 262_144)  # Loki's max_line_size; longer lines are split
SHIPPING_OUTPUT_CHARACTERS = env.int("SHIPPING_OUTPUT_CHARACTERS", 300)  # of STDOUT, of STDERR; 0: whole
SHIPPING_PAGE_BYTES = env.int("SHIPPING_PAGE_BYTES", 16 * 1024**2)  # of a feed, unpacked
BACKEND_URL = env.str(
    "BACKEND_URL", ""
)  # for --backend: another LogSite; its own address reads the database here
SHIPPING_TOKEN = read_secret("SHIPPING_TOKEN")  # for --backend: on a command line others can read it

# --- The process's own log -------------------------------------------------------------------------------
LOG_LEVEL = env.log_level("LOG_LEVEL", "WARNING")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "logsite.redaction.RedactingFilter"}},
    "formatters": {
        "line": {
            "()": "logsite.text.terminal.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # Paramiko logs a traceback for every host that hangs up; the session log says the same in a sentence.
    "loggers": {"paramiko": {"level": "CRITICAL" if LOG_LEVEL != "DEBUG" else LOG_LEVEL}},
}
