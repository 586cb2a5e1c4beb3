"""Load `lstmfcn serve`: requests a second and how long one takes, beside slow clients too; its memory."""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
from common import keep, load

SLOW = 100
"""Clients that send a byte a second of a head or of a body, or take no answer."""


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="GunPoint, or a folder that `lstmfcn pull GunPoint` made")
    parser.add_argument("--workspace", default=".", help="the study that has it")
    parser.add_argument("--port", type=int, default=5901)
    parser.add_argument("--seconds", type=float, default=8, help="of each turn")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "lstmfcn", "serve", arguments.model, "-w", arguments.workspace]
    with subprocess.Popen([*command, "--port", str(arguments.port)], stdout=subprocess.DEVNULL) as server:
        try:
            rows = asyncio.run(measure(arguments, psutil.Process(server.pid)))
        finally:
            begun = time.perf_counter()
            server.terminate()
            server.wait()
            print(f"ended in {time.perf_counter() - begun:.1f} s")
    table = pd.DataFrame(rows)
    keep(table, "load")
    print(table.to_string(index=False))


async def measure(arguments, server):
    """Return a row for each turn."""
    series, _ = load("GunPoint", "TEST")
    one, thousand = (request(arguments.port, np.resize(series[:, 0], (n, 150))) for n in (1, 1000))
    while not await answered(arguments.port, one):  # the first answers are slower, too
        await asyncio.sleep(0.5)
    rows = []
    for name, content in (("1 series", one), ("1,000 series", thousand)):
        for at_once in (1, 50, 200):
            for slow in (0, SLOW):
                before = megabytes(server)
                held = [asyncio.create_task(dawdle(arguments.port, one, i)) for i in range(slow)]
                begun = time.perf_counter()
                times, refused = await turn(arguments, content, at_once)
                seconds = time.perf_counter() - begun
                for task in held:
                    task.cancel()
                await asyncio.gather(*held, return_exceptions=True)
                await asyncio.sleep(1)
                rows.append(
                    {
                        "request": name,
                        "at once": at_once,
                        "slow clients": slow,
                        "answered a second": round(len(times) / seconds, 2),
                        "median, s": round(statistics.median(times), 3),
                        "p99, s": round(float(np.quantile(times, 0.99)), 3),
                        "refused (503)": refused,
                        "MiB before": before,
                        "MiB after": megabytes(server),
                    }
                )
                print(rows[-1], flush=True)
    return rows


async def turn(arguments, content, at_once):
    """Ask again and again for a while; return the seconds of each answer, and how many were refused."""
    end = time.perf_counter() + arguments.seconds
    times, refused = [], 0

    async def client():
        nonlocal refused
        while time.perf_counter() < end:
            begun = time.perf_counter()
            if await answered(arguments.port, content):
                times.append(time.perf_counter() - begun)
            else:
                refused += 1
                await asyncio.sleep(2)  # as Retry-After says

    await asyncio.gather(*(client() for _ in range(at_once)))
    return times, refused


async def answered(port, content):
    """Send a request on a connection of its own; return whether it was answered with 200."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(content)
        await writer.drain()
        answer = await reader.read()
        writer.close()
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200")


async def dawdle(port, content, number):
    """Be slow for ever, with new connections where the server closes one."""
    head = content.index(b"\r\n\r\n")
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            if number % 3 == 2:  # never reads what it asks for
                writer.write(content)
                await asyncio.sleep(60)
            begun = 0 if number % 3 else head + 4
            writer.write(content[:begun])
            for byte in content[begun:]:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        except OSError:
            await asyncio.sleep(0.1)


def request(port, series):
    """Return a request as it goes over the wire."""
    body = json.dumps({"inputs": series.astype(float).round(6).tolist()}).encode()
    head = (
        f"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def megabytes(process):
    """Return its resident memory in MiB."""
    return process.memory_info().rss // 2**20


if __name__ == "__main__":
    main()
