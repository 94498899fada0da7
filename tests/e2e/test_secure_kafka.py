# SPDX-License-Identifier: BSD-2-Clause
"""Kafka with TLS, passwords, client certificates and rights: who is let in, what is said when not, and that nothing is
lost over it. A real broker with an authorizer (tests/services, --secure)."""
import base64
import os
import pathlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import confluent_kafka
import pytest

from lib.record import Record
from lib.secure import PLAIN_PASSWORD, PLAIN_USER, completed, samples

N = 20
VALUES = [b"record-%d" % i for i in range(N)]
PASSWORD, WRONG = "correct-horse-5f0d", "wrong-battery-77aa"
REFUSED = "refused by the other end, trying on slowly"
UNTRUSTED = "the other end can not be trusted, trying on slowly"
SLOW = 10


class Relay:
    """Passes connections on, and notes when each came."""

    def __init__(self, address):
        self.to = address.rsplit(":", 1)
        self.times = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.times.append(time.time())  # as weir's log has it
            far = socket.create_connection((self.to[0], int(self.to[1])))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    @staticmethod
    def copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def end(self):
        self.listener.close()


def with_password(kafka, listener, user, secret, address=None):
    plain = "rdkafka.sasl.mechanism = PLAIN" if listener == "plain" else ""
    return f"""brokers = {address or kafka.listener(listener)}
        username = {user}
        password = ${{file:{secret}}}
        ca-file = {kafka.pki.ca}
        {plain}"""


def mutual(kafka, pair=None, listener="mutual"):
    mine = f"client-cert = {pair[0]}\nclient-key = {pair[1]}" if pair else ""
    return f"""brokers = {kafka.listener(listener)}
        ca-file = {kafka.pki.ca}
        {mine}"""


@pytest.fixture(scope="session")
def new_librdkafka(tmp_path_factory):
    """A folder with the newer librdkafka that the Python client carries: SCRAM of those before 2.6.1 is refused by
    Kafka 4 (they send the client's nonce twice). Everything else runs with the one weir was built with."""
    libs = pathlib.Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    folder = tmp_path_factory.mktemp("lib")
    (folder / "librdkafka.so.1").symlink_to(next(libs.glob("librdkafka*")))
    return folder


def everything(kafka, user, topic, group):
    kafka.allow(user, "ALL", topic=topic, group=group)


def open_files(pid):
    """Their names, but of those that are closed meanwhile."""
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield os.readlink(fd)
        except FileNotFoundError:
            pass


def secret_file(folder, text):
    path = folder / "secret"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


# --- it works ----------------------------------------------------------------------------------------------------

@pytest.fixture
def filled(secure_kafka, name):
    """A topic with N records, and another to write to, for user `name`, for user PLAIN_USER and for the certificate."""
    kafka = secure_kafka
    kafka.user(name, PASSWORD)
    for topic in (name, name + "-out"):
        kafka.create(topic)
        for user in (name, PLAIN_USER, "CN=client"):
            everything(kafka, user, topic, name)
    kafka.produce(name, [Record(v) for v in VALUES])
    return name


def by_rdkafka(kafka, way, user, secret):
    """The same by librdkafka's own properties."""
    tls = f"rdkafka.ssl.ca.location = {kafka.pki.ca}"
    if way == "mutual":
        cert, key = kafka.pki.client
        return f"""brokers = {kafka.listener("mutual")}
            rdkafka.security.protocol = ssl
            rdkafka.ssl.certificate.location = {cert}
            rdkafka.ssl.key.location = {key}
            {tls}"""
    return f"""brokers = {kafka.listener(way)}
        rdkafka.security.protocol = SASL_SSL
        rdkafka.sasl.mechanism = {"PLAIN" if way == "plain" else "SCRAM-SHA-512"}
        rdkafka.sasl.username = {user}
        rdkafka.sasl.password = ${{file:{secret}}}
        {tls}"""


@pytest.mark.parametrize("way", ["sasl", "plain", "mutual"])
@pytest.mark.parametrize("options", ["weir", "rdkafka"])
def test_from_topic_to_topic(secure_kafka, weir, filled, way, options, new_librdkafka):
    user, password = (PLAIN_USER, PLAIN_PASSWORD) if way == "plain" else (filled, PASSWORD)
    secret = secret_file(weir.folder, password)
    if way == "sasl":
        weir.env["LD_LIBRARY_PATH"] = str(new_librdkafka)
    if options == "rdkafka":
        access = by_rdkafka(secure_kafka, way, user, secret)
    elif way == "mutual":
        access = mutual(secure_kafka, secure_kafka.pki.client)
    else:
        access = with_password(secure_kafka, way, user, secret)
    ini = f"""
        [source]
        plugin = kafka
        topics = {filled}
        group = {filled}
        {access}
        [sink]
        plugin = kafka
        topic = {filled}-out
        {access}
    """
    live = weir.call("check", "--live", weir.ini(ini))
    assert live.status == 0, live.err
    weir.run(ini).ok(delivered=N)
    assert [r.value for r in secure_kafka.read(filled + "-out")] == VALUES


@pytest.mark.parametrize("sample", range(4))
def test_the_samples_of_the_page(secure_kafka, weir, sample, new_librdkafka):
    """docs/security.md: each is let in, and sees its topic."""
    kafka, text = secure_kafka, samples("kafka")[sample]
    secret, plain = weir.folder / "secret", weir.folder / "plain"
    secret.write_text(PASSWORD)
    plain.write_text(PLAIN_PASSWORD)
    kafka.user("weir", PASSWORD)
    if "web.access" not in kafka.admin.list_topics(timeout=30).topics:
        kafka.create("web.access")
    for user in ("weir", "CN=client"):
        everything(kafka, user, "web.access", "weir-p")
    cert, key = kafka.pki.client
    places = {"kafka-1.example:9093": kafka.listener("sasl"), "kafka-1.example:9094": kafka.listener("plain"),
              "kafka-1.example:9095": kafka.listener("mutual"), "/etc/weir/tls/ca.pem": kafka.pki.ca,
              "/etc/weir/tls/weir.pem": cert, "/etc/weir/tls/weir.key": key,
              "/run/secrets/kafka-plain": plain, "/run/secrets/kafka": secret}  # fmt: skip
    if "9093" in text:
        weir.env["LD_LIBRARY_PATH"] = str(new_librdkafka)
    live = weir.call("check", "--live", weir.ini(completed(text, places)))
    assert live.status == 0, live.err


# --- secrets ------------------------------------------------------------------------------------------------------

def shown(secret):
    """Every form in which a secret may be printed."""
    both = [secret, base64.b64encode(secret.encode()).decode(), secret.encode().hex()]
    return both + [base64.b64encode(f"\0{user}\0{secret}".encode()).decode() for user in (PLAIN_USER, "weir")]


@pytest.mark.parametrize("way", ["sasl", "plain"])
@pytest.mark.parametrize("options", ["weir", "rdkafka"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_shown(secure_kafka, weir, filled, way, options, form, new_librdkafka):
    """With all that weir and librdkafka can print; nor by check, a wrong value, /proc or what weir leaves on disk."""
    user, password = (PLAIN_USER, PLAIN_PASSWORD) if way == "plain" else (filled, PASSWORD)
    secret = secret_file(weir.folder, password)
    if way == "sasl":
        weir.env["LD_LIBRARY_PATH"] = str(new_librdkafka)
    access = (by_rdkafka if options == "rdkafka" else with_password)(secure_kafka, way, user, secret)
    ini = f"""
        [source]
        plugin = kafka
        topics = {filled}
        group = {filled}
        rdkafka.debug = all
        {access}
        [sink]
        plugin = kafka
        topic = {filled}-out
        rdkafka.debug = all
        {access}
    """
    printed = []
    path = weir.ini(ini)
    for command in (["check", path], ["check", "--live", path]):
        done = weir.call(*command)
        assert done.status == 0, done.err
        printed += [done.out.decode(), done.err]
    wrong = weir.call("check", weir.ini(ini + f"\nindex = ${{file:{secret}}}\nrdkafka.acks = ${{file:{secret}}}", "wrong"))
    assert wrong.status == 2
    running = weir.start(ini, "--log-level", "debug", "--log-format", form)
    running.wait_for(lambda: secure_kafka.count(filled + "-out") >= N, f"{N} records")
    assert str(secret) not in open_files(running.pid)
    printed += [pathlib.Path(f"/proc/{running.pid}/cmdline").read_text(), wrong.err]
    running.stop().ok(delivered=N)
    assert "librdkafka" in running.err and len(running.err) > 10000  # it did say a lot
    printed += [running.err, running.out.decode()]
    printed += [file.read_bytes().decode("latin-1") for file in weir.state.rglob("*") if file.is_file()]
    assert not [form for text in printed for form in shown(password) if form in text]


def test_a_key_that_everybody_can_read(secure_kafka, weir, filled):
    cert, key = secure_kafka.pki.client
    mine = weir.folder / "key.pem"
    mine.write_bytes(key.read_bytes())
    mine.chmod(0o644)
    ini = f"""
        [source]
        plugin = kafka
        topics = {filled}
        group = {filled}
        {mutual(secure_kafka, (cert, mine))}
        [sink]
        plugin = std
    """
    warned = weir.run(ini).ok(delivered=N).lines(str(mine))
    assert len(warned) == 1 and "can be read by everybody" in warned[0]
    mine.chmod(0o600)
    assert not weir.run(ini).ok().lines(str(mine))


# --- faults: all at once, since each takes some seconds ----------------------------------------------------------

class Fault:
    """A pipeline that is refused. `side` is what it has of Kafka; mend() makes the other end, or its own secret, right."""

    new_librdkafka = False
    drain = "30s"

    def __init__(self, kafka, weir, name, side):
        self.kafka, self.weir, self.name, self.side = kafka, weir, f"{name}-{side}", side
        self.topic = self.group = self.name
        self.relay = None
        self.restarted = False
        self.access = self.first_access
        kafka.create(self.topic)
        self.prepare()
        if side == "source":
            kafka.produce(self.topic, [Record(v) for v in VALUES])
        else:
            (weir.folder / "in").write_bytes(b"".join(v + b"\n" for v in VALUES))
        self.start()

    def prepare(self):
        """The client's certificate has every right."""
        everything(self.kafka, "CN=client", self.topic, self.group)

    def first_access(self):
        return mutual(self.kafka, self.kafka.pki.client)

    def start(self):
        source = f"""
            [pipeline]
            drain = {self.drain}
            [source]
            plugin = kafka
            topics = {self.topic}
            group = {self.group}
            {self.access()}
            [sink]
            plugin = file
            path = {self.weir.folder}/out"""
        sink = f"""
            [pipeline]
            drain = {self.drain}
            [source]
            plugin = file
            path = {self.weir.folder}/in
            follow = no
            [sink]
            plugin = kafka
            topic = {self.topic}
            {self.access()}"""
        self.running = self.weir.start(source if self.side == "source" else sink, "--log-level", "debug")

    def arrived(self):
        if self.side == "sink":
            return [r.value for r in self.kafka.read(self.topic)]
        out = self.weir.folder / "out"
        return out.read_bytes().split() if out.exists() else []

    def mend(self):
        raise NotImplementedError

    def again(self):
        """A pipeline whose own file has to be changed."""
        self.running.stop()
        self.restarted, self.drain = True, Fault.drain
        self.access = lambda: mutual(self.kafka, self.kafka.pki.client)
        self.start()


class WrongPassword(Fault):
    """Mended by the file that holds it. The second try is looked for at a relay; behind it weir is led past it."""

    says = [REFUSED, "Invalid username or password", "check username and password"]
    listener, user, password = "plain", PLAIN_USER, PLAIN_PASSWORD

    def prepare(self):
        self.secret = secret_file(self.weir.folder, WRONG)
        self.relay = Relay(self.kafka.listener(self.listener))
        everything(self.kafka, self.user, self.topic, self.group)

    def first_access(self):
        return with_password(self.kafka, self.listener, self.user, self.secret, self.relay.address)

    def mend(self):
        self.secret.write_text(self.password)


class WrongScramPassword(WrongPassword):
    says = [REFUSED, "SCRAM-SHA-512", "check username and password"]
    listener, password, new_librdkafka = "sasl", PASSWORD, True

    def prepare(self):
        self.user = self.name
        self.kafka.user(self.user, PASSWORD)
        super().prepare()


class UnknownUser(WrongScramPassword):
    """Mended by making the user."""

    def prepare(self):
        super().prepare()
        self.secret.write_text(PASSWORD)
        self.kafka.no_user(self.user, PASSWORD)

    def mend(self):
        self.kafka.user(self.user, PASSWORD)


class ServerCertificate(Fault):
    def first_access(self):
        return mutual(self.kafka, self.kafka.pki.client, self.listener)

    def mend(self):
        self.kafka.certificate(self.listener, self.kafka.pki.good)


class Untrusted(ServerCertificate):
    listener = "mutual_strange"
    says = [UNTRUSTED, "127.0.0.1", "an authority that is not trusted", "ca-file"]


class Expired(ServerCertificate):
    listener = "mutual_expired"
    says = [UNTRUSTED, "127.0.0.1", "has expired"]


class Misnamed(ServerCertificate):
    listener = "mutual_misnamed"
    says = [UNTRUSTED, "127.0.0.1", "made out to another name"]


class NoClientCertificate(Fault):
    says = [REFUSED, "127.0.0.1", "check client-cert and client-key"]
    pair = None
    drain = "1s"  # it is stopped while it is refused

    def first_access(self):
        return mutual(self.kafka, self.pair and getattr(self.kafka.pki, self.pair))

    def mend(self):
        self.again()


class ForeignClientCertificate(NoClientCertificate):
    pair = "foreign_client"


class ExpiredClientCertificate(NoClientCertificate):
    pair = "expired_client"


class NoRight(Fault):
    """A certificate that has only the rights of rights()."""

    def prepare(self):
        self.pair = self.kafka.pki.ours.give(self.name, "DNS:weir")
        self.user = f"CN={self.name}"
        self.rights()

    def first_access(self):
        return mutual(self.kafka, self.pair)

    def rights(self):
        pass

    def mend(self):
        everything(self.kafka, self.user, self.topic, self.group)


class NoTopicRead(NoRight):
    """It may see the topic."""

    says = [REFUSED, "Topic authorization failed", "the right to Read"]

    def rights(self):
        self.kafka.allow(self.user, "ALL", group=self.group)
        self.kafka.allow(self.user, "DESCRIBE", topic=self.topic)


class NoTopic(NoRight):
    """It may not even see it."""

    says = [REFUSED, "Topic authorization failed", "the right to Read"]

    def rights(self):
        self.kafka.allow(self.user, "ALL", group=self.group)


class NoGroup(NoRight):
    says = [REFUSED, "Group authorization failed", "the right to Read the group"]

    def rights(self):
        self.kafka.allow(self.user, "ALL", topic=self.topic)


class NoTopicWrite(NoRight):
    says = [REFUSED, "Topic authorization failed", "Write (sink) the topic"]

    def rights(self):
        """A producer needs the right to write something, or it gets no number."""
        self.kafka.allow(self.user, "ALL", topic="elsewhere")
        self.kafka.allow(self.user, "DESCRIBE", topic=self.topic)


class NoWriteAtAll(NoRight):
    says = [REFUSED, "Cluster authorization failed", "the right to Write some topic"]

    def rights(self):
        self.kafka.allow(self.user, "DESCRIBE", topic=self.topic)


class NoTransactionalId(NoRight):
    """delivery = exactly-once, with every right but that."""

    says = [REFUSED, "ransactional Id authorization failed", "the right to Write the transactional id"]

    def prepare(self):
        super().prepare()
        self.kafka.create(self.topic + "-in")
        self.kafka.produce(self.topic + "-in", [Record(v) for v in VALUES])

    def rights(self):
        for topic in (self.topic, self.topic + "-in"):
            everything(self.kafka, self.user, topic, self.group)

    def start(self):
        self.running = self.weir.start(f"""
            [pipeline]
            drain = {self.drain}
            [source]
            plugin = kafka
            topics = {self.topic}-in
            group = {self.group}
            {self.access()}
            [sink]
            plugin = kafka
            topic = {self.topic}
            delivery = exactly-once
            transactional-id = {self.topic}
            {self.access()}""", "--log-level", "debug")  # fmt: skip

    def mend(self):
        self.kafka.allow(self.user, "ALL", transactions=self.topic)


class NoTopicInTransaction(NoTransactionalId):
    """With the id, but not the topic."""

    says = [REFUSED, "Topic authorization failed", "Write (sink) the topic"]

    def rights(self):
        everything(self.kafka, self.user, self.topic + "-in", self.group)
        self.kafka.allow(self.user, "ALL", transactions=self.topic)
        self.kafka.allow(self.user, "DESCRIBE", topic=self.topic)

    def mend(self):
        everything(self.kafka, self.user, self.topic, self.group)


BOTH = [WrongPassword, WrongScramPassword, UnknownUser, Untrusted, Expired, Misnamed, NoClientCertificate, ForeignClientCertificate,
        ExpiredClientCertificate]  # fmt: skip
FAULTS = [(f, side) for f in BOTH for side in ("source", "sink")]
FAULTS += [(f, "source") for f in (NoTopicRead, NoTopic, NoGroup)] + [(f, "sink") for f in (NoTopicWrite, NoWriteAtAll, NoTransactionalId, NoTopicInTransaction)]
IDS = [f"{f.__name__}-{side}" for f, side in FAULTS]


@pytest.fixture(scope="module")
def faults(secure_kafka, weirs, new_librdkafka):
    """All of them, running."""

    def make(id, kind, side, weir):
        if kind.new_librdkafka:
            weir.env["LD_LIBRARY_PATH"] = str(new_librdkafka)
        return kind(secure_kafka, weir, "t" + kind.__name__.lower(), side)

    with ThreadPoolExecutor(8) as pool:
        jobs = {id: pool.submit(make, id, kind, side, weirs(id)) for id, (kind, side) in zip(IDS, FAULTS)}
    found = {id: job.result() for id, job in jobs.items()}
    yield found
    for fault in found.values():
        if fault.relay:
            fault.relay.end()


@pytest.mark.parametrize("id", IDS)
def test_refused(faults, id):
    """It says so once, with the reason and what to do, tries on, and has delivered nothing."""
    fault = faults[id]
    running = fault.running
    running.wait_line(fault.says[0])
    said = [line for line in running.err.splitlines() if fault.says[0] in line]
    assert len(said) == 1, running.err
    assert not [text for text in fault.says if text not in said[0]], said[0]
    assert fault.arrived() == [] and running.alive()
    if fault.relay:
        times, told = fault.relay.times, datetime.fromisoformat(said[0].split()[0]).timestamp()
        running.wait_for(lambda: times[-1] > told + SLOW / 2, "a slow try")
        # One may have begun before the refusal was known.
        assert len([t for t in times if told < t < told + SLOW / 2]) <= 1


@pytest.fixture(scope="module")
def mended(faults):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda fault: fault.mend(), faults.values()))
    return faults


@pytest.mark.parametrize("id", IDS)
def test_mended(mended, id):
    """Everything comes through, without a restart of weir where the other end was at fault; the end is in good order."""
    fault = mended[id]
    fault.running.wait_for(lambda: fault.arrived() == VALUES, f"{N} records")
    if not fault.restarted:
        fault.running.wait_line("is well again")
    fault.running.stop().ok(delivered=N)
    assert not [secret for secret in (PASSWORD, PLAIN_PASSWORD, WRONG) if secret in fault.running.err]
