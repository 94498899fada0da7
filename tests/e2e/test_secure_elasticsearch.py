# SPDX-License-Identifier: BSD-2-Clause
"""Elasticsearch with TLS, users and rights: who is let in, what is said when not, and that nothing is lost over it.

The real server (tests/services, --secure). Its API keys need a module that it lacks: test_tls.py shows that header to
a scripted server, as it does with what a real one can not be made to do at once."""
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.secure import completed, samples

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
RUN = uuid.uuid4().hex[:6]
N = 20
DOCS = [json.dumps({"n": i}).encode() for i in range(N)]
PASSWORD, WRONG = "correct-horse-5f0d", "wrong-battery-77aa"
REFUSED = "refused by the other end, trying on slowly"
UNTRUSTED = "the other end can not be trusted, trying on slowly"


def access(es, user, secret, more=""):
    return f"""url = {es.url}
        username = {user}
        password = ${{file:{secret}}}
        ca-file = {es.pki.ca}
        {more}"""


class Job:
    """A pipeline with Elasticsearch on one side and a file on the other, for a user of its own."""

    def __init__(self, es, weir, name, side, password=PASSWORD):
        self.es, self.weir, self.name, self.side = es, weir, f"{RUN}-{name}-{side}".lower(), side
        self.secret = weir.folder / "secret"
        self.secret.write_text(password + "\n")
        if side == "source":
            es.create(self.name)
            for i, doc in enumerate(DOCS):
                es.put(self.name, i, doc)
            es.refresh(self.name)
        else:
            (weir.folder / "in").write_bytes(b"".join(doc + b"\n" for doc in DOCS))

    def start(self, options):
        source = f"""
            [source]
            plugin = elasticsearch
            index = {self.name}
            {options}
            [sink]
            plugin = file
            path = {self.weir.folder}/out"""
        sink = f"""
            [source]
            plugin = file
            path = {self.weir.folder}/in
            [sink]
            plugin = elasticsearch
            index = {self.name}
            {options}"""
        ini = source if self.side == "source" else sink
        self.running = self.weir.start(ini, "--log-level", "debug", until_end=True)
        return self

    def arrived(self):
        if self.side == "source":
            out = self.weir.folder / "out"
            return sorted(out.read_bytes().splitlines()) if out.exists() else []
        return sorted(self.es.sources(self.name).values()) if self.es.exists(self.name) else []

    def refused(self, *says):
        """Said once, tries on, nothing delivered."""
        self.running.wait_line(says[0])
        said = [line for line in self.running.err.splitlines() if says[0] in line]
        assert len(said) == 1, self.running.err
        assert not [text for text in (*says, self.es.url) if text not in said[0]], said[0]
        assert self.arrived() == [] and self.running.alive()

    def delivered(self):
        self.running.wait().ok(delivered=N)
        assert self.arrived() == sorted(DOCS)
        assert not [secret for secret in (PASSWORD, WRONG) if secret in self.running.err]


SIDES = pytest.mark.parametrize("side", ["source", "sink"])


@SIDES
def test_a_user_over_tls(secure_es, weir, name, side):
    job = Job(secure_es, weir, name, side)
    secure_es.user(job.name, PASSWORD)
    options = access(secure_es, job.name, job.secret)
    job.start(options).delivered()
    live = weir.call("check", "--live", weir.folder / "p.ini")
    assert live.status == 0, live.err


@pytest.mark.parametrize("sample", range(3))
def test_the_samples_of_the_page(secure_es, weir, name, sample):
    """docs/security.md: each is let in. The one with an API key is let in by nobody here: that is what it must say."""
    text = samples("elasticsearch")[sample]
    secure_es.user("weir", PASSWORD)
    secret = weir.folder / "secret"
    secret.write_text(PASSWORD)
    cert, key = secure_es.pki.client
    places = {"https://es-1.example:9200": secure_es.url, "/etc/weir/tls/ca.pem": secure_es.pki.ca,
              "/etc/weir/tls/weir.pem": cert, "/etc/weir/tls/weir.key": key,
              "/run/secrets/es-key": secret, "/run/secrets/es": secret}  # fmt: skip
    live = weir.call("check", "--live", weir.ini(completed(text, places)))
    assert PASSWORD not in live.err
    if "api-key" in text:
        assert live.status == 1 and "401" in live.err and "check api-key" in live.err
    else:
        assert live.status == 0, live.err


# --- users and rights: all at once ------------------------------------------------------------------------------

def wrong_password(es, job):
    es.user(job.name, PASSWORD)
    job.secret.write_text(WRONG)


def unknown_user(es, job):
    pass


def no_right(es, job):
    es.user(job.name, PASSWORD, "nobody")


def mend_secret(es, job):
    job.secret.write_text(PASSWORD)


def mend_user(es, job):
    es.user(job.name, PASSWORD)


def mend_right(es, job):
    es.user(job.name, PASSWORD, "writer")


FAULTS = {
    "wrong-password": (wrong_password, mend_secret, ["401", "check username and password"]),
    "unknown-user": (unknown_user, mend_user, ["401", "check username and password"]),
    "no-right": (no_right, mend_right, ["403", "the right to do it"]),
}
IDS = [f"{fault}-{side}" for fault in FAULTS for side in ("source", "sink")]


@pytest.fixture(scope="module")
def faults(secure_es, weirs):
    found = {}
    for id in IDS:
        fault, _, side = id.rpartition("-")
        job = found[id] = Job(secure_es, weirs(id), "u-" + fault, side)
        FAULTS[fault][0](secure_es, job)
        job.start(access(secure_es, job.name, job.secret))
    return found


@pytest.mark.parametrize("id", IDS)
def test_refused(faults, id):
    faults[id].refused(REFUSED, *FAULTS[id.rpartition("-")[0]][2])


@pytest.fixture(scope="module")
def mended(secure_es, faults):
    for id, job in faults.items():
        FAULTS[id.rpartition("-")[0]][1](secure_es, job)
    return faults


@pytest.mark.parametrize("id", IDS)
def test_mended(mended, id):
    """Without a restart, and the password is said by its file only."""
    mended[id].delivered()


# --- certificates -------------------------------------------------------------------------------------------------

CERTIFICATES = {
    "strange": ["unable to get local issuer certificate", "ca-file"],
    "expired": ["certificate has expired"],
    "misnamed": ["127.0.0.1", "url"],
}


@pytest.mark.parametrize("which", CERTIFICATES)
def test_a_certificate_that_is_not_right(secure_es, weirs, which):
    """The server is given another one meanwhile, and weir goes on."""
    jobs = [Job(secure_es, weirs(f"{which}-{side}"), "c-" + which, side) for side in ("source", "sink")]
    for job in jobs:
        secure_es.user(job.name, PASSWORD)
    secure_es.certificate(getattr(secure_es.pki, which))
    try:
        for job in jobs:
            job.start(access(secure_es, job.name, job.secret))
        for job in jobs:
            job.refused(UNTRUSTED, *CERTIFICATES[which])
    finally:
        secure_es.certificate(secure_es.pki.good)
    for job in jobs:
        job.delivered()


def test_a_new_ca_file_needs_no_restart(secure_es, weir, name):
    job = Job(secure_es, weir, name, "sink")
    secure_es.user(job.name, PASSWORD)
    ca = weir.folder / "ca.pem"
    ca.write_bytes(secure_es.pki.other_ca.read_bytes())
    options = access(secure_es, job.name, job.secret).replace(str(secure_es.pki.ca), str(ca))
    job.start(options).refused(UNTRUSTED, "ca-file")
    ca.write_bytes(secure_es.pki.ca.read_bytes())
    job.delivered()


# --- client certificates ------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def mutual_es(secure_es):
    """The same server, which asks for a client certificate from now on: the last test here."""
    secure_es.ask_for_certificates("required")
    return secure_es


def client(es, pair):
    cert, key = getattr(es.pki, pair)
    return f"client-cert = {cert}\nclient-key = {key}"


def test_client_certificates(mutual_es, weirs):
    """With the right one all is well; with none, a foreign and an expired one weir is refused."""
    jobs = {}
    for pair in ("client", None, "foreign_client", "expired_client"):
        for side in ("source", "sink"):
            job = jobs[pair, side] = Job(mutual_es, weirs(f"{pair}-{side}"), f"m-{pair}", side)
            mutual_es.user(job.name, PASSWORD)
            job.start(access(mutual_es, job.name, job.secret, client(mutual_es, pair) if pair else ""))
    for (pair, _), job in jobs.items():
        if pair == "client":
            job.delivered()
        else:
            job.refused(REFUSED, "alert", "check client-cert and client-key")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: job.running.kill(), [j for (pair, _), j in jobs.items() if pair != "client"]))
    for (pair, _), job in jobs.items():
        if pair != "client":
            job.start(access(mutual_es, job.name, job.secret, client(mutual_es, "client"))).delivered()
