"""Log records without credentials."""

import logging

from logsite.redaction.process import redact

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class RedactingFilter(logging.Filter):
    """Redacts message, arguments, exception text and extra fields of every record; put it on the handlers."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            _clean_message(record)
            _clean_exception(record)
            _clean_extra(record)
        except Exception as error:  # noqa: BLE001
            record.msg, record.args = f"log record withheld: redaction failed ({type(error).__name__})", ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True


def _clean_message(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001
        record.msg, record.args = redact(f"{record.msg} {record.args!r}"), ()
        return
    clean = redact(message)
    if clean != message or redact(repr(record.args)) != repr(record.args):
        record.msg, record.args = clean, ()  # arguments that are harmless stay for formatters that read them


def _clean_exception(record: logging.LogRecord) -> None:
    if record.stack_info:
        record.stack_info = redact(record.stack_info)
    if not record.exc_info and not record.exc_text:
        return
    text = record.exc_text
    if record.exc_info and isinstance(record.exc_info, tuple) and not text:
        text = logging.Formatter().formatException(record.exc_info)
    clean = redact(text or "")
    if clean != text:
        # Without exc_info no other handler can format the exception again, with the secret in it.
        record.exc_text, record.exc_info = clean, None


def _clean_extra(record: logging.LogRecord) -> None:
    for name, value in vars(record).items():
        if name not in _STANDARD and not isinstance(value, (int, float, bool, type(None))):
            text = value if isinstance(value, str) else repr(value)
            if (clean := redact(text)) != text:
                setattr(record, name, clean)
