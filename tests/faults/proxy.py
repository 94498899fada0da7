# SPDX-License-Identifier: BSD-2-Clause
"""A TCP proxy on 127.0.0.1 that cuts, delays and throttles: one thread with its own loop, one Proxy per server."""
import asyncio
import threading
import time

CHUNK = 1 << 16


class Loop:
    """The thread that all proxies run on."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)


class Proxy:
    """Listens on `port` (0: any) and passes everything on to `target`, a port of this machine.

    Settings hold for open and new connections alike; heal() puts them back."""

    def __init__(self, loop, target, port=0):
        self.loop, self.target = loop, target
        self.writers = set()
        self.heal()
        server = loop.call(asyncio.start_server(self.accept, "127.0.0.1", port))
        self.port = server.sockets[0].getsockname()[1]

    def heal(self):
        self.refusing = False  # new connections end at once
        self.delay = 0.0  # seconds that each piece waits, in both directions
        self.rate = 0  # bytes a second and direction; 0: no limit

    def cut(self, refuse=False):
        """Resets every connection; with `refuse` new ones too, until heal()."""
        self.refusing = refuse
        self.loop.call(self.abort_all())

    async def abort_all(self):
        for writer in list(self.writers):
            writer.transport.abort()

    async def accept(self, reader, writer):
        other = None
        self.writers.add(writer)
        try:
            if not self.refusing:
                back, other = await asyncio.open_connection("127.0.0.1", self.target)
                self.writers.add(other)
                await asyncio.gather(self.pump(reader, other), self.pump(back, writer))
        except OSError:
            pass  # either side is gone: so is the other
        finally:
            for w in (writer, other):
                if w:
                    self.writers.discard(w)
                    w.transport.abort()

    async def pump(self, reader, writer):
        """Bytes of one direction, to its end.  The delay is that of a long line: it does not make the line thinner."""
        queue = asyncio.Queue(maxsize=64)
        await asyncio.gather(self.take(reader, queue), self.give(queue, writer))

    async def take(self, reader, queue):
        data = b"x"
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            await queue.put((time.monotonic() + self.delay, data))

    async def give(self, queue, writer):
        broken = False
        while True:
            due, data = await queue.get()
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if not data:
                break
            if broken:
                continue  # emptied, so that take() comes to its end
            broken = not await self.send(writer, data)
        if writer.can_write_eof() and not broken:
            writer.write_eof()

    async def send(self, writer, data):
        step = len(data)
        while data:
            step = min(len(data), max(self.rate // 50, 1)) if self.rate else len(data)
            try:
                writer.write(data[:step])
                await writer.drain()
            except OSError:
                return False
            if self.rate:
                await asyncio.sleep(step / self.rate)
            data = data[step:]
        return True
