"""What the tests of the shared room need beside the rest."""

import pytest


@pytest.fixture(autouse=True)
def _fast_passwords(settings):
    """Hashing a password well takes 0.4 s, and every actor has one."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
