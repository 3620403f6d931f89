"""A worker whose events bring their fate: the first pixel says what happens. And reducers that die of certain sums."""

import os
import signal
import time

from daqpipe.mapreduce.middlewares import stream1

DIES, HANGS, RAISES, DIES_ONCE, SLOW = 60001, 60002, 60003, 60004, 60005


class Worker:
    def __init__(self, context=None, **kwargs):
        context["maps"] = context.get("maps", 0) + 1

    def process_event(self, event, parameters=None, *args, **kwargs):
        packet = stream1.parse(event.streams["det"])
        if packet.htype != "image":
            return None
        fate = int(packet.array().tolist()[0])
        if fate == DIES or (fate == DIES_ONCE and _first("worker")):
            os.kill(os.getpid(), signal.SIGKILL)
        if fate == HANGS:
            time.sleep(10000)
        if fate == RAISES:
            raise RuntimeError("as it was told")
        if fate == SLOW:
            time.sleep(0.02)
        return {"sum": fate}


class Reducer:
    def __init__(self, **kwargs):
        self.publish = {"sums": {}}

    def process_result(self, result, parameters=None):
        if result.payload["sum"] == DIES or (result.payload["sum"] == DIES_ONCE and _first("reducer")):
            os.kill(os.getpid(), signal.SIGKILL)
        self.publish["sums"][str(result.event_number)] = result.payload["sum"]


class Plain(Worker):
    def process_event(self, event, parameters=None, *args, **kwargs):
        packet = stream1.parse(event.streams["det"])
        if packet.htype != "image":
            return None
        time.sleep(0.01)
        return {"sum": int(packet.array().tolist()[0])}


def _first(name):
    """True once, over all processes of a test."""
    try:
        os.close(os.open("first-" + name, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False
