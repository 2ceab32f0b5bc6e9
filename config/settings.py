"""Settings come from the environment; defaults are safe for production.

Every variable read here is described in docs/settings.md, and a test holds the two together.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import embedded
from config.mail import read_mail
from config.providers import read_providers
from config.storages import read_storage

BASE_DIR = embedded.BASE_DIR
VAR_DIR = embedded.VAR_DIR


def env_bool(name: str, default: str) -> bool:
    value = os.getenv(name, default)
    if value not in ("True", "False"):
        raise ImproperlyConfigured(f"{name}={value!r}: use True or False")
    return value == "True"


def env_int(name: str, default: str) -> int:
    value = os.getenv(name, default)
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name}={value!r}: use a whole number")
    return int(value)


def secret_key() -> str:
    """SECRET_KEY, or the one that bin/setup wrote for this checkout; no key, no start."""
    if value := os.getenv("SECRET_KEY"):
        return value
    kept = VAR_DIR / "secret_key"
    if not kept.exists():
        raise ImproperlyConfigured(f"Set SECRET_KEY, or run bin/setup, which writes {kept}")
    return kept.read_text().strip()


def database(url: str) -> dj_database_url.DBConfig:
    """What the address says, `?sslmode=require` too, with a pool of connections."""
    config = dj_database_url.parse(url)
    # Reconnecting costs three to four times; under ASGI only a pool is safe.
    pool = {"min_size": 0, "max_size": env_int("DATABASE_POOL_SIZE", "8"), "timeout": 10}
    config["OPTIONS"] = {**config.get("OPTIONS", {}), "pool": pool}
    return config


DEBUG = env_bool("DEBUG", "False")
SECRET_KEY = secret_key()
SITE_ORIGIN = os.getenv("SITE_ORIGIN", "http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = os.getenv("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [SITE_ORIGIN]
# Marks every page: nothing here is real. Set by bin/run, never in production.
EXAMPLE_WORLD = env_bool("EXAMPLE_WORLD", "False")

INSTALLED_APPS = [
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "pgtrigger",
    "accounts",
    "ledger",
    "nodes",
    "pricing",
    "reservations",
    "config.apps.SiteConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.content_security_policy",
    "config.middleware.keep_private",
    "config.middleware.RefuseWithoutRedis",
    "config.middleware.RefuseWithoutDatabase",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PersonMiddleware",
    "accounts.middleware.SeenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.explain_form_addresses",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # for the admin and allauth; ours live in templates/
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
            ],
            "builtins": ["config.templatetags.equinode", "config.templatetags.components"],
            "libraries": {"equinode": "config.templatetags.equinode"},
        },
    }
]

# --- data -------------------------------------------------------------------
DATABASE_URL = os.getenv("DATABASE_URL") or embedded.database_url()
REDIS_URL = os.getenv("REDIS_URL") or embedded.redis_url()
DATABASES = {"default": database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A broker that hangs is as good as one that is away, and must not hold a page: asked once, for a second.
CACHE_WAITS = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": CACHE_WAITS,
    }
}
# Not cached: who signed out while Redis was away must not be signed in again when it is back.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
MEDIA_ROOT = Path(os.getenv("MEDIA_ROOT") or VAR_DIR / "media")
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "common.evidence.uploads.NotTooLarge",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Files handed in as evidence; elsewhere, such as in S3: docs/evidence.md.
    "evidence": read_storage(os.getenv("EVIDENCE_STORAGE", "")),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- people -----------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.adapter.backend.PersonBackend"]
# Sign-in by others, at /accounts/oidc/<id>/: one by these variables, more by OIDC_PROVIDERS.
OIDC_PROVIDERS = read_providers(
    {
        "id": os.getenv("OIDC_ID", "oidc"),
        "name": os.getenv("OIDC_NAME", ""),
        "issuer": os.getenv("OIDC_ISSUER", ""),
        "client_id": os.getenv("OIDC_CLIENT_ID", ""),
        "client_secret": os.getenv("OIDC_CLIENT_SECRET", ""),
        "trust_email": env_bool("OIDC_TRUST_EMAIL", "False"),
    },
    os.getenv("OIDC_PROVIDERS", ""),
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True  # twice, 10 s apart: ACCOUNT_RATE_LIMITS
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Equinode: "
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "confirm_email_verification_code": "accounts.forms.CodeForm",
    "reset_password": "accounts.forms.ForgottenForm",
    "add_email": "accounts.forms.AddressForm",
    "change_password": "accounts.forms.ChangedPasswordForm",
    "set_password": "accounts.forms.FirstPasswordForm",
    "reset_password_from_key": "accounts.forms.ForgottenPasswordForm",
    "reauthenticate": "accounts.forms.PasswordAgainForm",
}
ACCOUNT_CHANGE_EMAIL = True  # one address each; the old one holds until the new one is proved
ACCOUNT_EMAIL_NOTIFICATIONS = True  # every change of how somebody signs in is told by mail
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600  # seconds
# Attempts in a time: /ip of one address, /key of one account, /user of who is signed in.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "confirm_email": "1/10s/key",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "reauthenticate": "10/m/user",
}
MFA_RATE_LIMITS = {"webauthn_login": "10/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "accounts.adapter.MfaAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.SecondFactorForm",
    "reauthenticate": "accounts.forms.SecondFactorAgainForm",
    "activate_totp": "accounts.forms.AppForm",
    "add_webauthn": "accounts.forms.PasskeyForm",
    "edit_webauthn": "accounts.forms.RenamePasskeyForm",
}
MFA_TOTP_ISSUER = "Equinode"
MFA_TOTP_TOLERANCE = 1  # steps of 30 s that a telephone's clock may be wrong by
# Browsers give passkeys to https only, and to this machine itself.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = urlsplit(SITE_ORIGIN).hostname in ("localhost", "127.0.0.1")
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True  # where a provider's word on addresses counts at all
OIDC_SECONDS = 5  # that a provider may take for one answer
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/start/"
MAIL = read_mail(os.getenv("EMAIL_URL", "console:"))
EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = MAIL.backend, MAIL.host, MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL.use_ssl, MAIL.use_tls
EMAIL_TIMEOUT = 10  # seconds: a mail server that hangs must not hold a worker, or who signs up
DEFAULT_FROM_EMAIL = os.getenv("DEFAULT_FROM_EMAIL", "Equinode <no-reply@localhost>")

# --- language and time ------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
# What a visitor reads times in, before signing in and choosing another zone.
VISITOR_TIME_ZONE = os.getenv("VISITOR_TIME_ZONE", "Europe/Paris")

# --- transport --------------------------------------------------------------
IS_HTTPS = urlsplit(SITE_ORIGIN).scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
BEHIND_PROXY = env_bool("BEHIND_PROXY", "False")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0  # whose X-Forwarded-For counts attempts
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- the public log and the key that signs work -----------------------------
# Ed25519 private keys (PEM). bin/setup makes them; losing the ledger's ends the log.
LEDGER_KEY_FILE = Path(os.getenv("LEDGER_KEY_FILE") or VAR_DIR / "keys" / "ledger.pem")
DISPATCH_KEY_FILE = Path(os.getenv("DISPATCH_KEY_FILE") or VAR_DIR / "keys" / "dispatch.pem")
# Fernet keys, a line each, that seal the secrets of second factors; the first one seals, all of them open.
SECRETS_KEY_FILE = Path(os.getenv("SECRETS_KEY_FILE") or VAR_DIR / "keys" / "secrets.key")
# The log's origin line and key name (C2SP signed-note): a schema-less URL.
LEDGER_ORIGIN = os.getenv("LEDGER_ORIGIN") or f"{urlsplit(SITE_ORIGIN).netloc}/ledger"
# Hides project names behind monthly pseudonyms; changing it changes them all.
PSEUDONYM_SECRET = os.getenv("PSEUDONYM_SECRET") or SECRET_KEY

# --- work -------------------------------------------------------------------
CELERY_BROKER_URL = embedded.celery_broker_url(REDIS_URL)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # LOGGING holds for workers too
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "common.api.problems.handle_exception",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "common.api.sessions.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["common.api.bodies.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "COERCE_DECIMAL_TO_STRING": True,
    "DEFAULT_SCHEMA_CLASS": "common.api.schema.Documented",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Equinode",
    "DESCRIPTION": "Everything a page can do, a program can do. Conventions: docs/api.md.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "PREPROCESSING_HOOKS": ["config.api.ours_alone"],
    "POSTPROCESSING_HOOKS": ["common.api.schema.complete"],
    "SORT_OPERATIONS": False,
}
# Calls in a minute: of a person (all their tokens and sessions), of an address that nobody signed in from.
API_CALLS_PER_PERSON = env_int("API_CALLS_PER_PERSON", "600")
API_CALLS_PER_ADDRESS = env_int("API_CALLS_PER_ADDRESS", "120")

ERRORS_PREFIX = "errors"  # of the keys in Redis that count them
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        # What stewards see of it: counts, without a word of what people wrote.
        "errors": {"class": "common.error_counts.ErrorCounts", "url": REDIS_URL, "prefix": ERRORS_PREFIX},
    },
    "root": {"handlers": ["console", "errors"], "level": os.getenv("LOG_LEVEL", "INFO")},
}
