"""Requests that deserve no answer: each is told why, by status and series, and nothing of the server."""

import json
import re

import pytest

from served import exchange, model, parsed, request, served

GOOD = [float(i % 7) for i in range(20)]
MOST = 20_000


@pytest.fixture(scope="module")
def port():
    with served(model(), body=MOST) as port:
        yield port


def spoilt(token):
    """Three series, the second with a token of JSON in place of a value."""
    lines = [", ".join(map(str, GOOD))] * 3
    lines[1] = ", ".join([*map(str, GOOD[:4]), token, *map(str, GOOD[5:])])
    return "[" + ", ".join(f"[{line}]" for line in lines) + "]"


TOKENS = [
    *("NaN", "Infinity", "-Infinity", "null", "true", "false", '"1.5"', '"word"', "[1.0]", "{}", "[]"),
    *("1e999", "-1e999", "1" + "0" * 400, "1" + "0" * 5000, "9" * 400 + ".5"),
]
VALUES = {
    f"{token[:12]} in {key}": (form.replace("X", spoilt(token)), 400, r"Series 1 \(counted from 0\)")
    for token in TOKENS
    for key, form in (
        ("inputs", '{"inputs": X}'),
        ("instances", '{"instances": X}'),
        ("split", '{"dataframe_split": {"data": X}}'),
    )
}

SHAPES = {
    "too short": ([GOOD, GOOD[1:]], "Series 1 "),
    "too long": ([GOOD, [*GOOD, 1.0]], "Series 1 "),
    "empty series": ([GOOD, []], "Series 1 "),
    "two channels": ([[GOOD], [GOOD, GOOD]], "Series 1 "),
    "no channel": ([[GOOD], [[]]], "Series 1 "),
    "nested deeper": ([[[GOOD]]], "Series 0 "),
    "one series without its list": (GOOD, "Series 0 .*a list of its own"),
    "a number among series": ([GOOD, 1.0], "Series 1 "),
    "null among series": ([GOOD, None], "Series 1 "),
    "an object among series": ([GOOD, {"0": 1.0}], "Series 1 "),
    "an object of series": ({"series": [GOOD]}, "not a list"),
    "text": ("series", "not a list"),
    "null": (None, "not a list"),
    "a number": (1.5, "not a list"),
}

FRAMES = {
    "records of other columns": {"dataframe_records": [{"a": 1.0}, {"b": 1.0}]},
    "a record too short": {"dataframe_records": [dict(zip(map(str, range(20)), GOOD, strict=True)), {}]},
    "records that are lists": {"dataframe_records": [GOOD]},
    "columns with one number": {"dataframe_split": {"columns": ["1"] * 20, "data": [GOOD]}},
    "fewer columns": {"dataframe_split": {"columns": ["a"], "data": [GOOD]}},
    "columns that are none": {"dataframe_split": {"columns": 3, "data": [GOOD]}},
    "a frame without data": {"dataframe_split": {"columns": []}},
    "a frame of a list": {"dataframe_split": [GOOD]},
    "a frame with other keys": {"dataframe_split": {"data": [GOOD], "dtypes": []}},
}

BODIES = {
    "nothing": b"",
    "blanks": b"  \n",
    "a word": b"series",
    "a list": json.dumps([GOOD]).encode(),
    "no key": b"{}",
    "an unknown key": b'{"input": []}',
    "two forms": b'{"inputs": [], "instances": []}',
    "parameters": b'{"inputs": [], "params": {"a": 1}}',
    "a key twice": b'{"inputs": [], "inputs": []}',
    "a key twice, deep": b'{"dataframe_split": {"data": [], "data": []}}',
    "cut short": json.dumps({"inputs": [GOOD]}).encode()[:-5],
    "a comma too much": b'{"inputs": [],}',
    "two values": b'{"inputs": []} {}',
    "single quotes": b"{'inputs': []}",
    "a control character": b'{"in\x00puts": []}',
    "nested 9,000 deep": b'{"inputs": ' + b"[" * 9_000 + b"]" * 9_000 + b"}",
    "nested 10,000 deep, open": b"[" * 10_000,
    "objects nested 3,000 deep": b'{"a":' * 3_000,
    "latin-1": '{"inputs": ["\xe4"]}'.encode("latin-1"),
    "UTF-16": '{"inputs": []}'.encode("utf-16"),
    "a lone surrogate": b'{"\\ud800": []}',
    "binary": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 40,
}

LINES = "\n".join([",".join(map(str, GOOD))] * 3)
TABLES = {
    "nothing": "",
    "a word": "word",
    "a missing value": (LINES.replace("4.0", "", 4), "Series 0 .*row 1"),
    "NaN": (LINES + "\n" + ",".join(["nan"] * 20), r"Series 3 \(counted from 0\), row 4"),
    "infinite": (LINES + "\n" + ",".join(["1e999"] * 20), r"Series 3 \(counted from 0\), row 4"),
    "a line too short": (LINES + "\n1,2", "row 4"),
    "a word in a line": (LINES + "\n" + ",".join(["1", "x"] + ["1"] * 18), "row 4, column 2"),
    "a header in the middle": (LINES + "\n" + ",".join("abcdefghijklmnopqrst"), "row 4"),
    "underscores": (LINES + "\n" + ",".join(["1_0"] * 20), "row 4, column 1"),
}

TYPES = [
    *(None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "none"),
    *("application/json; charset=latin-1", "application/jsonp", "text/html", "application/octet-stream"),
    *("application/json, text/csv", ""),
]

HOSTS = {
    **dict.fromkeys(("evil.example", "127.0.0.1.evil.example", "localhost.", "127.0.0.2", "[::2]"), 421),
    **dict.fromkeys(("named.example.evil", "evil.example:80", "10.0.0.1", "2130706433"), 421),
    **dict.fromkeys(("", "a b", "localhost@evil.example", "[::1", "http://localhost", "localhost:x"), 400),
    **dict.fromkeys(("127.0.0.1", "127.0.0.1:99", "LOCALHOST", "[::1]:5001", "Named.Example:80"), 200),
}

PAGES = {
    "another site": {"Origin": "http://evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "a page without a site": {"Origin": "null"},
    "a site that ends alike": {"Origin": "http://evil.127.0.0.1"},
    "a file": {"Origin": "file://"},
    "a browser's word, cross-site": {"Sec-Fetch-Site": "cross-site"},
    "a browser's word, same-site": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    "a form": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
}


def check(received, status, pattern=""):
    """Hold an answer to its status and its reason; it tells nothing of the machine."""
    found, headers, body = parsed(received)
    assert found == status, body
    if found != 200:
        told = json.loads(body)
        assert told.keys() == {"error_code", "message"}
        assert re.search(pattern, told["message"]), told["message"]
        assert told["message"][-1] in ".?"
    assert not re.search(rb"Traceback|\.py|lstmfcn/|/tmp|File \"|Error\(", body)
    assert not [name for name in headers if name.startswith("access-control")]
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


@pytest.mark.parametrize("case", VALUES)
def test_a_value_that_is_none_names_its_series(port, case):
    body, status, pattern = VALUES[case]
    check(exchange(port, request(body)), status, pattern)


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_a_wrong_shape_names_its_series(port, case, key):
    value, pattern = SHAPES[case]
    check(exchange(port, request({key: value})), 400, pattern)


@pytest.mark.parametrize("case", FRAMES)
def test_a_frame_that_is_none_is_refused(port, case):
    check(exchange(port, request(FRAMES[case])), 400)


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_no_request_is_refused(port, case):
    check(exchange(port, request(BODIES[case])), 400)


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_is_none_names_its_row(port, case):
    text, pattern = (TABLES[case], "") if isinstance(TABLES[case], str) else TABLES[case]
    check(exchange(port, request(text, headers={"Content-Type": "text/csv"})), 400, pattern)


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_that_is_not_read_is_refused(port, kind):
    check(exchange(port, request({"inputs": [GOOD]}, headers={"Content-Type": kind})), 415)


def test_compressed_bodies_and_two_types_are_refused(port):
    body = {"inputs": [GOOD]}
    check(exchange(port, request(body, headers={"Content-Encoding": "gzip"})), 415)
    check(exchange(port, request(body, headers={"content-type": "text/csv"})), 415)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW", "CONNECT"])
def test_a_method_that_is_not_taken_is_refused(port, method):
    check(exchange(port, request({"inputs": [GOOD]}, method=method)), 405)
    if method != "GET":
        check(exchange(port, request(method=method, path="/model")), 405)


@pytest.mark.parametrize(
    "path",
    [
        *("/nix", "/invocations/", "/../../etc/passwd", "/%2e%2e/etc/passwd", "//", "/docs", "/redoc"),
        *(
            "/page.py",
            "/page/page.js",
            "/%00",
            "/%ff%fe",
            "http://evil.example/ping",
            "*",
            "/ping/x",
            "/PING",
        ),
    ],
)
def test_an_address_that_is_not_there_is_not_found(port, path):
    check(exchange(port, request(method="GET", path=path)), 404)


@pytest.mark.parametrize("host", HOSTS)
def test_only_its_own_names_are_answered(port, host):
    for path in ("/ping", "/model"):
        check(exchange(port, request(method="GET", path=path, host=host)), HOSTS[host])


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_other_sites_are_refused(port, page):
    check(exchange(port, request({"inputs": [GOOD]}, headers=PAGES[page])), 403)


def test_its_own_page_and_a_link_from_elsewhere_are_answered(port):
    own = {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}
    check(exchange(port, request({"inputs": [GOOD]}, host=f"127.0.0.1:{port}", headers=own)), 200)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    check(exchange(port, request(method="GET", path="/", headers=link)), 200)


def chunked(*pieces, end=b"0\r\n\r\n"):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return request(headers={"Transfer-Encoding": "chunked"}, length=False) + chunks + end


SOUND = json.dumps({"inputs": [GOOD]}).encode()


def test_a_body_in_chunks_is_read_and_bounded(port):
    check(exchange(port, chunked(SOUND[:9], SOUND[9:])), 200)
    check(exchange(port, chunked(*[b" " * 5_000] * 5)), 413)


@pytest.mark.parametrize("n", [MOST + 1, 10 * MOST, 10**12])
def test_a_body_beyond_the_limit_is_refused_whatever_its_length_says(port, n):
    check(exchange(port, request(b" " * min(n, 300_000), headers={"Content-Length": n}, length=False)), 413)


def test_a_body_at_the_limit_is_read(port):
    check(exchange(port, request(SOUND.ljust(MOST))), 200)


RAW = {
    "a length that is none": request(SOUND, headers={"Content-Length": "many"}, length=False),
    "a negative length": request(SOUND, headers={"Content-Length": "-1"}, length=False),
    "two lengths": request(SOUND, headers={"content-length": "3"}),
    "no host": request(method="GET", path="/ping", host=None),
    "two hosts": request(method="GET", path="/ping", headers={"host": "localhost"}),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a head of 100,000 bytes": request(method="GET", path="/ping", headers={"X": "x" * 100_000}),
    "1,000 headers": request(method="GET", path="/ping", headers={f"X{i}": "x" * 60 for i in range(1000)}),
    "a chunk without a size": chunked(end=b"zz\r\n"),
    "a line feed in a header": request(method="GET", path="/ping", headers={"X": "a\n b:c\0"}),
}


@pytest.mark.parametrize("case", RAW)
def test_what_is_no_http_is_told_so_and_closed(port, case):
    assert parsed(exchange(port, RAW[case]))[0] in (400, 431)


def test_a_request_behind_another_has_its_own_answer(port):
    first = request(SOUND, headers={"Connection": "keep-alive"})
    second = request(b'{"inputs": [[1]]}', headers={"Connection": "keep-alive"})
    received = exchange(port, first + second + request(SOUND))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"400", b"200"]


def test_nonsense_behind_a_request_changes_nothing_of_its_answer(port):
    received = exchange(
        port, request(SOUND, headers={"Connection": "keep-alive"}) + b"\x00\xff nonsense\r\n\r\n"
    )
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"400"]


@pytest.mark.parametrize("n", [0, 1, 30, 200, 230])
def test_who_leaves_early_harms_nobody(port, n):
    for _ in range(5):
        exchange(port, request(SOUND)[:n], then=lambda client: client.close(), timeout=0.5)
    check(exchange(port, request(SOUND)), 200)


def test_a_body_shorter_than_its_length_has_no_answer(port):
    whole = request(SOUND, headers={"Content-Length": len(SOUND) + 5}, length=False)
    assert exchange(port, whole, then=lambda client: client.shutdown(1)) == b""
