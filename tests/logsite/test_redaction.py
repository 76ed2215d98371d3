"""Recall and restraint of the redaction on the corpus, and the promises of its interface."""

import base64
import io
import json
import logging
import random
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest

from logsite.redaction import (
    RedactingFilter,
    Redactor,
    logging_filter,
    process,
    redact,
    register_secrets,
)

CORPUS = sorted((Path(__file__).parent / "redaction_corpus").glob("*.txt"))
SECRET = re.compile(r"⟦(.*?)⟧", re.DOTALL)
MARK = re.compile(r"<redacted:[a-z0-9-]+>")


class Entry(NamedTuple):
    text: str  # as a device prints it
    secrets: list[str]
    shape: str  # ⟦⟧ in the place of each secret


class Result(NamedTuple):
    secrets: int
    missed: list[str]
    misshapen: list[str]
    harmless: int
    touched: list[str]


def entries(path: Path) -> Iterator[Entry]:
    """One entry a line; lines between ⟪ and ⟫ belong together."""
    block: list[str] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line == "⟪":
            block = []
        elif line == "⟫":
            yield entry("\n".join(block or []))
            block = None
        elif block is not None:
            block.append(line)
        elif line:
            yield entry(line)


def entry(marked: str) -> Entry:
    return Entry(SECRET.sub(r"\1", marked), SECRET.findall(marked), SECRET.sub("⟦⟧", marked))


def measure(path: Path) -> Result:
    redactor = Redactor()
    result = Result(0, [], [], 0, [])
    secrets = harmless = 0
    for each in entries(path):
        got = redactor.redact(each.text)
        secrets += len(each.secrets)
        if not each.secrets:
            harmless += 1
            result.touched.extend([each.text] if got != each.text else [])
        elif MARK.sub("⟦⟧", got) != each.shape:
            result.misshapen.append(f"{each.text} -> {got}")
            result.missed.extend(secret for secret in each.secrets if secret in got)
    return result._replace(secrets=secrets, harmless=harmless)


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch):
    monkeypatch.setattr(process, "_registry", process._Registry())


# --- the corpus ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_corpus_of_a_vendor(path):
    result = measure(path)
    print(
        f"{path.stem}: {result.secrets} secrets, {len(result.missed)} missed, "
        f"{result.harmless} harmless lines, {len(result.touched)} touched"
    )
    assert not result.missed
    assert not result.misshapen
    assert not result.touched


def test_corpus_is_large_enough_and_meets_the_targets():
    results = [measure(path) for path in CORPUS]
    secrets = sum(result.secrets for result in results)
    harmless = sum(result.harmless for result in results)
    assert len(CORPUS) >= 12
    assert secrets >= 150
    assert harmless >= 1_500
    assert sum(len(result.missed) for result in results) <= 0.01 * secrets
    assert sum(len(result.touched) for result in results) <= 0.001 * harmless


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_redacting_twice_changes_nothing(path):
    redactor = Redactor({"password": "password", "key": "redacted", "pin": "7"})
    whole = "\n".join(each.text for each in entries(path))
    for text in [whole, *(each.text for each in entries(path))]:
        once = redactor.redact(text)
        assert redactor.redact(once) == once
        assert redactor.leaks(once) == []


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_windows_line_ends_and_a_prompt_make_no_difference(path):
    redactor = Redactor()
    for each in entries(path):
        if each.secrets and "\n" not in each.text:
            got = redactor.redact(f"R1#show run\r\n{each.text}\r\nR1#")
            assert MARK.sub("⟦⟧", got) == f"R1#show run\r\n{each.shape}\r\nR1#"


def test_random_mixtures_are_idempotent_and_leak_nothing():
    words = (
        "password secret key 7 0 = : \" ' < > & ; , \\n <redacted:psk> <redacted:password> set ENC snmp-server "
        "community hunter2x abcd ab ://u: @h auth md5 priv aes \\ | # $1$ $6$abcdefghijk <key> </key> é İ"
    )
    pieces = [*words.split(), "\n", "\t"]
    redactor = Redactor({"password": "hunter2x", "pin": "abcd", "code": "ab"})
    generator = random.Random(11)
    for _ in range(3_000):
        text = generator.choice(["", " "]).join(generator.choices(pieces, k=generator.randint(1, 14)))
        once = redactor.redact(text)
        assert "hunter2x" not in once
        assert redactor.leaks(once) == []
        assert redactor.redact(once) == once


# --- known secrets ------------------------------------------------------------------------------------------

AWKWARD = "p<w>&\"x'%+ \\é$.*(["


@pytest.mark.parametrize(
    "written",
    [
        AWKWARD,
        escape(AWKWARD),
        escape(AWKWARD, {'"': "&quot;", "'": "&apos;"}),
        escape(AWKWARD, {'"': "&quot;", "'": "&#x27;"}),
        json.dumps(AWKWARD),
        json.dumps(AWKWARD, ensure_ascii=False),
        repr(AWKWARD),
        repr(AWKWARD.encode()),
        quote(AWKWARD),
        quote(AWKWARD, safe=""),
        quote_plus(AWKWARD),
        quote(AWKWARD, safe="").lower(),
        base64.b64encode(AWKWARD.encode()).decode(),
        base64.urlsafe_b64encode(AWKWARD.encode()).decode(),
    ],
)
def test_a_known_secret_is_found_however_it_is_written(written):
    redactor = Redactor({"password": AWKWARD})
    text = f"before {written} after"
    assert redactor.leaks(text) == ["password"]
    got = redactor.redact(text)
    assert got.startswith("before ")
    assert got.endswith(" after")
    assert "<redacted:password>" in got
    assert redactor.leaks(got) == []


def test_the_echo_of_a_sent_secret_is_masked():
    redactor = Redactor({"password": "hunter2"})
    assert redactor.redact(r"write_channel: b'hunter2\n'") == r"write_channel: b'<redacted:password>\n'"


def test_overlapping_secrets_become_one_mark():
    redactor = Redactor([("a", "alphabeta"), ("b", "betagamma"), ("c", "alphabetagammadelta")])
    assert redactor.redact("x alphabetagammadelta y") == "x <redacted:c> y"
    assert redactor.redact("x alphabetagamma y") == "x <redacted:a> y"
    assert redactor.redact("x alphabeta betagamma y") == "x <redacted:a> <redacted:b> y"


def test_a_known_secret_names_the_mark_where_a_pattern_finds_the_same_place():
    redactor = Redactor({"Enable_Secret": "pass phrase 1"})
    assert redactor.redact("password pass phrase 1") == "password <redacted:enable-secret>"


def test_empty_secrets_are_ignored():
    redactor = Redactor([("password", ""), ("key", "   "), ("psk", "\n")])
    assert redactor.redact("interface Gi0/1") == "interface Gi0/1"
    assert redactor.leaks("interface Gi0/1") == []
    assert redactor.redact("") == ""


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("a", "a cat sat, interface a", "a cat sat, interface a"),
        ("a", "enable password a", "enable password <redacted:pin>"),
        ("a", "the password: a", "the password: <redacted:pin>"),
        ("a", "community a on cat", "community <redacted:pin> on cat"),
        ("abcd", "abcd xabcd abcd-1 abcd.ef 'abcd' abcd.", "<> xabcd abcd-1 abcd.ef '<>' <>."),
        ("cisco", "device_type cisco_ios, cisco", "device_type cisco_ios, <>"),
        ("cisco", r"b'\ncisco\n'", r"b'\n<>\n'"),
        ("secret", "mysecretvalue", "my<>value"),
    ],
)
def test_short_secrets_do_not_take_the_text_apart(secret, text, expected):
    assert Redactor({"pin": secret}).redact(text) == expected.replace("<>", "<redacted:pin>")


def test_every_line_of_a_known_private_key_counts():
    lines = [base64.b64encode(bytes([i]) * 48).decode() for i in range(1, 5)]
    key = "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----"])
    redactor = Redactor({"ssh-key": key})
    assert redactor.redact(f"> {lines[2]}\n> {lines[0]}") == "> <redacted:ssh-key>\n> <redacted:ssh-key>"
    assert redactor.leaks("-----BEGIN OPENSSH PRIVATE KEY-----") == []
    assert not any(line in redactor.redact(json.dumps({"key": key})) for line in lines)


def test_a_secret_that_reads_like_a_mark_or_a_keyword():
    redactor = Redactor({"password": "password"})
    assert redactor.redact("the password is password7") == "the <redacted:password> is <redacted:password>7"
    device_text = Redactor({"pin": "hunter2"}).redact("<redacted:hunter2>")
    assert "hunter2" not in device_text


def test_lowering_that_changes_the_length_shifts_nothing():
    assert redact("İİİ\nenable secret s3cret!\nİ") == "İİİ\nenable secret <redacted:enable-secret>\nİ"


def test_a_repr_shows_no_secret():
    secrets = {"password": "hunter2hunter2"}
    with register_secrets(secrets) as registration:
        for thing in (Redactor(secrets), registration):
            assert "hunter2" not in repr(thing)
    assert repr(Redactor(secrets)) == "<Redactor: 1 known secrets>"


def test_certificates_stay_and_private_keys_go():
    body = "MIIB" + "A1b2" * 15
    certificate = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\nAb==\n-----END PRIVATE KEY-----\n"
    expected = "-----BEGIN PRIVATE KEY-----\n<redacted:private-key>\n-----END PRIVATE KEY-----\n"
    assert redact(certificate + key) == certificate + expected
    cut_off = redact(f"-----BEGIN PRIVATE KEY-----\n{body}\n{body[:20]}")
    assert cut_off == "-----BEGIN PRIVATE KEY-----\n<redacted:private-key>"


@pytest.mark.parametrize("prompt", ["Password: ", "Enter password : ", "Password:", "login password:\r\n"])
def test_a_prompt_is_no_secret(prompt):
    assert redact(prompt) == prompt


# --- cost ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    ["a", " ", '"', "'", "\\", "password ", "password=", 'password "', "set ", "set key ", "<password ", "key\n",
     "username a ", "snmp-server host ", "://a:", "$1$", "%^%#", "-----BEGIN PRIVATE KEY-----\n", "curl -u ",
     "config system snmp community\n", "private key\n30 82 30 82 ", "<redacted:password>", "eyJaaaaaaaa.",
     "0123456789", "deadbeef\n", "0" * 75 + "\n", "MIIBgh0K+/", "\x1b[0m", "␀"],
)  # fmt: skip
def test_hostile_text_costs_linear_time(unit):
    def cost(size: int) -> float:
        text = f"password {unit * (size // len(unit))} key"
        start = time.process_time()
        redactor.leaks(redactor.redact(text))
        return time.process_time() - start

    redactor = Redactor({"password": "aaaaaaab"})
    small = min(cost(60_000) for _ in range(3))
    # 8 times the text; quadratic work would take 64 times as long.
    assert cost(480_000) < 24 * max(small, 0.004)


# --- the process --------------------------------------------------------------------------------------------


def test_registered_secrets_are_known_everywhere_and_stay_known():
    assert redact("say swordfish9") == "say swordfish9"
    with register_secrets({"password": "swordfish9"}):
        assert redact("say swordfish9") == "say <redacted:password>"
    assert redact("say swordfish9") == "say <redacted:password>"


def test_released_secrets_are_bounded_and_those_in_use_are_kept(monkeypatch):
    monkeypatch.setattr(process, "REMEMBERED", 3)
    held = register_secrets({"password": "kept-kept"})
    twice = register_secrets({"password": "kept-kept"})
    held.release()
    held.release()  # a second release must not take the other user's hold
    for number in range(10):
        register_secrets({"password": f"passing-{number}!"}).release()
    assert redact("kept-kept passing-0! passing-9!") == "<redacted:password> passing-0! <redacted:password>"
    twice.release()


def test_threads_may_register_and_redact_at_once():
    failures: list[str] = []

    def work(number: int) -> None:
        for round_ in range(40):
            secret = f"thread-{number}-{round_}-secret"
            with register_secrets({"password": secret}):
                if secret in redact(f"x {secret} y"):
                    failures.append(secret)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# --- logging ------------------------------------------------------------------------------------------------


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    logger = logging.Logger("redaction")
    logger.addHandler(handler)
    with register_secrets({"password": "swordfish9"}):
        yield logger, stream


def test_message_and_arguments_are_redacted(log):
    logger, stream = log
    logger.warning("login of %s with %s", "ops", "swordfish9")
    logger.warning("sent %r", {"password": "swordfish9"})
    logger.warning("sent enable secret other-one")
    logger.warning("plain %d", 7)
    assert stream.getvalue().splitlines() == [
        "login of ops with <redacted:password>",
        "sent {'password': '<redacted:password>'}",
        "sent enable secret <redacted:enable-secret>",
        "plain 7",
    ]


def test_exceptions_are_redacted_for_every_handler(log):
    logger, stream = log
    records: list[logging.LogRecord] = []
    late = logging.Handler()
    late.emit = records.append  # type: ignore[method-assign]
    logger.addHandler(late)
    try:
        raise ValueError("cannot log in with swordfish9")
    except ValueError:
        logger.exception("failed", stack_info=True)
    assert "swordfish9" not in stream.getvalue()
    assert "ValueError: cannot log in with <redacted:password>" in stream.getvalue()
    assert records[0].exc_info is None  # else it could be formatted again


def test_harmless_records_keep_arguments_and_exception(log):
    logger, _ = log
    record = logger.makeRecord("x", logging.INFO, "f", 1, "status %d", (200,), None)
    assert RedactingFilter().filter(record)
    assert (record.msg, record.args) == ("status %d", (200,))


def test_extra_fields_are_redacted(log):
    logger, _ = log
    extra = {"command": "username bob secret x1y2z3", "seen": ["swordfish9"], "size": 4}
    record = logger.makeRecord("x", logging.INFO, "f", 1, "m", (), None, extra=extra)
    RedactingFilter().filter(record)
    assert record.__dict__["command"] == "username bob secret <redacted:password>"
    assert "swordfish9" not in str(record.__dict__)


def test_a_broken_record_neither_raises_nor_leaks(log, monkeypatch):
    logger, stream = log
    logger.warning("two %s %s", "swordfish9")
    assert "swordfish9" not in stream.getvalue()
    assert "<redacted:password>" in stream.getvalue()
    monkeypatch.setattr(logging_filter, "redact", lambda text: 1 / 0)
    logger.warning("lost %s", "swordfish9")
    assert "swordfish9" not in stream.getvalue()
    assert "redaction failed (ZeroDivisionError)" in stream.getvalue()
