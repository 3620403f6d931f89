"""
The process in which a source class runs: ``python -u -m daqpipe.mapreduce.source_child``, started by map-ingest. Questions come on
descriptor 3 and are answered on descriptor 4, each under its ``id``: one stream may wait for its detector while others go on.
"""

import asyncio
import sys
import threading
from typing import Any, Callable, Dict, Sequence, Set, Tuple

from . import host
from .channel import Channel
from .event import StreamData, stream_parts
from .ingester import IngesterSettings, IsSoftwareTriggered
from .running import accepted, describe, load

Answer = Tuple[Dict[str, Any], Sequence[bytes]]
_END = object()


class Script:
    """The class, and its object for the current map. What it raises is an answer, and ends nothing but the stream."""

    def __init__(self, path: str) -> None:
        self._cls = load(path)
        self._object: Any = None
        self._sources: Dict[str, Any] = {}
        self._trigger: Any = None
        self._tasks: Set["asyncio.Task[None]"] = set()

    def start(self, question: Dict[str, Any], send: Callable[..., None]) -> None:
        task = asyncio.ensure_future(self._answer(question, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: Dict[str, Any], send: Callable[..., None]) -> None:
        try:
            head, blobs = await getattr(self, "do_" + question["do"])(question)
        except asyncio.CancelledError:
            head, blobs = {"end": True}, ()
        except Exception as error:
            head, blobs = {"error": describe(error)}, ()
        send({"id": question["id"], **head}, blobs)

    async def do_begin(self, question: Dict[str, Any]) -> Answer:
        """A new object for a new map; generators of the old one are closed."""
        mine = asyncio.current_task()
        old = [task for task in self._tasks if task is not mine]
        for task in old:
            task.cancel()
        await asyncio.gather(*old, return_exceptions=True)
        for source in self._sources.values():
            if hasattr(source, "aclose"):
                try:
                    await source.aclose()
                except Exception as error:
                    sys.stderr.write("%s\n" % describe(error)["text"])
        self._sources, self._trigger = {}, None
        words = {"settings": IngesterSettings(question["streams"], question["name"])}
        self._object = accepted(self._cls, (), words)(**words)
        return {}, ()

    async def do_next(self, question: Dict[str, Any]) -> Answer:
        stream = question["stream"]
        source = self._sources.get(stream)
        if source is None:
            source = self._sources[stream] = self._object.run_source(stream)
        item = await _advance(source)
        if item is _END:
            return {"end": True}, ()
        if isinstance(item, IsSoftwareTriggered) or item is IsSoftwareTriggered:
            return {"triggered": True}, ()
        return _streams({stream: item})

    async def do_trigger(self, question: Dict[str, Any]) -> Answer:
        if self._trigger is None:
            self._trigger = self._object.software_trigger()
        trigger = self._trigger
        made = await _advance(trigger) if hasattr(trigger, "__anext__") else next(trigger, _END)
        return ({"end": True}, ()) if made is _END else _streams(made)


async def _advance(generator: Any) -> Any:
    """A generator that is not asynchronous may wait as long as it likes: it has a thread."""
    if not hasattr(generator, "__anext__"):
        return await asyncio.get_running_loop().run_in_executor(None, next, generator, _END)
    try:
        return await generator.__anext__()
    except StopAsyncIteration:
        return _END


def _streams(made: Dict[str, StreamData]) -> Answer:
    streams, frames = stream_parts(made)
    return {"streams": streams}, frames


async def _serve(channel: Channel, script: Script) -> None:
    """Until the other side closes."""
    loop = asyncio.get_running_loop()
    over: "asyncio.Future[None]" = loop.create_future()

    def read() -> None:
        try:
            while True:
                question, _ = channel.receive()
                loop.call_soon_threadsafe(script.start, question, channel.send)
        except (EOFError, OSError):
            loop.call_soon_threadsafe(over.set_result, None)

    threading.Thread(target=read, daemon=True).start()
    await over


def _begin(question: Dict[str, Any]) -> host.Begun:
    script = Script(question["path"])
    return {}, lambda channel: asyncio.run(_serve(channel, script))


if __name__ == "__main__":
    host.run(_begin)
