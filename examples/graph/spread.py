"""Mean and standard deviation of every sample of a waveform, with numpy; two sets are merged by the pairwise rule of Chan et al."""

import numpy as np


class Spread:
    ports = ["mean", "std"]

    def init(self, parameters):
        return {"count": 0, "mean": np.zeros(0), "m2": np.zeros(0)}

    def add(self, state, inputs, info):
        one = np.asarray(inputs["value"], dtype=float)
        return self.merge(state, {"count": 1, "mean": one, "m2": np.zeros(one.shape)})

    def merge(self, a, b):
        if a["count"] == 0 or b["count"] == 0:
            return b if a["count"] == 0 else a
        count = a["count"] + b["count"]
        distance = b["mean"] - a["mean"]
        return {
            "count": count,
            "mean": a["mean"] + distance * (b["count"] / count),
            "m2": a["m2"] + b["m2"] + distance**2 * (a["count"] * b["count"] / count),
        }

    def output(self, state):
        return {"mean": state["mean"], "std": np.sqrt(state["m2"] / max(state["count"], 1))}
