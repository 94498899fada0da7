# SPDX-License-Identifier: BSD-2-Clause
"""The elasticsearch sink over TLS: whom it trusts, how it shows who it is, and that no secret is ever printed.

The server here is the standard library's, with certificates made by openssl for this run."""
import base64
import http.server
import json
import ssl
import threading

import pytest

from lib.pki import Pki

RECORDS = 20
PASSWORD, WRONG, API_KEY = "correct-horse-5f0d", "wrong-battery-77aa", "a1b2c3-id:staple-9e31"


class Bulk(http.server.BaseHTTPRequestHandler):
    """Takes bulk requests of those who may; keeps every document by its id."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.headers.get("Authorization"))
        want = self.server.want
        if want and self.headers.get("Authorization") != want:
            reason = f"unable to authenticate with {self.headers.get('Authorization')}"  # as careless as a server may be
            return self.answer(401, {"error": {"type": "security_exception", "reason": reason}, "status": 401})
        lines = body.splitlines()
        items = [json.loads(line)["index"] for line in lines[::2]]
        for item, source in zip(items, lines[1::2]):
            self.server.docs.setdefault(item["_id"], []).append(source)
        return self.answer(200, {"errors": False, "items": [{"index": {"status": 201}} for _ in items]})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    """The handshake is made by the connection's thread, so that one that hangs holds up nobody."""

    daemon_threads = True

    def __init__(self, certificate, client_ca=None, want=None):
        super().__init__(("127.0.0.1", 0), Bulk)
        self.certificate(certificate)
        if client_ca:
            self.context.load_verify_locations(client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.want, self.docs, self.asked, self.tries = want, {}, [], 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def certificate(self, pair):
        """What it shows from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        self.context = context

    def finish_request(self, request, client_address):
        self.tries += 1
        try:
            request.settimeout(60)
            with self.context.wrap_socket(request, server_side=True) as tls:
                super().finish_request(tls, client_address)
        except (OSError, ssl.SSLError):
            pass  # the client did not like what it saw, or the server did not

    def end(self):
        self.shutdown()
        self.server_close()


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def serve():
    servers = []

    def start(*args, **options):
        servers.append(Server(*args, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def job(weir):
    """start(server, options) runs RECORDS lines into it; the log is kept in full."""
    values = [json.dumps({"n": i}).encode() for i in range(RECORDS)]
    (weir.folder / "in").write_bytes(b"".join(v + b"\n" for v in values))

    def start(server, options):
        address = f"https://127.0.0.1:{server.server_address[1]}"
        ini = f"""
            [source]
            plugin = file
            path = {weir.folder}/in
            [sink]
            plugin = elasticsearch
            url = {address}
            index = a
            retry.initial = 20ms
            retry.max = 50ms
            {options}
        """
        return weir.start(ini, "--log-level", "debug", until_end=True)

    start.values = sorted(values)
    return start


def secrets():
    """Each secret in every form it is sent in."""
    for secret in (PASSWORD, WRONG, API_KEY, API_KEY.split(":")[1]):
        yield secret
        yield base64.b64encode(secret.encode()).decode()
    for password in (PASSWORD, WRONG):
        yield base64.b64encode(f"weir:{password}".encode()).decode()


def expect_all(job, server, running):
    """Everything was delivered, once each, and nothing was told that nobody may know."""
    running.wait().ok(delivered=RECORDS)
    assert sorted(d for docs in server.docs.values() for d in docs) == job.values
    expect_silence(running)


def expect_silence(running):
    assert not [s for s in secrets() if s in running.err], running.err
    assert "PRIVATE KEY" not in running.err


def expect_refused(job, server, running, *texts):
    """Tries on and on, says so once, has written nothing."""
    running.wait_line(texts[0])
    seen = server.tries  # one connection each
    running.wait_for(lambda: server.tries >= seen + 2, "two more tries")
    said = [line for line in running.err.splitlines() if texts[0] in line]
    assert len(said) == 1, running.err
    assert all(t in said[0] for t in texts), said[0]
    assert server.docs == {}
    assert running.alive()
    expect_silence(running)


def test_a_server_of_our_authority(job, serve, pki):
    server = serve(pki.good)
    expect_all(job, server, job(server, f"ca-file = {pki.ca}"))


def test_an_unknown_authority(job, serve, pki):
    """The operator mends the certificate, not the pipeline."""
    server = serve(pki.strange)
    running = job(server, f"ca-file = {pki.ca}")
    expect_refused(job, server, running, "certificate", "127.0.0.1")
    server.certificate(pki.good)
    expect_all(job, server, running)


def test_no_ca_file_means_the_systems_authorities(job, serve, pki):
    server = serve(pki.good)
    running = job(server, "")
    expect_refused(job, server, running, "certificate")


def test_another_name_in_the_certificate(job, serve, pki):
    server = serve(pki.misnamed)
    running = job(server, f"ca-file = {pki.ca}")
    expect_refused(job, server, running, "127.0.0.1", "SSL")
    server.certificate(pki.good)
    expect_all(job, server, running)


def test_verify_no_takes_anybody_and_warns(job, serve, pki):
    server = serve(pki.misnamed)
    running = job(server, f"ca-file = {pki.other_ca}\nverify = no")
    expect_all(job, server, running)
    assert "verify = no" in running.err


def test_a_client_certificate(job, serve, pki):
    server = serve(pki.good, client_ca=pki.ca)
    cert, key = pki.client
    running = job(server, f"ca-file = {pki.ca}\nclient-cert = {cert}\nclient-key = {key}")
    expect_all(job, server, running)


@pytest.mark.parametrize("which", ["none", "foreign"])
def test_without_the_right_client_certificate(job, serve, pki, which):
    server = serve(pki.good, client_ca=pki.ca)
    cert, key = pki.foreign_client
    mine = f"client-cert = {cert}\nclient-key = {key}" if which == "foreign" else ""
    running = job(server, f"ca-file = {pki.ca}\n{mine}")
    expect_refused(job, server, running, "refused by the other end", "https://127.0.0.1", "client-cert")


def test_a_wrong_password_is_mended_without_a_restart(job, weir, serve, pki):
    want = "Basic " + base64.b64encode(f"weir:{PASSWORD}".encode()).decode()
    server = serve(pki.good, want=want)
    (weir.folder / "secret").write_text(WRONG + "\n")
    running = job(server, f"ca-file = {pki.ca}\nusername = weir\npassword = ${{file:{weir.folder}/secret}}")
    running.wait_line("refused by the other end")
    running.wait_line("401")
    assert server.docs == {}
    expect_silence(running)
    (weir.folder / "secret").write_text(PASSWORD + "\n")
    expect_all(job, server, running)
    assert len([line for line in running.err.splitlines() if "401" in line]) == 1, running.err
    assert want in server.asked


@pytest.mark.parametrize("form", ["id-and-key", "encoded"])
def test_an_api_key_arrives(job, weir, serve, pki, form):
    encoded = base64.b64encode(API_KEY.encode()).decode()
    (weir.folder / "secret").write_text(API_KEY if form == "id-and-key" else encoded)
    server = serve(pki.good, want="ApiKey " + encoded)
    running = job(server, f"ca-file = {pki.ca}\napi-key = ${{file:{weir.folder}/secret}}")
    expect_all(job, server, running)
    assert set(server.asked) == {"ApiKey " + encoded}
