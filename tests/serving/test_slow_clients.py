"""Clients that take their time, or too much: they are let go, and others are answered meanwhile."""

import json
import socket
import threading
import time

import pytest

from served import answer, exchange, model, parsed, probabilities, request, served

GOOD = json.dumps({"inputs": [[float(i % 7) for i in range(20)]]}).encode()
HALF = 0.5


@pytest.fixture(scope="module")
def port():
    with served(model(), head=HALF, pause=HALF, whole=2 * HALF, connections=60) as port:
        yield port


def seconds(port, *pieces, pause=0.0):
    """Return the status of the answer (None if there is none), and when the server closed."""
    begun = time.monotonic()
    received = exchange(port, *pieces, pause=pause)
    return parsed(received)[0] if received else None, time.monotonic() - begun


WHOLE = request(GOOD)
HEAD, BODY = WHOLE[: -len(GOOD)], WHOLE[-len(GOOD) :]
DRIPPED = [bytes([byte]) for byte in WHOLE]

SLOW = {
    "says nothing": ([], 0, None),
    "half a head": ([HEAD[:30]], 0, None),
    "a head in drips": (DRIPPED[:10], 0.15, None),
    "no body": ([HEAD], 0, 408),
    "half a body": ([HEAD, BODY[:9]], 0, 408),
    "a body in drips": ([HEAD, *DRIPPED[-len(BODY) :][:9]], 0.2, "closed"),
    "a second head that does not come": (
        [request(GOOD, headers={"Connection": "keep-alive"}), b"POST"],
        0,
        200,
    ),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_slow_client_is_let_go_in_time(port, case):
    pieces, pause, status = SLOW[case]
    found, took = seconds(port, *pieces, pause=pause)
    if status != "closed":  # whoever still sends when the server closes may lose its answer
        assert found == status
    assert 0.9 * HALF <= took < 5 * HALF


@pytest.fixture
def large():
    """A server whose answers are larger than what the system keeps for a client."""
    with served(model((1, 3)), pause=HALF, whole=2 * HALF) as port:
        yield port


def test_a_client_that_never_reads_is_let_go(large, caplog):
    body = {"inputs": [[1.5, 2.5, 3.5]] * 90_000}
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", large))
        client.sendall(request(body))
        deadline = time.monotonic() + 8
        while not any("too slowly" in record.getMessage() for record in caplog.records):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_fifty_slow_clients_keep_nobody_waiting(port):
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    try:
        for i, client in enumerate(slow):
            client.sendall([HEAD[:30], HEAD, HEAD + BODY[:9]][i % 3])
        begun = time.monotonic()
        assert answer(port, GOOD)[0] == 200
        assert time.monotonic() - begun < HALF
    finally:
        for client in slow:
            client.close()


def test_one_client_too_many_is_sent_away_and_comes_back_later(port):
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
    try:
        status, headers, _ = parsed(exchange(port))
        assert (status, headers["retry-after"]) == (503, "2")
    finally:
        for client in held:
            client.close()
    time.sleep(0.1)
    assert answer(port, GOOD)[0] == 200


def waiting(graph_may_go, **limits):
    def graph(series):
        assert graph_may_go.wait(10)
        return probabilities(series)

    return served(model(graph=graph), **limits)


def ask_at_once(port, bodies):
    """Send requests at once; return a list that fills with the answers, and the threads."""
    answers = []
    threads = [threading.Thread(target=lambda b=b: answers.append(answer(port, b))) for b in bodies]
    for thread in threads:
        thread.start()
    return answers, threads


@pytest.mark.parametrize(
    ("limits", "bodies"),
    [
        ({"requests": 3}, [GOOD] * 8),
        ({"body": 3_000, "bodies": 2}, [GOOD.ljust(2_000)] * 8),
    ],
)
def test_more_work_than_fits_is_sent_away_with_a_time_to_come_back(limits, bodies):
    """Three small requests fit, or three of 2,000 bytes in 6,000; what is done makes room."""
    go = threading.Event()
    with waiting(go, **limits) as port:
        answers, threads = ask_at_once(port, bodies)
        deadline = time.monotonic() + 5
        while len(answers) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [(status, headers["retry-after"]) for status, headers, _ in answers] == [(503, "2")] * 5
        assert answer(port, method="GET", path="/ping")[0] == 200
        go.set()
        for thread in threads:
            thread.join()
        assert sorted(status for status, *_ in answers) == [200] * 3 + [503] * 5
        assert answer(port, GOOD)[0] == 200


def test_a_small_request_passes_a_large_one():
    """A batch of each is computed in turn."""
    computed = []

    def graph(series):
        computed.append(len(series))
        time.sleep(0.02)
        return probabilities(series)

    with served(model(graph=graph)) as port:
        answers, (large,) = ask_at_once(port, [{"inputs": json.loads(GOOD)["inputs"] * 256 * 40}])
        while len(computed) < 3:
            time.sleep(0.01)
        assert answer(port, GOOD)[0] == 200
        assert not answers
        large.join()
    assert computed.index(1) < len(computed) - 10


def test_what_nobody_waits_for_is_not_computed():
    computed = []

    def graph(series):
        computed.append(len(series))
        time.sleep(0.02)
        return probabilities(series)

    with served(model(graph=graph)) as port:
        body = {"inputs": json.loads(GOOD)["inputs"] * 256 * 100}
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(request(body))
            while not computed:
                time.sleep(0.01)
        time.sleep(0.3)
        n = len(computed)
        time.sleep(0.2)
        assert len(computed) == n < 100
