"""The process: where it listens, how it ends, and what it keeps of a large request."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from lstmfcn.serving.guard import HostError, name_of
from lstmfcn.serving.server import ListenError, listen
from served import answer, request

PROGRAM = """
import sys, time
from lstmfcn.serving.server import Server, listen, serve
from served import model, probabilities

def graph(series):
    if float(series[0, 0, 0]) == 77:
        time.sleep(60)
    return probabilities(series)

listener = listen("127.0.0.1", 0)
server = Server(model(graph=graph))
print(listener.getsockname()[1], flush=True)
serve(server, listener)
"""


@contextmanager
def process():
    tests = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent / "src")])}
    command = [sys.executable, "-c", PROGRAM]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as server:
        try:
            yield server, int(server.stdout.readline())
        finally:
            server.kill()


def series(first, n=1):
    return {"inputs": [[first, *(float(i % 7) for i in range(19))]] * n}


def test_a_signal_ends_it_within_five_seconds_whatever_clients_do():
    """A request that computes for a minute, 100 slow clients, one that reads nothing; no word but those of
    the log, and the port is free."""
    with process() as (server, port):
        assert answer(port, series(1.0))[0] == 200
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(102)]
        for i, client in enumerate(clients[:100]):
            client.sendall(request(series(1.0))[: (0, 30, 200)[i % 3]])
        clients[100].sendall(request(series(1.0, 20_000)))
        clients[101].sendall(request(series(77.0)))
        time.sleep(0.3)
        server.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        assert server.wait(10) == 0
        assert time.monotonic() - begun < 5
        assert "Traceback" not in server.stderr.read()
        for client in clients:
            client.close()
        with listen("127.0.0.1", port):
            pass


def test_an_idle_one_ends_at_once_and_in_silence():
    with process() as (server, port):
        assert answer(port, series(1.0))[0] == 200
        server.send_signal(signal.SIGINT)  # Ctrl-C
        begun = time.monotonic()
        assert server.wait(10) == 0
        assert time.monotonic() - begun < 1.5
        assert server.stderr.read() == ""


def test_a_refusal_is_one_line_of_the_log():
    with process() as (server, port):
        assert answer(port, b"{}")[0] == 400
        assert answer(port, path="/a\tb%0a")[0] == 400  # a tab is no address in HTTP
        assert answer(port, path="/a%0ab")[0] == 404
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        lines = server.stderr.read().splitlines()
    assert len(lines) == 3
    assert "404 POST '/a\\nb': There is no such address" in lines[2]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is given back by glibc's malloc_trim"
)
def test_the_memory_of_a_large_request_is_given_back():
    """4 MiB of series, three times: less than 16 MiB stay, and the peak is a few times the body."""
    body = json.dumps({"inputs": [[0.123456789 * (i + 1) for i in range(20)]] * 9_000}).encode()
    with process() as (server, port):
        memory = psutil.Process(server.pid).memory_info
        assert answer(port, series(1.0))[0] == 200
        before = memory().rss
        for _ in range(3):
            assert answer(port, body)[0] == 200
        time.sleep(0.2)
        assert memory().rss - before < 16 * 2**20
        status = Path(f"/proc/{server.pid}/status").read_text()
        (peak,) = (int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))
        assert peak - before < 12 * len(body)


def test_a_port_in_use_is_named():
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ListenError, match=f"^Nothing can listen on 127.0.0.1, port {port}: address already"
        ):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a b", "", "x" * 80, "\xe4..", "256.256.256.256"])
def test_an_unknown_host_is_named(host):
    with pytest.raises(ListenError, match=r"^The host .* is not known"):
        listen(host, 0)


def test_another_machines_address_is_named():
    with pytest.raises(ListenError, match=r"^Nothing can listen on 192.0.2.1, port 5001: cannot assign"):
        listen("192.0.2.1", 5001)


def test_a_port_that_needs_privileges_is_named(monkeypatch):
    def denied(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", denied)
    with pytest.raises(ListenError, match=r"^Port 80 needs privileges. Name one from 1024"):
        listen("127.0.0.1", 80)


@pytest.mark.parametrize("name", ["http://a.example", "a.example:80", "a.example/", "a b", "", "[::1"])
def test_a_name_to_answer_to_that_is_none_is_refused(name):
    with pytest.raises(HostError, match="is no name of a host"):
        name_of(name)


@pytest.mark.parametrize(("host", "name"), [("::1", "[::1]"), ("[::1]", "[::1]"), ("A.Example", "a.example")])
def test_names_are_spelled_as_clients_do(host, name):
    assert name_of(host) == name
