"""What devices, containers and users wrote, on the terminal of whoever looks at it."""

import ast
import io
import json
import logging

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from logsite.commands import SiteCommand
from logsite.text.terminal import LineFormatter, is_printable, json_text, one_line, plain
from tests.test_guards import ROOMS, ROOT

# (what was written, what a terminal gets)
HOSTILE = [
    ("\x1b[2J\x1b[H", "␛[2J␛[H"),
    ("\x1b]0;title\x07", "␛]0;title␇"),
    ("\x1b]52;c;ZXZpbA==\x1b\\", "␛]52;c;ZXZpbA==␛\\"),
    ("\x9b2J\x9d8;;http://evil\x9c", "\ufffd2J\ufffd8;;http://evil\ufffd"),
    ("refused\raccepted", "refused␍accepted"),
    ("line\r\nline", "line\nline"),
    ("a\bb\x7fc\x00d\x0be\x0cf", "a␈b␡c␀d␋e␌f"),
    ("user\u202egnp.exe", "user<U+202E>gnp.exe"),
    ("\u2066a\u2069\u200e\u200f\u061c", "<U+2066>a<U+2069><U+200E><U+200F><U+061C>"),
    ("rtr\u200b01\u200c\u200d\u2060\ufeff\xad", "rtr<U+200B>01<U+200C><U+200D><U+2060><U+FEFF><U+00AD>"),
    ("a\u2028b\u2029c\x85d", "a<U+2028>b<U+2029>c\ufffdd"),
    ("\u3164\u115f\u1160\uffa0\u034f\u2800", "<U+3164><U+115F><U+1160><U+FFA0><U+034F><U+2800>"),
    ("\U000e0041\ufff9\u180e", "<U+E0041><U+FFF9><U+180E>"),
    ("half \ud800 of it", "half <U+D800> of it"),
    ("\tZürich 東京 שלום 🚦 ½", "\tZürich 東京 שלום 🚦 ½"),
]

BAR_TEXTS = (".set_description", ".set_postfix", ".set_postfix_str")


class Saying(SiteCommand):
    requires_system_checks = []

    def handle(self, **options):
        for text, _ in HOSTILE:
            self.stdout.write(text)
            self.stderr.write(text, self.style.ERROR)
            self.stdout.write(f"{self.style.SUCCESS('ok')}: {text}")
        raise CommandError(HOSTILE[0][0])


def ran(*words, tty=True):
    """What a terminal gets of standard output and error."""
    streams = [io.StringIO(), io.StringIO()]
    for stream in streams:
        stream.isatty = lambda: tty
    command = Saying(stdout=streams[0], stderr=streams[1])
    with pytest.raises(SystemExit) as end:
        command.run_from_argv(["manage.py", "saying", *words])
    return end.value.code, *(stream.getvalue() for stream in streams)


def test_nothing_hostile_reaches_a_terminal_plainly():
    wrong = [(text, plain(text)) for text, shown in HOSTILE if plain(text) != shown]

    assert wrong == []


def test_a_command_cleans_output_errors_and_its_last_words():
    code, out, errors = ran("--no-color", tty=False)

    assert code == 1
    assert out == "".join(f"{shown}\nok: {shown}\n" for _, shown in HOSTILE)
    assert errors == "".join(f"{shown}\n" for _, shown in HOSTILE) + f"CommandError: {HOSTILE[0][1]}\n"


def test_our_own_colours_stay_and_a_device_s_do_not():
    _, out, errors = ran("--force-color")

    assert out.startswith("␛[2J␛[H\n\x1b[32;1mok\x1b[0m: ␛[2J␛[H\n")
    assert errors.startswith("\x1b[31;1m␛[2J␛[H\n\x1b[0m")
    assert out.count("\x1b") == 2 * len(HOSTILE)


def test_a_command_that_calls_another_cleans_once_and_keeps_the_colours():
    class Outer(SiteCommand):
        requires_system_checks = []

        def handle(self, **options):
            Inner(stdout=self.stdout, force_color=True).execute(force_color=True, no_color=False)

    class Inner(Outer):
        def handle(self, **options):
            self.stdout.write(self.style.SUCCESS("ok") + "\x1b[2J")

    stream = io.StringIO()
    Outer(stdout=stream).execute(force_color=True, no_color=False)

    assert stream.getvalue() == "\x1b[32;1mok\x1b[0m␛[2J\n"


def test_json_reads_as_what_was_written_and_steers_nothing():
    texts = [text for text, _ in HOSTILE]

    for options in ({}, {"indent": 2}):
        found = json_text({"texts": texts, texts[7]: 1}, **options)

        assert json.loads(found) == {"texts": texts, texts[7]: 1}
        assert plain(found) == found
        assert "Zürich" in found


def test_a_name_stays_on_its_line():
    assert one_line("rtr01\nrtr02: ok\t\r\n") == "rtr01␊rtr02: ok␉␍␊"
    assert [text for text, shown in HOSTILE[:-1] if is_printable(text)] == []
    assert is_printable("Zürich 東京 שלום 🚦")


def test_a_line_of_the_log_steers_nothing_and_cannot_be_forged():
    formatter = LineFormatter("{levelname} {message}", style="{")
    record = logging.LogRecord(
        "x", logging.WARNING, "", 0, "from %s", ("\x1b[2J\u202e\nERROR all is lost",), None
    )

    assert formatter.format(record) == "WARNING from ␛[2J<U+202E>\n  ERROR all is lost"


def test_the_log_of_the_site_goes_through_it():
    assert {each["()"] for each in settings.LOGGING["formatters"].values()} == {
        "logsite.text.terminal.LineFormatter"
    }


def prints_past(tree):
    """What a module writes to a terminal by another way than a command's own output."""
    for node in ast.walk(tree):
        name = ast.unparse(getattr(node, "func", node)) if isinstance(node, ast.Call | ast.Attribute) else ""
        if name in ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"):
            yield f"line {node.lineno}: {name}"
        if not isinstance(node, ast.Call):
            continue
        if name in ("print", "tqdm.write") or name.endswith(BAR_TEXTS):
            yield f"line {node.lineno}: {name}"
        if name == "tqdm":
            texts = [word for word in node.keywords if word.arg in ("desc", "postfix", "unit")]
            yield from (
                f"line {node.lineno}: tqdm" for word in texts if not isinstance(word.value, ast.Constant)
            )


def test_no_module_prints_past_the_output_of_its_command():
    found = {
        str(path.relative_to(ROOT)): list(prints_past(ast.parse(path.read_text())))
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
    }
    past = {name for name, lines in found.items() if lines}

    assert past == {"logsite/commands/base.py"}, {name: found[name] for name in past}


def test_the_guard_finds_what_it_looks_for():
    lines = [
        "print(1)",
        "sys.stdout.write('x')",
        "print(x, file=sys.stderr)",
        "tqdm.write(x)",
        "bar.set_description(x)",
        "tqdm(rows, desc=name)",
    ]

    assert [line for line in lines if not list(prints_past(ast.parse(line)))] == []
    assert list(prints_past(ast.parse("tqdm(unit='device'); self.stdout.write(x)"))) == []


@pytest.mark.django_db
def test_devices_of_hostile_names_and_errors_are_shown_escaped_by_every_list():
    from tests.factories import SessionFactory

    SessionFactory(device="rtr\u202e01\x1b[2J\nrtr02", user="eve\u200b", error_message="\x1b]0;x\x07")
    streams = {form: io.StringIO() for form in ("text", "json")}

    call_command("view_session_logs", "--list", stdout=streams["text"])
    call_command("view_session_logs", "--list", "--json", stdout=streams["json"])

    text = streams["text"].getvalue()
    assert "rtr<U+202E>01␛[2J␊rtr02" in text
    assert "eve<U+200B>" in text
    assert len(text.splitlines()) == 1
    assert json.loads(streams["json"].getvalue())["device"] == "rtr\u202e01\x1b[2J\nrtr02"
    assert "\u202e" not in streams["json"].getvalue()
