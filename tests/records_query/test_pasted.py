"""Text that people copy out of logs and paste into a search box: it is found where it stands, by both readers."""

from logsite.records.query import bind, filtered, parse, predicate
from tests.records_query.toy import FIELDS, MORNING, Toy, record

PASTED = [
    # JSON
    '{"a":1}',
    '{"msg":"he said \\"hi\\"","n":{"k":[1,2]}}',
    '{"msg": "a \\"b\\" c", "x": "{}"}',
    '"msg":"he said \\"hi\\""',
    '{"path":"C:\\\\temp\\\\x"}',
    '{"url":"https:\\/\\/x\\/y"}',
    '{"text":"a\\nb\\u00e9"}',
    '"a" : "b"',
    "[1, 2, 3]",
    '[{"a": [1, {"b": "c d"}]}]',
    # key=value
    "key=value",
    'level=error msg="boom (x" code=5',
    'msg="failed to open \\"x\\""',
    "a=b&c=d",
    'user="john doe" id=7',
    '<34>1 2026-01-15T10:30:45Z web-1 app 7 ID47 [x@1 a="b"] boom',
    # stack traces
    "at com.foo.Bar.baz(Bar.java:123)",
    "\tat a.b.C$1.run(C.java:5)",
    "Caused by: java.io.IOException: x (Permission denied)",
    'Exception in thread "main" java.lang.NullPointerException',
    "java.lang.IllegalStateException: boom",
    'File "/app/x.py", line 10, in <module>',
    "Traceback (most recent call last):",
    "KeyError: 'x'",
    "    at Object.<anonymous> (/app/index.js:10:5)",
    "goroutine 1 [running]:",
    "main.main()",
    "panic: runtime error: index out of range [5] with length 3",
    "src/main.go:42:10: undefined: x",
    "main.go:42:10: undefined: x",
    "app.py:7: DeprecationWarning",
    # lines of servers and devices
    "[error] boom",
    "[2026-01-15T10:30:45.123Z] ERROR (web/1): boom",
    "2026-01-15 10:30:45,123 ERROR boom",
    "Jan 15 10:30:45 web-1 sshd[123]: Failed password for root from 10.0.0.1 port 22 ssh2",
    '10.0.0.1 [15/Jan/2026:10:30:45 +0000] "GET /x HTTP/1.1" 200 5 "curl/8.0 (x)"',
    "%LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down",
    "*Jan 15 10:30:45.123: %SYS-5-CONFIG_I: Configured from console by admin on vty0 (10.0.0.1)",
    "E0115 10:30:45.123456       1 main.go:42] boom",
    # times, addresses, names
    "10:30:45",
    "10:30",
    "2026-01-15T10:30:45.123+02:00",
    "2001:db8::1",
    "[2001:db8::1]:443",
    "2001:db8::1/64",
    "::1",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "fe80:1:2::",
    "10.0.0.0/8",
    "10.0.0.1:5432",
    "AA:BB:CC:DD:EE:FF",
    "aabb.ccdd.eeff",
    "aa-bb-cc-dd-ee-ff",
    "06787c15-dded-47cd-a9d5-91f4d8f7687d",
    "a6787c15-dded-47cd-a9d5-91f4d8f7687d",
    "{06787c15-dded-47cd-a9d5-91f4d8f7687d}",
    "http://localhost:8080/health",
    "https://[::1]:8443/",
    "https://example.com/a?b=c&d=e#f",
    "postgres://user:pass@host:5432/db",
    "me@x.org",
    "registry/web:1.4",
    "/var/log/app.log:",
    "C:\\temp\\x",
    "C:\\temp\\",
    "C:\\Program Files (x86)\\x",
    "D:/data/x",
    "\\\\server\\share\\x",
    # signs
    "100%",
    "a & b",
    "a | b",
    "a -> b",
    "x == y",
    "x != y",
    "x >= 5",
    "5 * 3",
    "why? because",
    "it's",
    "C++",
    "$HOME/x",
    "#42",
    "--flag=value",
    '<a href="x">y</a>',
    "foo(bar",
    "[a",
    "a]",
    "{a",
    '5" pipe',
    "SELECT a FROM b WHERE c = 'd'",
    "${x} {{y}} %{z}i %s",
    "\\d+ \\w",
    "std::vector<int>",
    "日志 错误",
]


def test_pasted_text_is_found_where_it_stands(toys):
    defaults = {"level": "INFO", "app": "other", "status": "Success", "timestamp": MORNING}
    added = [
        Toy(id=number, message=f"before {text} after", **defaults) for number, text in enumerate(PASTED, 1001)
    ]
    toys.objects.bulk_create(added)
    nothing_of_it = record(Toy(id=1000, message="before after", **defaults))
    wrong = []
    for row, text in zip(added, PASTED, strict=True):
        condition = bind(parse(text, FIELDS), FIELDS, bool)
        holds = predicate(condition)
        found = (
            filtered(toys.objects.filter(id=row.id), condition).exists(),
            holds(record(row)),
            holds(nothing_of_it),
        )
        if found != (True, True, False):
            wrong.append((text, found))

    assert wrong == []
