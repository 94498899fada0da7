# SPDX-License-Identifier: BSD-2-Clause
"""A bulk interface that keeps what it is given and answers as a test says: what no real server does on request."""
import http.server
import json
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Asked:
    """One bulk request."""

    ids: list
    at: float = field(default_factory=time.monotonic)


class Bulk:
    """answer(n, ids), of the n-th request, gives None (all is written), {id: (status, type)} for records that fail, or
    a function of the handler that answers by itself; what it writes, Bulk.store() keeps."""

    def __init__(self, answer=lambda n, ids: None):
        self.answer = answer
        self.asked = []
        self.documents = {}
        self.writes = 0
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.handle(self, body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler, body):
        lines = body.split(b"\n")[:-1]
        actions = [(json.loads(a)["index"]["_id"], d) for a, d in zip(lines[::2], lines[1::2])]
        ids = [i for i, _ in actions]
        with self.lock:
            n = len(self.asked)
            self.asked.append(Asked(ids))
            how = self.answer(n, ids)
            bad = how if isinstance(how, dict) else {}
            if not callable(how):
                self.store((i, d) for i, d in actions if i not in bad)
        if callable(how):
            how(handler, actions)
        else:
            say(handler, 200, items(ids, bad))

    def store(self, actions):
        for i, d in actions:
            self.documents[i] = d
            self.writes += 1


def items(ids, bad):
    """The answer to a bulk request."""
    out = []
    for i in ids:
        status, kind = bad.get(i, (201, None))
        out.append({"index": {"status": status, **({"error": {"type": kind, "reason": "as the test says"}} if kind else {})}})
    return json.dumps({"took": 1, "errors": bool(bad), "items": out}, separators=(",", ":")).encode()


def say(handler, status, body=b"", headers=()):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
