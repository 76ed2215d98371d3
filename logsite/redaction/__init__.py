"""Takes credentials out of device output, commands, error texts and log lines before anything is stored.

Two layers look at the same text, and what either finds is replaced by a mark such as `<redacted:psk>`: the
credentials that are known (literally, and as devices and libraries print them) and the places where the
configuration languages of the vendors put a credential (`patterns.py`).
"""

from logsite.redaction.logging_filter import RedactingFilter
from logsite.redaction.process import Registration, redact, register_secrets
from logsite.redaction.redactor import Redactor

__all__ = ["RedactingFilter", "Redactor", "Registration", "redact", "register_secrets"]
