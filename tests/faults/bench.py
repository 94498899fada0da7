# SPDX-License-Identifier: BSD-2-Clause
"""What all runs share: the real servers of tests/services, clients that look at them, and the proxies before them."""
import os
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from confluent_kafka import KafkaException  # noqa: E402
from lib.es import Search  # noqa: E402
from lib.kafka import Kafka  # noqa: E402
from lib.services import Services  # noqa: E402
from lib.wait import until  # noqa: E402
from proxy import Loop, Proxy  # noqa: E402


class Bench:
    """Servers are started by us, or found up in the run folder $WEIR_SERVICES."""

    def __init__(self, build, names):
        os.environ["WEIR"] = str(build / "weir")
        os.environ["WEIR_PLUGIN_PATH"] = str(build / "plugins" / "built")
        self.services = Services(names)
        if names:
            self.services.up()
            found = pathlib.Path(self.services.dir).glob("*/port")
            self.names = sorted(p.parent.name for p in found)
        else:
            self.names = []
        self.nodes = [n for n in self.names if n.startswith("kafka")]
        self.kafka = Kafka(self.services.of("kafka")) if self.nodes else None
        self.es = Search(self.services.of("elasticsearch")) if "elasticsearch" in self.names else None
        # What was acknowledged must outlive the node that did it.
        self.topic_options = {"min_insync_replicas": 2} if len(self.nodes) > 2 else {}
        self.proxies = {}
        self.down = set()  # servers that are killed or stand still now

    def port(self, name, which="port"):
        return int(pathlib.Path(self.services.dir, name, which).read_text())

    def proxy_all(self):
        """One proxy before each server; Kafka sends its clients there by itself."""
        loop = Loop()
        for name in self.nodes:
            self.proxies[name] = Proxy(loop, self.port(name, "port3"), self.port(name, "port4"))
        if self.es:
            self.proxies["elasticsearch"] = Proxy(loop, self.port("elasticsearch"))

    def brokers(self, proxied):
        return ",".join(f"127.0.0.1:{self.proxies[n].port if proxied else self.port(n)}" for n in self.nodes)

    def url(self, proxied):
        return f"http://127.0.0.1:{self.proxies['elasticsearch'].port if proxied else self.port('elasticsearch')}"

    def kill(self, name):
        self.down.add(name)
        self.services.kill(name)

    def start(self, name):
        """Returns when it answers."""
        self.services.start(name)
        self.down.discard(name)

    def pause(self, name):
        self.down.add(name)
        for pid in self.services.pids(name):
            os.kill(pid, signal.SIGSTOP)

    def resume(self, name):
        """Returns when it answers."""
        for pid in self.services.pids(name):
            os.kill(pid, signal.SIGCONT)
        until(lambda: self.answers(name), f"{name} answers", 120)
        self.down.discard(name)

    def answers(self, name):
        try:
            if name == "elasticsearch":
                return self.es.http.get(f"{self.es.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5).ok
            return self.kafka.admin.list_topics(timeout=5)
        except (OSError, KafkaException):
            return False

    def close(self, failed):
        self.services.down(failed)
