"""What `manage.py prodlogs` prints, line by line."""

from collections.abc import Iterator, Sequence
from typing import Any

from logsite.text.terminal import one_line, plain
from prodlogs.entries.listing import EntryDict
from prodlogs.entries.summary import Summary
from prodlogs.hardening.selftest import Outcome
from prodlogs.health.asked import Health, HostHealth
from prodlogs.reading.results import HostResult, ReadingResult
from prodlogs.ssh.audit import Sent

STATUS_WORD = {"complete": "complete", "gap": "GAP", "partial": "partial", "failed": "FAILED"}
READING_KEYS = ("status", "lines", "entries", "gaps", "error", "error_kind")


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """The columns of the rows under their names, each as wide as its widest text."""
    cells = [
        [one_line(str(row[name] if row[name] is not None else "-")) or "-" for name in columns]
        for row in rows
    ]
    heads = [name.upper().replace("_", " ") for name in columns]
    widths = [max(len(line[number]) for line in [heads, *cells]) for number in range(len(columns))]
    for line in [heads, *cells]:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def entry_line(entry: EntryDict) -> str:
    """Time, container, level and message; the lines of a trace are indented."""
    name = one_line(entry["container_name"])
    return f"{entry['timestamp']} {name} {entry['level'] or '-'} {_indented(entry['message'])}"


def _indented(message: str) -> str:
    return plain(message).replace("\n", "\n    ")


def sent_line(sent: Sent) -> str:
    """A command that was sent, with its duration, exit code and bytes."""
    ended = f"exit code {sent.exit_code}" if sent.exit_code is not None else "no exit code"
    parts = [
        f"{sent.milliseconds:.0f} ms, {ended}, {sent.stdout_bytes:,} bytes, {sent.stderr_bytes:,} on stderr"
    ]
    parts += [plain(sent.error)] if sent.error else []
    return f"{sent.host}: {plain(' '.join(sent.argv))}: {'; '.join(parts)}"


def gap_text(gap: dict[str, Any]) -> str:
    """`gap between T1 and T2 on stdout: why`; `gap after T1` where the log is empty now."""
    where = f" on {gap['stream']}" if gap.get("stream") else ""
    span = f"between {gap['after']} and {gap['before']}" if gap["before"] else f"after {gap['after']}"
    return f"gap {span}{where}: {gap['reason']}"


def reading_lines(result: HostResult, *, quiet: bool = False) -> Iterator[str]:
    """How each container's reading went; with `quiet`, only of those that brought something or went wrong."""
    if result.running:
        yield result.busy
    if result.error:
        yield f"{result.host}: {result.error_kind}: {_reason(result.host, result.error)}"
    for reading in result.readings:
        if not quiet or reading.lines or reading.gaps or reading.error:
            yield _reading(result.host, reading)


def _reading(host: str, reading: ReadingResult) -> str:
    parts = [f"{host}/{one_line(reading.container)}: {STATUS_WORD.get(str(reading.status), reading.status)}"]
    parts.append(f"{reading.lines:,} lines, {reading.entries:,} entries")
    parts += [gap_text(gap) for gap in reading.gaps]
    parts += [f"{reading.error_kind}: {_reason(host, reading.error)}"] if reading.error else []
    return "; ".join(parts)


def _reason(host: str, error: str) -> str:
    """An error of the host, on a line that begins with its name."""
    return plain(error.removeprefix(f"{host}: "))


def summary_lines(summary: Summary) -> Iterator[str]:
    """The numbers, then the errors by container, the worst first."""
    yield (
        f"{summary['total_error_entries']:,} errors of the last {summary['analysis_period_hours']:g} h in "
        f"{summary['containers_with_errors']} of {summary['total_containers']} containers"
    )
    for name, errors in summary["error_breakdown"].items():
        yield ""
        yield f"{one_line(name)}: {errors['error_count']:,}"
        for entry in errors["recent_errors"]:
            yield f"  {entry['timestamp']} {entry['level']} {_indented(entry['message'])}"
    if summary["critical_issues"]:
        yield ""
        yield "Critical:"
    for issue in summary["critical_issues"]:
        first = plain(issue["message"]).partition("\n")[0]
        yield f"  {issue['timestamp']} {one_line(issue['container'])} {issue['severity']}: {first}"


def health_lines(health: Health) -> Iterator[str]:
    """Each host, what is wrong on it, and what its containers use."""
    for host in health["hosts"]:
        yield from _host_lines(host)


def _host_lines(host: HostHealth) -> Iterator[str]:
    if host["error"]:
        reason = _reason(host["host"], host["error"])
        yield f"{host['host']}: {host['status']}: {host['error_kind']}: {reason}"
        return
    counts = host["containers"]
    yield f"{host['host']}: {host['status']}, {counts['running']} of {counts['total']} containers run"
    yield from (f"  problem: {one_line(problem)}" for problem in host["problems"])
    columns = ("container_name", "cpu_percent", "memory_bytes", "memory_limit_bytes", "processes")
    rows = [{name: row.get(name) for name in columns} for row in host["stats"]]
    if rows:
        yield from (f"  {line}" for line in table(rows, columns))


def outcome_line(outcome: Outcome) -> str:
    """An attempt of the self-test: whether it ended as it must, and what the host said."""
    word = "ok" if outcome.passed else "NOT REFUSED" if outcome.hostile else "DOES NOT WORK"
    kind = "refused" if outcome.refused else "allowed"
    return f"{word:13} {kind}  {outcome.name}: {plain(outcome.answer)}"


def result_dict(result: HostResult) -> dict[str, Any]:
    """What a pass over a host brought, as JSON: a reading has its snapshot's id instead of the snapshot, and how
    many entries of the snapshot were stored before."""
    readings = [
        {
            "container": reading.container,
            "snapshot": str(reading.snapshot.pk),
            **{name: getattr(reading, name) for name in READING_KEYS},
            "duplicates": reading.snapshot.duplicates,
        }
        for reading in result.readings
    ]
    return {**vars(result), "readings": readings}
