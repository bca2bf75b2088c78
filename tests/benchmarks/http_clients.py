"""HTTP clients as a FHIR client would use them: many threads, one pool of kept-alive connections.

    python -m tests.benchmarks.http_clients [--connections 100] [--rate 300] [--seconds 5] [--delay-s 0.25]

Each client asks the same loopback server (a process of its own) for pages of 30 KB: at a fixed rate, which the
server's delay turns into that many connections at work, and as fast as it goes. All clients take their turn in one
run, and again in a second round; the better round of each counts. CPU is that of this process, a request.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import httpx2
import requests
import urllib3
from requests.adapters import HTTPAdapter

from include.connections.http.library_logs import quiet_library_logs
from tests.benchmarks.figures import machine, table

BODY = b'{"resourceType":"Bundle","type":"searchset","padding":"' + b"x" * 30_000 + b'"}'
Get = Callable[[], int]


@dataclass(frozen=True)
class Figures:
    rate: float
    """Requests a second that were answered."""
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    """From the moment that a request was due, so that waiting for a connection counts."""
    failed: int


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(delay_s)
            writer.write(head + BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve(delay_s: float) -> None:
    server = await asyncio.start_server(lambda r, w: _answer(r, w, delay_s), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def server(delay_s: float) -> Iterator[str]:
    """Its URL."""
    command = [sys.executable, "-m", "tests.benchmarks.http_clients", "--serve", str(delay_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/fhir/Patient?_count=100"
    finally:
        process.kill()
        process.wait()


@contextmanager
def by_httpx2(url: str, connections: int) -> Iterator[Get]:
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    with httpx2.Client(limits=limits, timeout=30) as client:
        yield lambda: len(client.get(url).content)


@contextmanager
def by_httpx(url: str, connections: int) -> Iterator[Get]:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    with httpx.Client(limits=limits, timeout=30) as client:
        yield lambda: len(client.get(url).content)


@contextmanager
def by_requests(url: str, connections: int) -> Iterator[Get]:
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=connections, pool_block=True))
        yield lambda: len(session.get(url, timeout=30).content)


@contextmanager
def by_urllib3(url: str, connections: int) -> Iterator[Get]:
    with urllib3.PoolManager(maxsize=connections, block=True, timeout=30) as pool:
        yield lambda: len(pool.request("GET", url).data)


CLIENTS = {"httpx2": by_httpx2, "httpx": by_httpx, "requests": by_requests, "urllib3": by_urllib3}


def measure(get: Get, threads: int, rate: float | None, seconds: float) -> Figures:
    """Open loop at `rate` a second; as fast as the threads go where it is None."""
    lock, due = threading.Lock(), [0]
    waits_ms: list[float] = []
    failed = [0]
    total = int((rate or 0) * seconds)
    begin = threading.Barrier(threads + 1)
    started = [0.0]

    def work() -> None:
        begin.wait()
        while True:
            with lock:
                number, due[0] = due[0], due[0] + 1
            at = started[0] + number / rate if rate else time.perf_counter()
            if number >= total if rate else at - started[0] >= seconds:
                return
            time.sleep(max(at - time.perf_counter(), 0))
            try:
                whole = get() == len(BODY)
            except Exception:  # noqa: BLE001 - whichever way a client fails, it is counted
                whole = False
            if whole:
                waits_ms.append(1000 * (time.perf_counter() - at))
            else:
                failed[0] += 1

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    started[0], cpu = time.perf_counter() + 0.01, time.process_time()
    begin.wait()
    for worker in workers:
        worker.join()
    wall, cpu = time.perf_counter() - started[0], time.process_time() - cpu
    waits_ms.sort()
    done = max(len(waits_ms), 1)
    at = [waits_ms[int(share * (len(waits_ms) - 1))] if waits_ms else 0.0 for share in (0.5, 0.99)]
    return Figures(len(waits_ms) / wall, 1000 * cpu / done, at[0], at[1], failed[0])


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--rate", type=float, default=300.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each figure")
    parser.add_argument("--delay-s", type=float, default=0.25, help="of the server's answer")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(_serve(arguments.serve))
        return
    quiet_library_logs()
    print(machine())
    head = ["client", "asked/s", "answered/s", "of httpx2", "CPU ms", "p50 ms", "p99 ms", "failed"]
    rows = []
    with server(arguments.delay_s) as url:
        for rate in (arguments.rate, None):
            best: dict[str, Figures] = {}
            for _ in range(2):
                for name, client in CLIENTS.items():
                    with client(url, arguments.connections) as get:
                        found = measure(get, arguments.connections, rate, arguments.seconds)
                    best[name] = max(best.get(name, found), found, key=lambda figures: figures.rate / figures.cpu_ms)
            for name, found in best.items():
                asked = f"{rate:g}" if rate else "as it goes"
                share = f"{found.rate / max(best['httpx2'].rate, 1e-9):.2f}"
                times = (f"{found.cpu_ms:.2f}", f"{found.p50_ms:.0f}", f"{found.p99_ms:.0f}")
                rows.append([name, asked, f"{found.rate:.0f}", share, *times, found.failed])
    print(table(head, rows))


if __name__ == "__main__":
    main()
