"""A TCP proxy that makes the network between a client and a server as bad as a test wants it.

with proxied(cluster.port) as network:
    kubeconfig = cluster.kubeconfig(url=network.url)
    network.delay = 0.2     # seconds more for each chunk, either way
    network.freeze()        # connections stay open and nothing arrives, until thaw()
    network.cut()           # connections are reset and new ones refused, until mend()
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

CHUNK = 65_536


class Network:
    """The way to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        self.accepted = 0
        self._target = port
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad-network", daemon=True)
        self._thread.start()
        self.port = 0
        self._server = self._run(self._listen())
        self.port = int(self._server.sockets[0].getsockname()[1])
        self.url = f"https://127.0.0.1:{self.port}"

    def freeze(self) -> None:
        self._run(self._set_flowing(flowing=False))

    def thaw(self) -> None:
        self._run(self._set_flowing(flowing=True))

    def cut(self) -> None:
        self._run(self._cut())

    def mend(self) -> None:
        self._server = self._run(self._listen())

    def close(self) -> None:
        self.cut()
        self._run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def _set_flowing(self, *, flowing: bool) -> None:
        if flowing:
            self._flowing.set()
        else:
            self._flowing.clear()

    async def _cut(self) -> None:
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _end_tasks(self) -> None:
        """Connections may wait in a frozen or slow network; they need not be waited for."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        ends = {writer}
        self._open |= ends
        # The server is down, one side was reset or this network ends: the other side is made to see the same.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                back, forth = await asyncio.open_connection("127.0.0.1", self._target)
                ends.add(forth)
                self._open.add(forth)
                await asyncio.gather(self._pump(reader, forth), self._pump(back, writer))
            finally:
                self._open -= ends
                for end in ends:
                    end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(CHUNK):
            await asyncio.sleep(self.delay)
            await self._flowing.wait()
            sink.write(chunk)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()


@contextlib.contextmanager
def proxied(port: int) -> Iterator[Network]:
    """A network to `port` for as long as the block lasts."""
    network = Network(port)
    try:
        yield network
    finally:
        network.close()
