"""
What an event costs in the Python runtime of drp-python: microseconds of this process per event, in batches of 64, with the link
replaced by memory. Each line is the least of several rounds, and a ratio to calling an empty Python function as often.

    python3 bench/drp_runtime.py [SECONDS PER LINE]
"""

import os
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "python")
sys.path[:0] = [ROOT, os.path.join(ROOT, "tests")]

from daqpipe import protocol as p  # noqa: E402
from daqpipe.functions import Functions  # noqa: E402
from daqpipe.settings import Settings  # noqa: E402
from daqpipe.stream import Stream  # noqa: E402
from daqpipe.xtc.arrays import numpy  # noqa: E402
from dgrams import L1, RAW, configure, data, dgram, event  # noqa: E402

BATCH = 64
SLOT = 1 << 20


class Memory:
    """A link that hands out the same request again and again."""

    def __init__(self):
        self.slot = memoryview(bytearray(SLOT))
        self.out = memoryview(bytearray(SLOT))
        self.left = 0
        self.count = 0

    def fill(self, dgrams):
        at = p.INPUT_PAYLOAD
        for i, bytes_ in enumerate(dgrams):
            self.slot[at:at + len(bytes_)] = bytes_
            p.INPUT_ENTRY.pack_into(self.slot, p.INPUT_TABLE + p.INPUT_ENTRY.size * i, at, len(bytes_), 0)
            at += len(bytes_)
        self.count = len(dgrams)

    def receive(self):
        self.left -= 1
        return p.Message(p.DGRAMS if self.left >= 0 else p.STOP, 0, 1, 0, 0, self.count, 0, 0)

    def input(self, message):
        return self.slot.toreadonly()

    def result(self, slot):
        return self.out

    def send(self, message, contents=b""):
        pass


ADD = "def configure(cfg):\n    global fex\n    fex = cfg.add('fex', sum='float64', n='uint32')\n"
SCRIPTS = [
    ("nothing", "def event(evt):\n    pass\n"),
    ("time", "def event(evt):\n    evt.time\n"),
    ("read one scalar", "def event(evt):\n    evt.det.raw.gain\n"),
    ("read one image", "def event(evt):\n    evt.det.raw.image\n"),
    ("add two scalars", ADD + "def event(evt):\n    evt.add(fex, sum=1.0, n=2)\n"),
    ("add two scalars, remove raw", ADD + "def event(evt):\n    evt.remove('raw')\n    evt.add(fex, sum=1.0, n=2)\n"),
    ("add scalar, array, text", ADD.replace("n='uint32'", "h=('uint32', 1), s='str'") +
     "import array\nh = array.array('I', range(16))\ndef event(evt):\n    evt.add(fex, sum=1.0, h=h, s='good')\n"),
    ("batch: nothing", "def process_batch(batch):\n    pass\n"),
    ("batch: stack images", "def process_batch(batch):\n    batch.stack('det.raw.image')\n"),
    ("batch: add two scalars", ADD + "def process_batch(batch):\n    n = batch.stack('det.raw.gain')\n"
     "    batch.add(fex, sum=n * 1.0 if np else [1.0] * len(n), n=[2] * len(n))\n"),
    ("batch: add two, remove raw", ADD + "def process_batch(batch):\n    n = batch.stack('det.raw.gain')\n"
     "    batch.remove('raw')\n    batch.add(fex, sum=n * 1.0 if np else [1.0] * len(n), n=[2] * len(n))\n"),
]


def microseconds(script, dgrams, seconds):
    link = Memory()
    stream = Stream(link, Settings("pipe", "bench", [], 1, SLOT, 65536, 65536, det_name="det"))
    names = {"np": numpy}
    exec(script, names)
    functions = Functions(names, "bench")
    best = float("inf")
    rounds = 20
    until = time.process_time() + seconds
    link.fill([configure()])
    link.left = 1
    functions.serve(stream)
    link.fill(dgrams)
    while time.process_time() < until:
        stream.pushed, link.left = None, rounds
        begin = time.process_time()
        functions.serve(stream)
        best = min(best, time.process_time() - begin)
    return best / rounds / len(dgrams) * 1e6


def empty_calls(seconds):
    def nothing(evt):
        pass

    best = float("inf")
    until = time.process_time() + seconds
    while time.process_time() < until:
        begin = time.process_time()
        for number in range(20000):
            nothing(number)
        best = min(best, time.process_time() - begin)
    return best / 20000 * 1e6


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.3
    reference = empty_calls(seconds)
    print("Python %d.%d.%d, %s; empty call %.3f us" % (sys.version_info[:3] + ("numpy " + numpy.__version__ if numpy else "no numpy", reference)))
    small = [event(n) for n in range(BATCH)]
    print("%-32s %8s %8s" % ("%d-byte dgrams, two blocks" % len(small[0]), "us", "ratio"))
    for name, script in SCRIPTS:
        spent = microseconds(script, small, seconds)
        print("  %-30s %8.2f %8.1f" % (name, spent, spent / reference))
    shapes = [dgram(L1, 1, data(RAW, image=[[1] * (n + 1)], gain=1), nsec=n) for n in range(BATCH)]
    spent = microseconds(SCRIPTS[3][1], shapes, seconds)
    print("  %-30s %8.2f %8.1f" % ("read one image, sizes differ", spent, spent / reference))


if __name__ == "__main__":
    main()
