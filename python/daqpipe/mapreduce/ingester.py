"""For source classes (``map-ingest --kind script``)."""

import logging
from typing import Any, Sequence

from .event import StreamData

__all__ = ["Ingester", "IngesterSettings", "IsSoftwareTriggered", "StreamData"]


class IsSoftwareTriggered(Exception):
    """Yielded by ``run_source`` instead of data: ``software_trigger`` makes the frames of this stream, event by event."""


class IngesterSettings:
    """What a source class is told."""

    def __init__(self, ingester_streams: Sequence[str] = (), ingester_name: str = "") -> None:
        self.ingester_streams = list(ingester_streams)
        self.ingester_name = ingester_name


class Ingester:
    """
    A source class may derive from this; it need not. One object is made per map.

    ``async def run_source(self, stream)`` yields :class:`StreamData`, one per frame, from the first to the last of a series.
    ``def software_trigger(self)`` yields ``{stream: StreamData}``, once per event that wants a frame of a software triggered stream.
    """

    def __init__(self, settings: Any = None) -> None:
        self._ingester_settings = IngesterSettings() if settings is None else settings
        self._logger = logging.getLogger(type(self).__name__)

    def software_trigger(self) -> Any:
        return iter(())

