"""The form fields of Python's `logging.handlers.HTTPHandler`: a LogRecord, each attribute as a text."""

import ast
import re
from typing import Any
from urllib.parse import parse_qsl

from logsite.intake.bodies import BodyRefused

MAX_FIELDS = 1000
LONGEST_ARGUMENTS = 10_000  # characters
NOT_SET = ("exc_info", "exc_text", "stack_info")  # `None` where there is no exception
LONGEST_MESSAGE = 10_000_000  # characters that a template may make
# `%s`, `%-10.3f`, `%(user)s`; others, such as `%*d` and `%999999999d`, would make a text of any size.
_SPECIFIERS = re.compile(r"%(?:\([^()%]{0,200}\))?[-#0 +]{0,5}\d{0,3}(?:\.\d{0,3})?[hlL]?[a-zA-Z%]")


def fields_of(body: bytes) -> dict[str, Any]:
    """The fields of a form, `msg` with its arguments filled in. Raises BodyRefused with 400.

    Where there were arguments, `msg` stays as the sender wrote it, and `message` is the text.
    """
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BodyRefused(400, f"the form has more than {MAX_FIELDS:,} fields") from None
    fields = dict(pairs)
    if "msg" not in fields and "message" not in fields:
        raise BodyRefused(400, "the form has no field msg: send JSON, or what Python's HTTPHandler sends")
    for name in NOT_SET:
        if fields.get(name) == "None":
            del fields[name]
    arguments = fields.get("args", "")
    if arguments in ("()", "None", ""):
        fields.pop("args", None)
    elif "message" not in fields and (message := _filled_in(fields["msg"], arguments)) is not None:
        fields["message"] = message
    return fields


def _filled_in(template: str, arguments: str) -> str | None:
    """`template % arguments`, of which the latter is a repr; None where that cannot be done."""
    if len(arguments) > LONGEST_ARGUMENTS or "%" in _SPECIFIERS.sub("", template):
        return None
    if template.count("%") * max(len(arguments), 1000) + len(template) > LONGEST_MESSAGE:
        return None
    try:
        return str(template % ast.literal_eval(arguments))
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError, OverflowError):
        return None  # a repr of an object, or arguments that do not fit: the entry is stored with both
