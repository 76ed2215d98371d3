"""How the tests that draw their examples draw them: the same in every process and on every machine, and no file.

The plugins of Hypothesis and Schemathesis for pytest are off (pyproject.toml): they would cost each process that runs
tests a second, and nothing here needs them.
"""

import json
from pathlib import Path

from django.conf import settings as django
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import (
    SearchStrategy,
    booleans,
    characters,
    dictionaries,
    floats,
    integers,
    lists,
    none,
    recursive,
    text,
)

from tests.soak import short_or_long

# Its tables of Unicode are written there, and nothing into the checkout.
set_hypothesis_home_dir(Path(django.DATA_DIR) / "hypothesis")
# Else texts and numbers of each module that happens to be imported are drawn, other ones in each process.
assert providers._get_local_constants
providers._get_local_constants = lambda: providers._local_constants


def drawn(short: int, long: int) -> settings:
    """The settings of a test that draws so many examples in CI, and so many in the long form."""
    return settings(
        max_examples=short_or_long(short, long),
        derandomize=True,
        database=None,
        deadline=None,  # a busy machine takes ten times as long
        print_blob=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),  # they look at the clock as well
    )


def texts(max_size: int = 12) -> SearchStrategy[str]:
    """Texts, also with NUL and halves of surrogate pairs."""
    return text(characters(), max_size=max_size)


def json_values(max_leaves: int = 8) -> SearchStrategy[object]:
    """All that JSON can hold, and NaN and infinities, which some senders' libraries write."""
    return recursive(
        none() | booleans() | integers(-(2**70), 2**70) | floats() | texts(),
        lambda inner: lists(inner, max_size=4) | dictionaries(texts(), inner, max_size=4),
        max_leaves=max_leaves,
    )


def lines_of_json() -> SearchStrategy[bytes]:
    """Bodies of NDJSON, an object a line."""
    objects = dictionaries(texts(), json_values(), max_size=4)
    return lists(objects.map(json.dumps), max_size=4).map("\n".join).map(str.encode)
