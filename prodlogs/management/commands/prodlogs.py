"""Logs of production containers over SSH."""

import argparse
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from logsite.commands.base import OutputClosedError, SiteCommand
from logsite.commands.stopping import account, stopping
from logsite.records import SourceView
from logsite.records.query import QueryError
from logsite.ssh.host_keys import key_text
from logsite.text.terminal import json_text, one_line
from prodlogs import printing
from prodlogs.collector import ProductionLogCollector, failures_of
from prodlogs.docker.grammar import Refused
from prodlogs.entries.json_file import check_writable, json_pieces, save_entries
from prodlogs.entries.listing import LONGEST, as_dicts, entries_seen, since_hours, stored, titles
from prodlogs.entries.summary import error_summary
from prodlogs.errors import ConfigurationError, HostError
from prodlogs.hardening import selftest, wrapper
from prodlogs.hosts.configured import get_hosts, private_key
from prodlogs.hosts.host_keys import accept
from prodlogs.models import DockerHost
from prodlogs.reading.following import follow
from prodlogs.reading.results import HostResult
from prodlogs.ssh.audit import watching

EPILOG = """\
  prodlogs status                      the containers of every host
  prodlogs logs 2                      what all containers wrote in the last 2 hours
  prodlogs logs --query 'timeout level:>=WARNING'
  prodlogs errors 24                   errors by container, the worst first
  prodlogs container web 0.5
  prodlogs save 24 --output day.json
  prodlogs -v 2 logs                   each command that is sent: how long it took, exit code, bytes
  prodlogs follow --host docker01      read on and on, into the database, until Ctrl-C
  prodlogs harden --host docker01      the server's side: a wrapper and a line for authorized_keys
  prodlogs selftest --host docker01    proves that the host refuses everything else
  prodlogs accept-key --host docker01 --fingerprint SHA256:…

Without --host all hosts are read that are enabled; harden, selftest and accept-key are for one.
Hosts are those of the admin, or the one of PRODLOGS_HOST, PRODLOGS_USER and PRODLOGS_SSH_KEY.
Exit code 1 when something could not be read, 2 when nothing was tried."""

MANY = "one Docker host; without it, all that are enabled"
ONE = "the Docker host; needed where there are several"


class Command(SiteCommand):
    help = "Read logs of production containers over SSH, and look at what was read."
    requires_system_checks = ["logsite", "prodlogs"]

    _reader: ProductionLogCollector | None = None
    _seen: SourceView

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        _add_reading(partial(_add_verb, verbs, MANY))
        _add_hosts_side(partial(_add_verb, verbs, ONE))

    def handle(self, **options: Any) -> None:
        try:
            if "query" in options:
                self._seen = entries_seen()
                # Before anything is read or written.
                options["condition"] = self._seen.condition(options["query"])
            with self._each_command(options["verbosity"]):
                getattr(self, f"_{options['verb'].replace('-', '_')}")(options)
            self.stdout.flush()
        except QueryError as error:
            raise CommandError(f"--{one_line(str(error))}", returncode=2) from None
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        except OutputClosedError:  # the reader has seen enough; not, that something could not be read
            if self._reader and self._reader.failures:
                raise CommandError("\n".join(self._reader.failures)) from None
            raise
        except (HostError, OSError) as error:
            raise CommandError(str(error)) from None

    # --- Reading -------------------------------------------------------------------------------------------

    def _status(self, options: dict[str, Any]) -> None:
        collector = self._collector(options)
        rows = collector.get_container_list()
        table = printing.table(rows, ("host", "name", "state", "health", "restarts", "started_at", "image"))
        self._say(options, {"containers": rows, "failures": collector.failures}, table)
        self._end(collector, quiet=options["json"])

    def _logs(self, options: dict[str, Any]) -> None:
        collector = self._read(options)
        since, query = since_hours(options["hours"]), options["condition"]
        rows = stored(collector.hosts, since, query=query)
        self._note(options, rows.count())
        if options["json"]:
            for piece, _ in json_pieces(collector.hosts, since, query):
                self.stdout.write(piece, ending="")
        else:
            entries = as_dicts(rows, titles(collector.hosts))
            self._lines(map(printing.entry_line, entries))
        self._end(collector)

    def _container(self, options: dict[str, Any]) -> None:
        collector = self._collector(options)
        try:
            entries = collector.get_logs_from_container(
                options["name"], options["hours"], query=options["query"]
            )
        except Refused:
            raise
        except ValueError as error:  # the hosts were asked
            raise CommandError(str(error)) from None
        self._say(options, entries, map(printing.entry_line, entries))
        self._end(collector)

    def _errors(self, options: dict[str, Any]) -> None:
        collector = self._read(options)
        summary = error_summary(options["hours"], collector.hosts, query=options["condition"])
        self._note(options, summary["total_error_entries"])
        self._say(options, summary, printing.summary_lines(summary))
        self._end(collector)

    def _save(self, options: dict[str, Any]) -> None:
        check_writable(options["output"] or "logs.json")  # where the file will lie without a name, too
        collector = self._read(options)
        since = since_hours(options["hours"])
        path, number = save_entries(collector.hosts, since, options["output"], query=options["query"])
        found = {"output_file": str(path), "entries": number, "failures": collector.failures}
        self._say(options, found, [f"{number:,} entries in {path}"])
        self._end(collector, quiet=options["json"])

    def _health(self, options: dict[str, Any]) -> None:
        health = self._collector(options).health_check()
        self._say(options, health, printing.health_lines(health))
        if health["status"] != "healthy":
            raise CommandError(f"health: {health['status']}")

    def _follow(self, options: dict[str, Any]) -> None:
        collector = self._collector(options)
        if not options["json"]:
            names = ", ".join(host.name for host in collector.hosts)
            self.stderr.write(f"following {names}; Ctrl-C ends", self.style.SUCCESS)

        said: dict[str, list[str]] = {}

        def report(result: HostResult) -> None:
            failures = failures_of(result)
            again = bool(failures) and said.get(result.host) == failures
            said[result.host] = failures
            news = list(printing.reading_lines(result.without_failures() if again else result, quiet=True))
            if news and options["json"]:
                news = [json_text(printing.result_dict(result))]
            self._lines(news)
            self.stdout.flush()

        with stopping() as stop:
            find = partial(get_hosts, options["host"])
            follow(find, user=collector.user, interval=options["interval"], stop=stop, report=report)

    # --- The host's side -----------------------------------------------------------------------------------

    def _harden(self, options: dict[str, Any]) -> None:
        host = self._one_host(options)
        public_key = key_text(private_key(host))
        script = wrapper.wrapper(options["docker"], options["docker_host"])
        if options["json"]:
            line = wrapper.authorized_keys_line(public_key, options["path"])
            self._json(
                {"host": host.name, "path": options["path"], "wrapper": script, "authorized_keys": line}
            )
        elif options["wrapper"]:
            self.stdout.write(script, ending="")
        else:
            text = wrapper.instructions(
                host,
                public_key,
                path=options["path"],
                docker=options["docker"],
                docker_host=options["docker_host"],
            )
            self.stdout.write(text, ending="")

    def _selftest(self, options: dict[str, Any]) -> None:
        host = self._one_host(options)

        def report(outcome: selftest.Outcome) -> None:
            if not options["json"]:
                self._lines([printing.outcome_line(outcome)])
                self.stdout.flush()

        outcomes = selftest.run(host, user=account(), report=report)
        if options["json"]:
            self._json([asdict(outcome) for outcome in outcomes])
        if not selftest.passed(outcomes):
            wrong = sum(not outcome.passed for outcome in outcomes)
            raise CommandError(f"{host.name}: {wrong} of {len(outcomes)} attempts did not end as required")

    def _accept_key(self, options: dict[str, Any]) -> None:
        host = self._one_host(options)
        accept(host, options["fingerprint"], user=account(), via="cli")
        found = {"host": host.name, "fingerprint": options["fingerprint"]}
        self._say(options, found, [f"{host.name}: the accepted host key is now {options['fingerprint']}"])

    # --- Shared --------------------------------------------------------------------------------------------

    def _each_command(self, verbosity: int) -> AbstractContextManager[None]:
        """With `-v 2` a line on standard error for each command that was sent to a host."""
        if verbosity < 2:
            return nullcontext()
        return watching(lambda sent: self.stderr.write(printing.sent_line(sent)))

    def _collector(self, options: dict[str, Any]) -> ProductionLogCollector:
        self._reader = ProductionLogCollector(options["host"], user=account(), via="cli", strict=False)
        return self._reader

    def _one_host(self, options: dict[str, Any]) -> DockerHost:
        hosts = get_hosts(options["host"])
        if len(hosts) > 1:
            raise ConfigurationError(f"--host: choose one of {', '.join(host.name for host in hosts)}")
        return hosts[0]

    def _read(self, options: dict[str, Any]) -> ProductionLogCollector:
        collector = self._collector(options)
        collector.collect(options["hours"])
        return collector

    def _note(self, options: dict[str, Any], count: int) -> None:
        """Put on record that entries are shown; before the first is printed."""
        given = {name: options[name] for name in ("host", "hours")}
        filters = urlencode({name: value for name, value in given.items() if value})
        what = "error summary" if options["verb"] == "errors" else "list"
        self._seen.note(what, options["query"], count, filters=filters)

    def _say(self, options: dict[str, Any], value: Any, lines: Iterable[str]) -> None:
        """`value` with --json, else the lines that say the same to people."""
        self._json(value) if options["json"] else self._lines(lines)

    def _json(self, value: Any) -> None:
        self.stdout.write(json_text(value, indent=2))

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)

    def _end(self, collector: ProductionLogCollector, *, quiet: bool = False) -> None:
        """What could not be read is said behind what could, and fails the command."""
        if not quiet:
            for result in collector.results:
                for line in printing.reading_lines(result.without_failures(), quiet=True):
                    self.stderr.write(line, self.style.NOTICE)
        if collector.failures:
            raise CommandError("\n".join(collector.failures))


def _add_verb(
    verbs: Any, host: str, name: str, text: str, *, hours: float | None = None
) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = verbs.add_parser(name, help=text)
    found.add_argument("--host", metavar="NAME", help=host)
    found.add_argument("--json", action="store_true", help="JSON on standard output")
    if name == "container":
        found.add_argument("name", metavar="NAME", help="its name, its id, or the id's first 12 digits")
    if hours is not None:
        found.add_argument(
            "--query", metavar="Q", default="", help="only what it finds, as 'timeout level:>=WARNING'"
        )
        text = f"hours back, such as 24 or 0.5; default: {hours:g}"
        found.add_argument("hours", metavar="H", nargs="?", type=_hours, default=hours, help=text)
    return found


def _add_reading(verb: Callable[..., argparse.ArgumentParser]) -> None:
    verb("status", "the containers of each host")
    verb("logs", "what all containers wrote", hours=1.0)
    verb("errors", "their errors, summed up", hours=1.0)
    verb("container", "what one container wrote", hours=1.0)
    save = verb("save", "everything into a JSON file", hours=1.0)
    save.add_argument("--output", metavar="FILE", help="default: production_logs_<date>_<time>.json")
    verb("health", "the health of hosts and containers")
    verb("follow", "read new lines until Ctrl-C").add_argument(
        "--interval",
        type=_seconds,
        metavar="S",
        default=settings.PRODLOGS_INTERVAL,
        help="seconds between two readings of a host; default: PRODLOGS_INTERVAL",
    )


def _add_hosts_side(verb: Callable[..., argparse.ArgumentParser]) -> None:
    side = verb("harden", "print the server's side of the read-only access")
    side.add_argument("--wrapper", action="store_true", help="the wrapper script alone, for a file")
    side.add_argument("--path", default=wrapper.PATH, help=f"its path on the host; default: {wrapper.PATH}")
    side.add_argument("--docker", default="docker", help="Docker's client on the host, a name or a path")
    side.add_argument(
        "--docker-host", default="", metavar="URL", help="the Docker daemon's address, if not the default one"
    )
    verb("selftest", "prove that the host refuses every other command")
    key = verb("accept-key", "accept the key that a host offered")
    key.add_argument(
        "--fingerprint", metavar="SHA256:…", required=True, help="fingerprint of the offered key"
    )


def _hours(text: str) -> float:
    try:
        hours = float(text)
        since_hours(hours)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of hours above 0 and up to {LONGEST}"
        ) from None
    return hours


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:  # nan is neither
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and up to a day")
    return seconds
