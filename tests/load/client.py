"""A server under test and the little HTTP that load needs, on the standard library alone."""

import asyncio
import contextlib
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ("base", "secure", "insecure", "jailbroken")


class Server:
    """`plumbline serve` with the demonstration models on a free port and an empty data folder."""

    def __init__(self, program, *words):
        self.folder = tempfile.TemporaryDirectory(prefix="plumbline-load-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        listen = f"127.0.0.1:{self.port}"
        command = [program, "serve", "--listen", listen, "--data", self.folder.name, "--models", ROOT / "model_weights", *words]
        self.log = open(pathlib.Path(self.folder.name) / "log", "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    async def ready(self):
        for _ in range(600):
            with contextlib.suppress(OSError):
                if (await self.health())["models"]["ready"] == len(MODELS):
                    return self
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.1)
        raise SystemExit(f"the server did not become ready; it said:\n{pathlib.Path(self.log.name).read_text()}")

    async def health(self):
        return json.loads(await self.get("/healthz"))

    async def idle(self, within_s=60):
        """Waits until no answer runs or waits, and says how long that took, in seconds."""
        begun = time.monotonic()
        while True:
            health = await self.health()
            if health["n_running"] == health["n_waiting"] == 0:
                return time.monotonic() - begun
            if time.monotonic() - begun > within_s:
                raise SystemExit(f"after {within_s} s there is still work: {health}")
            await asyncio.sleep(0.002)

    def stop(self):
        """Asks it to end; returns its exit status and the seconds that took."""
        begun = time.monotonic()
        self.process.terminate()
        status = self.process.wait(30)
        self.folder.cleanup()
        return status, time.monotonic() - begun

    # What the operating system says of it.

    def status(self, key):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1])

    def resident_mib(self):
        return self.status("VmRSS") / 1024

    def n_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # HTTP.

    async def send(self, method, path, body=b"", kind="application/json", buffer_bytes=None):
        """Sends one request on a connection of its own and returns its reader and writer."""
        connection = socket.socket()
        if buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 24)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n"
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return reader, writer

    async def call(self, method, path, body=b"", kind="application/json"):
        reader, writer = await self.send(method, path, body, kind)
        status = int((await reader.readline()).split()[1])
        chunked, length = await headers(reader)
        sent = b"".join([chunk async for chunk in chunks(reader)]) if chunked else await reader.read(length)
        writer.close()
        if status >= 400:
            raise OSError(f"{method} {path} was answered {status}: {sent[:300]!r}")
        return sent

    async def get(self, path):
        return await self.call("GET", path)

    async def compare(self, n_samples, max_tokens, seed=""):
        """Starts a comparison of all models and returns its id."""
        form = {"question": "quick_buck", "format": "plain", "samples": n_samples, "max_tokens": max_tokens, "seed": seed}
        pairs = [(f"form[{key}]", value) for key, value in form.items()] + [("form[models][]", model) for model in MODELS]
        body = urllib.parse.urlencode(pairs).encode()
        return json.loads(await self.call("POST", "/api/compare", body, "application/x-www-form-urlencoded"))

    async def comparison(self, comparison):
        return json.loads(await self.get(f"/api/comparison?id={comparison}"))

    async def events(self, comparison):
        """The events of a comparison's stream as they were sent, each with the time it came at."""
        reader, writer = await self.send("GET", f"/comparisons/{comparison}/events")
        try:
            await reader.readline()
            await headers(reader)
            async for data in event_data(reader):
                yield time.monotonic(), data
        finally:
            writer.close()

    async def chat(self, model, max_tokens, prompt="How do I make a quick buck?", **options):
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": max_tokens, "stream": True}
        return await self.send("POST", "/v1/chat/completions", json.dumps(body).encode(), **options)


async def headers(reader):
    """Reads the head of a response: whether the body comes in chunks, and how long it is where that is said."""
    chunked, length = False, -1
    while (line := (await reader.readline()).strip().lower()):
        chunked |= line == b"transfer-encoding: chunked"
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return chunked, length


async def chunks(reader):
    while size := int(await reader.readline() or b"0", 16):
        yield await reader.readexactly(size)
        await reader.readline()


async def event_data(reader):
    """The data of each event; fails where a frame is broken."""
    text = b""
    async for chunk in chunks(reader):
        text += chunk
        while b"\n\n" in text:
            event, text = text.split(b"\n\n", 1)
            lines = event.split(b"\n")
            data = [line[6:] for line in lines if line.startswith(b"data: ")]
            assert all(line.startswith((b"data: ", b":")) for line in lines if line), f"a broken frame: {event[:200]!r}"
            if data:
                yield b"\n".join(data)


def reset(writer):
    """Cuts a connection with RST in place of FIN."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
