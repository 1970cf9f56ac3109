#!/usr/bin/env python3
"""Puts the released program under load and says what became of it.

    tests/load/load.py cuts    --cycles 10000        clients that leave in the middle: no slot may stay busy
    tests/load/load.py slow    --clients 50          clients that read a byte a second: the others must not notice
    tests/load/load.py readers --clients 1000 --minutes 10   readers of event streams: nothing lost, nothing late
    tests/load/load.py idle                          memory, threads and processor time of a server nobody uses
    tests/load/load.py soak    --minutes 60          everything at once, for long: memory and files must stay flat

Each prints its figures as it goes and ends with status 1 where a bound is broken. `make build` comes first.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import statistics
import sys
import time

from client import MODELS, ROOT, Server, event_data, headers, reset

BROKEN = []


def check(what, value, bound, unit=""):
    """Prints a figure beside the bound it must not exceed."""
    is_kept = value <= bound
    print(f"{'ok  ' if is_kept else 'FAIL'} {what}: {value:.4g} {unit} (at most {bound:g})", flush=True)
    if not is_kept:
        BROKEN.append(what)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def leave(server, rng):
    """Asks for a long answer and leaves, half the time before its first token; by FIN or by RST."""
    reader, writer = await server.chat(rng.choice(MODELS), 1500, prompt="Say something long. " * rng.choice((1, 40)))
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        if rng.random() < 0.5:
            await asyncio.sleep(rng.uniform(0, 0.03))
        else:
            await reader.readexactly(rng.randrange(300, 3000))
    if rng.random() < 0.5:
        writer.close()
    else:
        reset(writer)


async def cuts(server, options):
    """Waves of clients that leave; after each the time until every slot is free again."""
    rng, freed_ms, wave = random.Random(7), [], 16
    for n_done in range(0, options.cycles, wave):
        await asyncio.gather(*(leave(server, rng) for _ in range(wave)))
        freed_ms.append(1e3 * await server.idle())
        if n_done == 1008:
            warm_mib = server.resident_mib()
        if n_done % 1008 == 0:
            print(f"     {n_done} cut, {server.resident_mib():.1f} MiB, {server.n_files()} files", flush=True)
    check("time until all slots of a wave are free, p99", percentile(freed_ms, 0.99), 250, "ms")
    if options.cycles > 1008:
        check("resident memory gained since the first 1,000", server.resident_mib() - warm_mib, 10, "MiB")


async def gaps(server, n_tokens):
    """Times between the chunks of one stream that reads as fast as it can, in seconds."""
    reader, writer = await server.chat("base", n_tokens)
    await reader.readline()
    await headers(reader)
    times = [time.monotonic() async for _ in event_data(reader)]
    writer.close()
    return [later - earlier for earlier, later in zip(times, times[1:])]


async def crawl(server, until):
    """A client with a small buffer that takes one byte a second."""
    reader, writer = await server.chat(random.choice(MODELS), 200, buffer_bytes=2048)
    reader._limit = 1  # The standard reader would take everything in by itself.
    with contextlib.suppress(asyncio.CancelledError, ConnectionError):
        while not until.is_set():
            await reader.read(1)
            await asyncio.sleep(1)
    writer.close()


async def slow(server, options):
    # Most chunks come in one packet with others, so the median of single gaps would say nothing.
    async def mean_gap():
        return statistics.median([statistics.mean(await gaps(server, 100)) for _ in range(40)])

    await mean_gap()
    before_mib, before = server.resident_mib(), await mean_gap()
    until = asyncio.Event()
    clients = [asyncio.create_task(crawl(server, until)) for _ in range(options.clients)]
    await server.idle()  # Their answers are written; only their reading goes on.
    during = await mean_gap()
    check("time between tokens of another reader, against without", during / before, 1.05, "times")
    check("resident memory for the slow clients", server.resident_mib() - before_mib, 20, "MiB")
    until.set()
    await asyncio.gather(*clients)


class Reader:
    """Joins what one event stream brings, and finds gaps and repetitions."""

    def __init__(self):
        self.texts, self.misfits, self.arrivals = {}, 0, {}

    def take(self, at, event):
        if event == "End":
            return
        for answer in [it for column in event.get("Whole", {}).get("columns", []) for it in column["answers"]]:
            self.texts[answer["id"]] = answer["text"]
        for piece in event.get("Pieces", []):
            text = self.texts.get(piece["answer"], "")
            self.misfits += len(text.encode()) != piece["from"]
            self.texts[piece["answer"]] = text + piece["text"]
            self.arrivals[piece["answer"], piece["from"] + len(piece["text"].encode())] = at


async def read_all(server, comparison):
    """Reads a stream to its end. What it brought is understood only afterwards, so as to read as fast as one can."""
    events = [arrival async for arrival in server.events(comparison)]
    reader = Reader()
    for at, data in events:
        reader.take(at, json.loads(data))
    return reader


async def readers(server, options):
    """Everybody reads the same comparisons, one after the other, until the time is over."""
    before_mib, before_files = server.resident_mib(), server.n_files()
    end = time.monotonic() + 60 * options.minutes
    lags_ms, misfits, unequal, peak_mib, n_rounds = [], 0, 0, 0, 0
    while time.monotonic() < end:
        comparison = await server.compare(8, 600)
        tasks = [asyncio.create_task(read_all(server, comparison)) for _ in range(options.clients)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0.2)
            peak_mib = max(peak_mib, server.resident_mib())
        read = [task.result() for task in tasks]
        kept = {it["id"]: it["text"] for column in (await server.comparison(comparison))["columns"] for it in column["answers"]}
        misfits += sum(reader.misfits for reader in read)
        unequal += sum(reader.texts != kept for reader in read)
        first = collections.defaultdict(lambda: float("inf"))
        for reader in read:
            for place, at in reader.arrivals.items():
                first[place] = min(first[place], at)
        lags_ms += [1e3 * (at - first[place]) for reader in read for place, at in reader.arrivals.items()]
        n_rounds += 1
    print(f"     {n_rounds} comparisons, {len(lags_ms)} arrivals at {options.clients} readers", flush=True)
    check("gaps and repetitions", misfits, 0)
    check("readers whose text is not the saved one", unequal, 0)
    check("lag behind the first reader of the same place, p99", percentile(lags_ms, 0.99), 250, "ms")
    check("resident memory gained at the peak", peak_mib - before_mib, 32, "MiB")
    await asyncio.sleep(5)
    check("files left open after 5 s", server.n_files() - before_files, 0)


async def idle(server, _options):
    await asyncio.gather(*(gaps(server, 100) for _ in range(8)))
    await server.idle()
    await asyncio.sleep(2)
    cpu, begun = server.cpu_seconds(), time.monotonic()
    await asyncio.sleep(20)
    share = 100 * (server.cpu_seconds() - cpu) / (time.monotonic() - begun)
    print(f"     {server.resident_mib():.0f} MiB resident, {server.status('Threads')} threads, {server.n_files()} files")
    check("processor time while idle", share, 1, "% of one core")


async def forever(end, act):
    while time.monotonic() < end:
        await act()


async def soak(server, options):
    """Chats, chats left in the middle, comparisons with readers who come and go, pages; every ten seconds a look."""
    rng, end, counts = random.Random(7), time.monotonic() + 60 * options.minutes, collections.Counter()

    async def chat():
        await gaps(server, rng.randrange(20, 300))
        counts["chats"] += 1

    async def leaver():
        await leave(server, rng)
        counts["left"] += 1
        await asyncio.sleep(rng.uniform(0, 0.5))

    async def compare():
        comparison = await server.compare(rng.randrange(1, 5), rng.randrange(20, 200))
        read = await asyncio.gather(*(read_all(server, comparison) for _ in range(3)))
        counts["misfits"] += sum(reader.misfits for reader in read)
        counts["comparisons"] += 1

    async def page():
        await server.get(rng.choice(("/", "/history", "/comparisons/1", "/v1/models")))
        counts["pages"] += 1
        await asyncio.sleep(0.05)

    acts = [chat, chat, leaver, leaver, compare, page]
    tasks = [asyncio.create_task(forever(end, act)) for act in acts]
    samples = []
    while time.monotonic() < end:
        await asyncio.sleep(10)
        samples.append((time.monotonic() / 3600, server.resident_mib(), server.n_files()))
        if len(samples) % 30 == 0:
            print(f"     {samples[-1][1]:.1f} MiB, {samples[-1][2]} files, {dict(counts)}", flush=True)
    await asyncio.gather(*tasks)
    await server.idle()
    print(f"     {dict(counts)}")
    settled = samples[len(samples) // 4 :]  # What grows while caches fill is not a leak.
    hours, mib, files = zip(*settled)
    check("slope of resident memory", statistics.linear_regression(hours, mib).slope, options.slope, "MiB/h")
    check("slope of open files", statistics.linear_regression(hours, files).slope, 1, "files/h")
    check("pieces that did not fit", counts["misfits"], 0)


async def run(options):
    server = await Server(options.program, *options.words).ready()
    print(f"{options.what}: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    try:
        await options.act(server, options)
        await server.idle()
    finally:
        status, seconds = server.stop()
    check("exit status", status, 0)
    check("time to shut down", seconds, 10, "s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "target/release/plumbline")
    what = parser.add_subparsers(dest="what", required=True)
    for act in (cuts, slow, readers, idle, soak):
        sub = what.add_parser(act.__name__)
        sub.set_defaults(act=act)
        sub.add_argument("--cycles", type=int, default=10_000)
        sub.add_argument("--clients", type=int, default=50 if act is slow else 1000)
        sub.add_argument("--minutes", type=float, default=10 if act is readers else 60)
        sub.add_argument("--slope", type=float, default=1, help="MiB per hour that the memory may grow")
        sub.add_argument("words", nargs="*", help="more words for `plumbline serve`")
    asyncio.run(run(parser.parse_args()))
    sys.exit(bool(BROKEN))


if __name__ == "__main__":
    main()
