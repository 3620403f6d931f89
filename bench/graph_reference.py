"""Online analysis as Python programs of this kind do it: a dict of values per event, a call per node, numpy inside. For bench/graph.ts.

Prints the rate per CPU second of what is named: graphs scalars, waves, images; bare operations histogram, addSingle, addDouble, copy.
"""

import pickle
import sys
import time

import numpy as np

SECONDS = 0.8


class Node:
    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs

    def __call__(self, values):
        got = [values.get(name) for name in self.inputs]
        if any(value is None for value in got):
            return
        results = self.run(*got)
        for name, result in zip(self.outputs, results):
            values[name] = result


class Mean(Node):
    count, total = 0, None

    def run(self, value):
        if self.total is None:
            self.total = np.array(value, copy=True) if isinstance(value, np.ndarray) else value
        else:
            self.total += value
        self.count += 1
        return self.count, self.total


class Histogram(Node):
    total = None
    edges = np.linspace(0.0, 1.0, 101)

    def run(self, value):
        counts, _ = np.histogram(value, self.edges)
        self.total = counts if self.total is None else self.total + counts
        return self.edges, self.total


class Reduce(Node):
    def __init__(self, *names):
        super().__init__(*names)
        self.map = {}

    def run(self, key, value):
        self.map[key] = self.map[key] + value if key in self.map else value
        return (self.map,)


def graph(nodes, events, heartbeat):
    """:returns: events per CPU second"""
    count, begin = 0, time.process_time()
    while time.process_time() - begin < SECONDS:
        for values in events:
            values = dict(values)
            for node in nodes:
                node(values)
            count += 1
            if count % heartbeat == 0:
                pickle.dumps({name: values[name] for node in nodes for name in node.outputs}, protocol=5)
    return count / (time.process_time() - begin)


def bare(run):
    count, begin = 0, time.process_time()
    while time.process_time() - begin < SECONDS / 2:
        for _ in range(100):
            run(count)
            count += 1
    return count / (time.process_time() - begin)


def main(name):
    random = np.random.default_rng(1)
    edges = np.linspace(0.0, 1.0, 101)
    scalars = [{"x": float(random.random()), "key": int(random.integers(20))} for _ in range(1000)]
    images = [random.random((512, 512), dtype=np.float32) for _ in range(8)]
    if name == "scalars":
        nodes = [Mean(["x"], ["n", "s"]), Histogram(["x"], ["e", "h"]), Reduce(["key", "x"], ["m"])]
        return graph(nodes, scalars, 1000)
    if name == "waves":
        return graph([Mean(["w"], ["n", "s"])], [{"w": random.random(1000)} for _ in range(64)], 1000)
    if name == "images":
        return graph([Mean(["i"], ["n", "s"])], [{"i": image} for image in images], 100)
    if name == "histogram":
        return bare(lambda i: np.histogram(scalars[i % 1000]["x"], edges))
    into = np.zeros((512, 512), np.float64 if name == "addDouble" else np.float32)
    if name == "copy":
        return bare(lambda i: np.copyto(into, images[i % 8]))
    return bare(lambda i: np.add(into, images[i % 8], out=into))


if __name__ == "__main__":
    print(main(sys.argv[1]))
