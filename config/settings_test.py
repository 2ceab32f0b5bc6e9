"""The same settings, quicker and alone: its own database per run, nothing on disk kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "test-only-" + "x" * 50)
from common import error_counts
from common.keys import make_sealing_key
from config.settings import *  # noqa: F403
from config.settings import DATABASES, LOGGING, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "config.cache.LocalCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CELERY_TASK_ALWAYS_EAGER = True
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# Errors that tests make are not the site's; nor may two runs, or two workers of one, count each other's.
ERRORS_PREFIX = f"test-{os.environ.get('TEST_RUN', os.getpid())}-{os.environ.get('PYTEST_XDIST_WORKER', '')}"
LOGGING["handlers"]["errors"]["prefix"] = ERRORS_PREFIX  # type: ignore[index]
error_counts.WAIT = 20.0  # a test that looks for what it counted must find it on a busy machine, too
# Two runs at once on one server must not share a database. A template is one that is migrated already.
DATABASES["default"]["TEST"] = {
    "NAME": f"test_equinode_{os.environ.get('TEST_RUN', os.getpid())}",
    "TEMPLATE": os.environ.get("TEST_TEMPLATE"),
}
del DATABASES["default"]["OPTIONS"]["pool"]
SCRATCH = tempfile.TemporaryDirectory(prefix="equinode-test-")  # cleaned up by tests/conftest.py
_scratch = Path(SCRATCH.name)
MEDIA_ROOT = _scratch / "media"
LEDGER_KEY_FILE = _scratch / "ledger.pem"
DISPATCH_KEY_FILE = _scratch / "dispatch.pem"
SECRETS_KEY_FILE = _scratch / "secrets.key"
make_sealing_key(SECRETS_KEY_FILE)  # whoever is given a second factor in a test needs it
# WhiteNoise warns about a folder that is not there, and a warning fails a test.
STATIC_ROOT = _scratch / "static"
STATIC_ROOT.mkdir()
