# SPDX-License-Identifier: BSD-2-Clause
"""Faults of the network between weir and the servers; the bench's own clients go around the proxies."""
import time

from fault import Fault, fault


class Net(Fault):
    needs = {"net"}
    gap = (0.1, 1.0)

    def proxies(self, run):
        for name, proxy in run.bench.proxies.items():
            if ("broker" if name.startswith("kafka") else "es") in run.lane.parts:
                yield proxy

    def heal(self, run):
        for proxy in self.proxies(run):
            proxy.heal()


@fault
class Cut(Net):
    """Every connection is reset, and for a while, perhaps, new ones too."""

    name = "cut"

    def draw(self, rng):
        return {"away": rng.choice([0, rng.uniform(0.05, 3)])}

    def strike(self, run, away):
        for proxy in self.proxies(run):
            proxy.cut(refuse=away > 0)
        run.pause(away)
        self.heal(run)
        run.recovered(time.monotonic())


@fault
class Delay(Net):
    name = "delay"

    def draw(self, rng):
        return {"each": rng.uniform(0.01, 0.4), "lasting": rng.uniform(1, 4)}

    def strike(self, run, each, lasting):
        for proxy in self.proxies(run):
            proxy.delay = each
        run.pause(lasting)
        self.heal(run)
        run.recovered(time.monotonic())


@fault
class Thin(Net):
    """So many bytes a second, far fewer than are fed; connections may be cut in the midst of a request."""

    name = "thin"

    def draw(self, rng):
        return {"rate": int(rng.uniform(2e3, 2e5)), "lasting": rng.uniform(1, 4), "cut": rng.random() < 0.5}

    def strike(self, run, rate, lasting, cut):
        for proxy in self.proxies(run):
            proxy.rate = rate
        run.pause(lasting)
        self.heal(run)
        for proxy in self.proxies(run):
            if cut:
                proxy.cut()
        run.recovered(time.monotonic())
