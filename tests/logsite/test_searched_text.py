"""What spares redaction a search of the whole text must never hide a secret in it."""

import base64
import random
import string

import pytest

from logsite.redaction import Redactor
from logsite.redaction.searched_text import SHORT, SearchedText, word_shape
from tests.logsite.test_redaction import CORPUS, MARK, entries

SECRET = "Tr0ub4dor&3"
# Longer than what is searched as it is, and repeating itself as output does.
OUTPUT = "GigabitEthernet0/1 is up, address is 5254.00ab.12cd\n  5 minute input rate 1000 bits/sec\n" * 20


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_secret_is_found_in_long_output_as_it_is_alone(path):
    redactor = Redactor()
    for each in entries(path):
        got = redactor.redact(f"{OUTPUT}{each.text}\n!\n{OUTPUT}")
        assert MARK.sub("⟦⟧", got) == f"{OUTPUT}{each.shape}\n!\n{OUTPUT}"


@pytest.mark.parametrize(
    "secret",
    [SECRET, "correct horse", "pub1", "12345678", "deadbeef", "cafe", "ΟΔΟΣ", "grün", "a\x1cb\x85c d"],
)
def test_a_known_secret_is_found_in_long_output(secret):
    redactor = Redactor({"password": secret})
    text = f"{OUTPUT}x {secret} y\n{OUTPUT}"
    assert redactor.leaks(text) == ["password"]
    assert redactor.redact(text) == f"{OUTPUT}x <redacted:password> y\n{OUTPUT}"


@pytest.mark.parametrize("secret", ["x", "k9"])
def test_a_short_one_is_found_beside_its_keyword_in_long_output(secret):
    redactor = Redactor({"pin": secret})
    assert f"password: <redacted:pin>\n{OUTPUT}" in redactor.redact(f"{OUTPUT}password: {secret}\n{OUTPUT}")


@pytest.mark.parametrize(
    "disguised",
    [
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        SECRET.encode().hex(":"),
        base64.b64encode(f"admin:{SECRET}@host".encode()).decode(),
        "\N{SYMBOL FOR NULL}".join(SECRET),
        f"{SECRET[:5]}\r\n{SECRET[5:]}",
    ],
)
def test_a_disguised_secret_is_found_in_long_output(disguised):
    redactor = Redactor({"password": SECRET})
    assert redactor.leaks(OUTPUT + OUTPUT) == []
    assert redactor.leaks(f"{OUTPUT}blob {disguised}\n{OUTPUT}") == ["password"]


def test_a_secret_beside_an_earlier_mark_is_found():
    redactor = Redactor({"password": SECRET, "pin": "abcd"})
    text = f"{OUTPUT}<redacted:password> abcd {SECRET}<redacted:pin>\n"
    assert redactor.leaks(text) == ["password", "pin"]
    assert redactor.redact(text) == (
        f"{OUTPUT}<redacted:password> <redacted:pin> <redacted:password><redacted:pin>\n"
    )


def test_no_piece_of_a_text_is_ever_said_to_be_missing():
    generator = random.Random(7)
    letters = string.hexdigits + "gkzGKZ&$:=-.\\\"' \n\t\r\x0b\x1c\x85\xa0éÉΣİſK\ue000\ud800😀"
    for _ in range(2_000):
        text = OUTPUT + "".join(generator.choices(letters, k=40))
        start = generator.randrange(len(OUTPUT) - 20, len(text) - 1)
        piece = text[start : start + generator.randint(1, 20)]
        source = SearchedText(text, frozenset())
        assert piece in source.possible({piece: word_shape(piece)})


def test_output_that_repeats_itself_is_asked_for_what_is_not_in_it_without_a_search():
    source = SearchedText(OUTPUT, frozenset())
    assert list(source.possible({SECRET: word_shape(SECRET)})) == []
    assert not source.has("secret")
    assert source.has("ethernet")


@pytest.mark.parametrize(
    "text", ["short", base64.b64encode(random.Random(1).randbytes(SHORT)).decode()], ids=["short", "base64"]
)
def test_a_text_that_does_not_repeat_itself_is_searched_itself(text):
    source = SearchedText(text, frozenset())
    assert list(source.possible({SECRET: word_shape(SECRET)})) == [SECRET]
    assert source.has(text[:4].lower())
