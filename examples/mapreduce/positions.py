"""
A source in Python: map-ingest --kind script --upstream positions:Positions --stream stage --stream thermometer. The stage brings its own
frames; the thermometer is read once per event that wants it.
"""

import json

from daqpipe.mapreduce.event import StreamData
from daqpipe.mapreduce.ingester import IsSoftwareTriggered

POSITIONS = 20


class Positions:
    def __init__(self, settings=None):
        self._reads = 0

    async def run_source(self, stream):
        if stream == "thermometer":
            yield IsSoftwareTriggered()
            return
        yield frame("start")
        for number in range(POSITIONS):
            yield frame(number * 2)
        yield frame("end")

    def software_trigger(self):
        while True:
            self._reads += 1
            yield {"thermometer": frame(self._reads)}


def frame(value):
    return StreamData(typ="JSON", frames=[json.dumps(value).encode()])
