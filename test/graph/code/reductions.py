"""User code of the tests: needs no numpy."""

import os
import signal
import time


class Total:
    """Counts and adds."""

    ports = ["count", "sum"]

    def init(self, parameters):
        return {"count": 0, "sum": 0}

    def add(self, state, inputs, info):
        state["count"] += 1
        state["sum"] += inputs["value"]
        return state

    def merge(self, a, b):
        return {"count": a["count"] + b["count"], "sum": a["sum"] + b["sum"]}

    def output(self, state):
        return state


class PerStep(Total):
    """Starts anew at every step."""

    def transition(self, state, name):
        return self.init({}) if name == "BeginStep" else state


class Fails(Total):
    def add(self, state, inputs, info):
        if inputs["value"] % 3 == 0:
            raise ValueError("I do not like %r" % inputs["value"])
        return Total.add(self, state, inputs, info)


class Fatal(Total):
    """Dies at 5, hangs at 7."""

    def add(self, state, inputs, info):
        if inputs["value"] == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        if inputs["value"] == 7:
            time.sleep(3600)
        return Total.add(self, state, inputs, info)


class DiesAlways(Total):
    def add(self, state, inputs, info):
        os._exit(1)


class NotPlain(Total):
    def add(self, state, inputs, info):
        return {"when": object()}


class Samples:
    """The sum of waveforms, without numpy in the script."""

    ports = ["samples", "kind"]

    def init(self, parameters):
        return {"sums": [], "kind": parameters.get("kind", "none")}

    def add(self, state, inputs, info):
        value = inputs["value"]
        numbers = value.tolist()
        assert tuple(value.shape) == (len(numbers),)
        sums = state["sums"] or [0.0] * len(numbers)
        return {"sums": [a + b for a, b in zip(sums, numbers)], "kind": state["kind"]}

    def merge(self, a, b):
        return {"sums": [x + y for x, y in zip(a["sums"], b["sums"])], "kind": a["kind"]}

    def output(self, state):
        return state["sums"], state["kind"]


def twice(inputs, info):
    return None if inputs["value"] < 0 else 2 * inputs["value"]


def info(inputs, info):
    return [info["event"], info["heartbeat"], info["worker"]]


def same(inputs, info):
    """Whatever comes, goes back."""
    return inputs["value"]


def hangs_at_7(inputs, info):
    if inputs["value"] == 7:
        time.sleep(3600)
    return inputs["value"]


def talks(inputs, info):
    print("x" * 1000)
    return inputs["value"]
