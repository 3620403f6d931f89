"""Sum of every image, and a histogram of the sums: map-work sums:Sums, map-reduce sums:Histogram."""

from daqpipe.mapreduce.event import EventData, ResultData
from daqpipe.mapreduce.middlewares import stream1
from daqpipe.mapreduce.parameters import IntParameter


class Sums:
    """Worker: one result per image."""

    def __init__(self, parameters=None, context=None, **kwargs):
        context["maps"] = context.get("maps", 0) + 1

    @staticmethod
    def describe_parameters():
        return [IntParameter(name="threshold", description="smaller pixels count as 0", default=0)]

    def process_event(self, event: EventData, parameters=None, tick=False):
        packet = stream1.parse(event.streams["det"])
        if packet.htype != "image":
            return None
        threshold = parameters["threshold"].value
        pixels = packet.array()
        flat = pixels.ravel() if hasattr(pixels, "ravel") else pixels.data
        return {"sum": int(sum(int(x) for x in flat if x >= threshold))}


class Histogram:
    """Reducer: sums by event, and how often each lies in a bin of 100."""

    def __init__(self, parameters=None, **kwargs):
        self.publish = {"sums": {}, "counts": [0] * 20, "counts_attrs": {"bin": 100}, "total": 0}

    def process_result(self, result: ResultData, parameters=None):
        total = result.payload["sum"]
        self.publish["sums"][str(result.event_number)] = total
        self.publish["counts"][min(total // 100, 19)] += 1
        self.publish["total"] += total

    def finish(self, parameters=None):
        print("%d images, total %d" % (len(self.publish["sums"]), self.publish["total"]))
