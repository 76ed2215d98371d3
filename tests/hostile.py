"""Hostile requests for every address of the site, from the URL resolver, the OpenAPI schema and the pages' forms.

A later address, parameter, field or form is covered when it is there.
"""

from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import unquote_to_bytes

from django.contrib import admin
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tests.soak import SOAKING

# --- What is put in ----------------------------------------------------------------------------------------
# In a query or a form, percent-encoded.
VALUES = [
    "%00", "9" * 30, "%ff%fe", "[", "-" + "9" * 30, "%D9%A3" * 25, "NaN", "1e999", "%ed%a0%80", "9" * 5000, "",
    "a,%00,b", "1," + "9" * 30, "0001-01-01T00:00:00-14:00", "9999-12-31T23:59:59-14:00", "%E2%80%AE", "'%22",
    "Infinity", "{}", "null", "..%2f", "2026-01-01T00:00:00%2B99:99", "%5Cud800", "1_0", "99999999999d", "0x1f",
]  # fmt: skip
# In a body, as JSON.
LITERALS = [
    r'"\ud800"', r'"\u0000"', "9" * 30, "1e999", "[" * 40 + "]" * 40, r'["\udfff"]', r'{"\ud800": 1}',
    "-" + "9" * 400,
    '{"a": [1]}', "[null]", "null", "true", '""', "[[]]", r'["\u0000"]', "[" + "9" * 30 + "]", r'"a\u202e"', "-1",
    "1.5",
]  # fmt: skip
BODIES = {
    "100,000 arrays": b"[" * 100_000,
    "100,000 objects": b'{"name":' * 100_000,
    "100,000 arrays, closed": b"[" * 100_000 + b"]" * 100_000,
    "900 arrays in a field": b'{"name": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a number that is none": b'{"name": NaN, "port": Infinity, "commands": -Infinity}',
    "a number of 5,000 digits": b'{"port": ' + b"9" * 5000 + b"}",
    "an array": b"[1]",
    "an array of objects": b"[{}, {}]",
    "a text": b'"x"',
    "null": b"null",
    "a number": b"1",
    "half an object": b'{"name":',
    "nothing": b"",
    "bytes that are no UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "a key that is half a character": rb'{"\ud800": 1}',
    "5,000 keys": b"{" + b",".join(b'"f%d": 1' % number for number in range(5000)) + b"}",
    "more than is taken": b'{"name": "' + b"x" * 2_700_000 + b'"}',
}
PART = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FORMS = {
    "bytes that are no UTF-8": b"name=%ff%fe&host=\xff",
    "2,000 fields": b"&".join(b"f%d=1" % number for number in range(2000)),
    "more than is taken": b"name=" + b"x" * 2_700_000,
    "counts of rows": b"form-TOTAL_FORMS=99999999999&form-INITIAL_FORMS=-1&interfaces-TOTAL_FORMS=x&tags=x&tags=y",
    "junk": b"=&=&&;;%%%zz&%00=%00",
    "twice": b"name=a&name=%00&action=a&action=b",
}
MULTIPART = {
    "no end": b"--x\r\n",
    "no UTF-8": PART % (b"name", b"\xff\xfe") + b"--x--",
    "no base64": PART.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") % (b"name", b"!")
    + b"--x--",
    "a charset that is none": b"--x\r\nContent-Disposition: form-data; name*=hex''%41\r\n\r\n1\r\n--x--",
    "a NUL": PART % (b"na\0me", b"\0") + b"--x--",
    "1,500 fields": b"".join(PART % (b"f%d" % number, b"1") for number in range(1500)) + b"--x--",
    "150 files": b"".join(
        PART.replace(b'"%s"', b'"%s"; filename="a"') % (b"f%d" % number, b"1") for number in range(150)
    ) + b"--x--",
}  # fmt: skip
TYPES = [
    "application/json; charset=hex", "application/json; charset=unicode_escape", "application/json; charset=utf-16",
    "application/json; charset=utf-7", "application/json; charset=nonsense", "text/plain", "garbage", "a/b/c; ==;",
    "",
    "application/x-www-form-urlencoded; charset=hex", "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=x; charset=hex", "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "multipart/form-data; boundary=\xff", "application/json; charset=bz2",
    "application/json; charset=" + "u" * 9000,
]  # fmt: skip
IDS = [
    "9" * 30, "%00", "%D9%A3", "9223372036854775808", "-1", "%ff", "%ed%a0%80", "9" * 5000, "1.5", "0x1", "_00",
    "NaN", "[]",
    "00000000-0000-0000-0000-000000000000", "%E2%80%AE", "1%0a", "%20", "a" * 300,
]  # fmt: skip
HEADERS = [
    {"HTTP_ACCEPT": "text/html; q*=hex''%41"}, {"HTTP_HOST": "evil.example.com"}, {"HTTP_HOST": "\0"},
    {"HTTP_ACCEPT": "garbage"},
    {"HTTP_ACCEPT": "\xff;q=x,,;"},
    {"HTTP_COOKIE": 'sessionid="\\000"'}, {"HTTP_COOKIE": 'csrftoken="\\000"; timezone="\\000"; messages="\\000"'},
    {"HTTP_COOKIE": "sessionid=\xff\xfe; messages=" + "[" * 3000}, {"HTTP_COOKIE": "sessionid=" + "9" * 300},
    {"HTTP_AUTHORIZATION": "Token \0" + "a" * 64}, {"HTTP_AUTHORIZATION": "Token \xff\xfe"},
    {"HTTP_AUTHORIZATION": "\xff"},
    {"HTTP_AUTHORIZATION": "Token a b"}, {"HTTP_AUTHORIZATION": "Token " + "a" * 9000},
    {"HTTP_AUTHORIZATION": "Token"},
    {"CONTENT_LENGTH": "9" * 30}, {"CONTENT_LENGTH": "9" * 5000}, {"CONTENT_LENGTH": "-1"}, {"CONTENT_LENGTH": "x"},
    {"HTTP_IF_MODIFIED_SINCE": "garbage"}, {"HTTP_IF_NONE_MATCH": '\xff"'}, {"HTTP_REFERER": "http://[::1"},
    {"HTTP_ORIGIN": "http://[::1"}, {"HTTP_X_FORWARDED_FOR": "\0, \xff"}, {"HTTP_ACCEPT_LANGUAGE": "\xff" * 900},
    {"CONTENT_TYPE": "application/json; charset=hex", "CONTENT_LENGTH": "2"}, {"REMOTE_ADDR": "garbage"},
    {"HTTP_RANGE": "bytes=99999999999999999999-1"}, {"HTTP_X_CSRFTOKEN": "\0"}, {"HTTP_X_FORWARDED_PROTO": "\xff"},
]  # fmt: skip
QUERIES = [
    "%00=1",
    "%ff=1",
    "%ed%a0%80=1",
    "=",
    "&".join(f"a{n}=1" for n in range(2000)),
    "e=1&e=2",
    "limit=1&limit=%00",
]
ADMIN_PARAMETERS = [
    "q", "p", "o", "all", "e", "_facets", "_to_field", "_popup", "_changelist_filters", "older", "newer", "since",
    "until", "pk__in", "id__exact", "next", "ids", "query",
]  # fmt: skip


def some(values, place):
    """All of `values` in the long form of a test; else one of them, another at each place."""
    return values if SOAKING else [values[place % len(values)]]


# --- Where it is put in ------------------------------------------------------------------------------------
def schema_of(part):
    """`part(operation, components)` of each operation: {"/api/…": {"post": …}}, with `{id}` in variable places."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    components = schema["components"]["schemas"]
    return {
        path: {
            method: part(operation, components)
            for method, operation in operations.items()
            if method != "parameters"
        }
        for path, operations in schema["paths"].items()
    }  # fmt: skip


def query_parameters(operation, components):
    return [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]


def body_properties(operation, components):
    """The names of the fields of a JSON body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return sorted(components[name]["properties"]) if name else []


def list_parameters():
    """The parameters of each list of the admin: what its filters take, and what every list takes."""
    for model, pages in admin.site._registry.items():
        names = list(ADMIN_PARAMETERS)
        for each in pages.list_filter:
            if isinstance(each, str):
                names += [each, f"{each}__exact", f"{each}__id__exact", f"{each}__in", f"{each}__isnull"]
            elif isinstance(each, type):
                names += [
                    *getattr(each, "parameters", ()),
                    getattr(each, "parameter_name", None) or each.__name__,
                ]
        yield f"/admin/{model._meta.app_label}/{model._meta.model_name}/", dict.fromkeys(names)


class Fields(HTMLParser):
    """The fields of a page's forms with their values, as a browser would send them."""

    def __init__(self, page):
        super().__init__()
        self.values, self.actions, self.select = {}, [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag in ("input", "textarea") and found.get("name"):
            self.values.setdefault(found["name"], found.get("value") or "")
        elif tag == "select":
            self.select = found.get("name")
            self.values.setdefault(self.select, "")
        elif tag == "option" and self.select:
            if self.select == "action" and found.get("value"):
                self.actions.append(found["value"])
            if "selected" in found:
                self.values[self.select] = found.get("value", "")


# --- What comes of it --------------------------------------------------------------------------------------
class Visitor:
    """A browser that is logged in, notes wrong answers, and takes back what a request changed."""

    def __init__(self, user):
        self.client, self.wrong = Client(raise_request_exception=False), []
        self.client.force_login(user)
        self.cookie = self.client.cookies.output(header="", sep=";").strip()

    def ask(self, what, method, path, query="", body=b"", kind="application/json", **headers):
        """The answer; what is wrong with it is noted under the words `what`."""
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query,
            "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body),
        }  # fmt: skip
        with transaction.atomic():
            answer = self.client.request(**environ | headers)
            transaction.set_rollback(True)
        self.client.cookies.load(self.cookie)  # a page may have ended the session
        if problem := wrong_with(path, answer):
            self.wrong.append(f"{method} {path[:90]} {what}: {problem}")
        return answer


def wrong_with(path, answer):
    if answer.status_code >= 500:
        error = getattr(answer, "exc_info", None)
        return (
            f"{answer.status_code} {error[0].__name__ if error else ''} {str(error[1])[:80] if error else ''}"
        )
    if answer.status_code < 400 or not path.startswith("/api/v2/"):
        return None
    if answer.headers["Content-Type"] != "application/json" or not answer.json():
        return f"{answer.status_code} is not JSON that says why: {answer.content[:60]!r}"
    return None
