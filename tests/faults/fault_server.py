# SPDX-License-Identifier: BSD-2-Clause
"""Faults of the servers: Kafka nodes and Elasticsearch killed or standing still for a while."""
import time

from fault import Fault, fault


class Server(Fault):
    """One server away at a time; `kind` names what it is."""

    gap = (0.3, 2.0)
    longest = 4.0  # seconds

    def names(self, run):
        return [n for n in run.bench.names if n.startswith(self.kind)]

    def draw(self, rng):
        return {"which": rng.random(), "away": rng.uniform(0.1, self.longest)}

    def strike(self, run, which, away):
        names = self.names(run)
        name = names[int(which * len(names))]
        self.take(run, name)
        run.pause(away)
        self.give_back(run, name)
        run.recovered(time.monotonic())

    def heal(self, run):
        for name in self.names(run):
            if name in run.bench.down:
                self.give_back(run, name)


class Killed(Server):
    def take(self, run, name):
        run.bench.kill(name)
        run.result.kills += 1

    def give_back(self, run, name):
        run.bench.start(name)


class Paused(Server):
    def take(self, run, name):
        run.bench.pause(name)

    def give_back(self, run, name):
        run.bench.resume(name)


@fault
class BrokerKill(Killed):
    name, kind, needs = "broker-kill", "kafka", {"broker"}


@fault
class BrokerPause(Paused):
    name, kind, needs = "broker-pause", "kafka", {"broker"}


@fault
class SearchKill(Killed):
    name, kind, needs = "es-kill", "elasticsearch", {"es"}


@fault
class SearchDead(Fault):
    """Killed for long (--away), with a full topic behind it: memory stays in its bounds, the consumer in its group."""

    name, needs = "es-dead", {"es", "group"}
    gap = (1.0, 2.0)
    alone = True
    FULL = 300000  # records

    def strike(self, run):
        run.bench.kill("elasticsearch")
        run.feed.pause()
        for _ in range(0, self.FULL, 3000):
            run.source.put(3000)
        run.feed.resume()
        run.pause(run.away)
        run.outage_peak = run.watch.peak
        assert run.outage_peak <= run.budget + (24 << 20), f"{run.outage_peak / (1 << 20):.1f} MiB resident during the outage"
        assert len(run.bench.kafka.members(run.name)) == 1 and "revoked" not in run.running.err, run.running.err
        self.heal(run)
        run.recovered(time.monotonic())

    def heal(self, run):
        if "elasticsearch" in run.bench.down:
            run.bench.start("elasticsearch")


@fault
class SearchPause(Paused):
    name, kind, needs = "es-pause", "elasticsearch", {"es"}
