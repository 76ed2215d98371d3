"""The site's settings in a test process, with a data folder and services that no other test process shares."""

import atexit
import os
import shutil
import tempfile

from tests.workers import ADDRESSES, own_address

os.environ.update({name: own_address(name) for name, addresses in ADDRESSES.items() if addresses})

_folder = tempfile.mkdtemp(prefix="logsite-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["DATA_DIR"] = _folder
# A process that a test starts runs the site's own settings; it inherits the environment above.
os.environ["DJANGO_SETTINGS_MODULE"] = "logsite.settings"

from logsite.settings import *  # noqa: E402, F403

# The real hasher takes 0.4 s a login by design; no test is about the hasher.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# WhiteNoise looks up a static file when it is asked for, not all 177 for each new test client (11 -> 3.4 ms).
WHITENOISE_AUTOREFRESH = True
# Seconds that a login may take where four workers share two cores; a test of the limit sets its own.
DEVICE_CONNECT_TIMEOUT = 60.0
PRODLOGS_CONNECT_TIMEOUT = 60.0
