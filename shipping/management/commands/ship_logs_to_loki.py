"""Ship log entries to Loki."""

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from logsite.audit import EventType, Severity, current_reader, record
from logsite.commands import SiteCommand
from logsite.commands.stopping import stopping
from logsite.records import Cursor, CursorError
from shipping.destinations import Target, loki_target
from shipping.engine import Shipper, forget_cursor
from shipping.errors import ShippingError, Stopped, Unavailable
from shipping.feed import LEFT_CAP, Feed
from shipping.models import ShippingCursor
from shipping.options import Options, UsageError, read_options
from shipping.receivers.base import Push
from shipping.retry import Retry
from shipping.run import count_text, follow, outlive, rehearse, ship_all, summary

Result = TypeVar("Result")


def _at_once(action: Callable[[], Result]) -> Result:
    return action()


def _place(target: Target, feed: Feed) -> Cursor:
    """Up to where the feed has been shipped to the target."""
    row = ShippingCursor.objects.filter(destination=target.destination, source=feed.key).first()
    return row.place if row else Cursor()


class Command(SiteCommand):
    help = "Ship all committed log entries to Loki, oldest first; shipped entries are not sent again."
    requires_system_checks = ["logsite", "shipping"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--loki", metavar="URL", help="Loki's address; default: the setting LOKI_URL.")
        add(
            "--backend",
            metavar="URL",
            help="Read entries from the LogSite at this address, not from this site; default: BACKEND_URL.",
        )
        add("--token", metavar="T", help="API token for --backend; default: the setting SHIPPING_TOKEN.")
        add("--source", metavar="NAME", nargs="+", action="extend", help="Only these sources; default: all.")
        add("--since", metavar="T", help="Backfill: from this time on, as 2026-01-31T12:00:00Z or 7d (ago).")
        add("--until", metavar="T", help="Backfill: before this time.")
        add("--batch-size", metavar="N", default="1000", help="Entries a push, 1 to 5000; default: 1000.")
        add(
            "--follow",
            action="store_true",
            help="Ship new entries as they are stored, until SIGTERM or Ctrl-C.",
        )
        add("--from-start", action="store_true", help="Reset the cursors and send everything again.")
        add("--dry-run", action="store_true", help="Print what would be sent, and send nothing.")

    def handle(self, *args: Any, **given: Any) -> None:
        with stopping() as self.stop:
            self._handle(given)

    def _handle(self, given: dict[str, Any]) -> None:
        try:
            options = read_options(given, timezone.now())
            if options.notice:
                self.stdout.write(options.notice)
            retry = Retry(
                None if options.follow else settings.SHIPPING_RETRIES,
                settings.SHIPPING_BACKOFF,
                self.stop,
                self._say_wait,
            )
            self._run(options, options.feeds(retry), retry)
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        except Stopped:
            pass
        except (ShippingError, CursorError) as error:
            raise CommandError(str(error)) from None

    def _run(self, options: Options, feeds: list[Feed], retry: Retry) -> None:
        attempt = partial(outlive, retry) if options.follow else _at_once
        target = attempt(lambda: self._target(options, feeds))
        if options.dry_run:
            for feed in feeds:
                self._rehearse(options, target, feed, retry)
            return
        receiver = target.receiver(retry, backfill=bool(options.window))
        try:
            with attempt(lambda: self._progress(target, feeds)) as bar:
                shippers = [
                    Shipper(
                        target.destination,
                        receiver,
                        feed,
                        batch_size=options.batch_size,
                        on_push=lambda push: self._advance(bar, push),
                    )
                    for feed in feeds
                ]
                self._follow(shippers, retry) if options.follow else self._once(shippers)
        finally:
            receiver.close()

    def _target(self, options: Options, feeds: list[Feed]) -> Target:
        """Where to ship to; a new destination is stored, and with --from-start the cursors are forgotten."""
        target = loki_target(options.loki)
        if options.dry_run:
            return target
        if target.destination.pk is None:
            target.destination.save()
        if options.from_start:
            details = {"cursors": [feed.key for feed in feeds], "set_to": "the beginning"}
            event, name, reader = EventType.SENSITIVE_UPDATE, target.destination.name, current_reader()
            record(event, Severity.WARNING, reader, details, what="shipping.shippingcursor", target=name)
            for feed in feeds:
                forget_cursor(target.destination, feed)
        return target

    def _once(self, shippers: list[Shipper]) -> None:
        for shipper in shippers:
            try:
                with shipper:
                    ship_all(shipper, self.stop)
            except Stopped:
                pass
            except Unavailable as error:
                waiting = count_text(shipper.left, unknown="all")
                raise Unavailable(
                    f"{error}; nothing is lost, {waiting} entries wait: run again when it is back"
                ) from None
            finally:
                self._say_end(shipper)

    def _follow(self, shippers: list[Shipper], retry: Retry) -> None:
        try:
            with ExitStack() as stack:
                for shipper in shippers:
                    outlive(retry, partial(stack.enter_context, shipper))
                follow(shippers, retry, settings.SHIPPING_POLL)
        except Stopped:
            pass
        finally:
            for shipper in shippers:
                self._say_end(shipper)

    def _rehearse(self, options: Options, target: Target, feed: Feed, retry: Retry) -> None:
        known = target.destination.pk and not options.from_start
        found = rehearse(
            feed,
            _place(target, feed) if known else Cursor(),
            target.receiver(retry, backfill=bool(options.window)),
            batch_size=options.batch_size,
        )
        self.stdout.write(
            f"{feed.key}: would ship {found.records:,} entries ({found.split:,} in parts) of "
            f"{len(found.groups):,} streams in {found.pushes:,} pushes, {found.size:,} bytes, "
            f"to {target.destination.url}"
        )

    def _progress(self, target: Target, feeds: list[Feed]) -> "tqdm[Any]":
        """A bar on a terminal, with a total where it is known and not too large to count."""
        total: int | None = 0
        for feed in feeds:
            left = feed.left(_place(target, feed))
            total = None if left is None or left > LEFT_CAP or total is None else total + left
        return tqdm(total=total, unit=" entries", disable=None)

    def _advance(self, bar: "tqdm[Any]", push: Push) -> None:
        bar.update(len(push.records))

    def _say_end(self, shipper: Shipper) -> None:
        for line in summary(shipper.feed.key, shipper.totals, shipper.left):
            self.stdout.write(line)

    def _say_wait(self, error: Unavailable, delay: float) -> None:
        with tqdm.external_write_mode():
            self.stderr.write(f"{error}; trying again in {delay:.1f} s")
