# SPDX-License-Identifier: BSD-2-Clause
"""The other ends: librdkafka's mock cluster as a process (that of the demo), and what answers bulk requests.

Both answer at once and always the same, so that what weir does depends on its input alone."""
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACTION = re.compile(rb'^\{"(index|create)":', re.MULTILINE)


class Broker:
    """topics: NAME:PARTITIONS each."""

    def __init__(self, program, topics):
        self.process = subprocess.Popen([program, *topics], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError(f"{program} did not start")

    def stop(self):
        self.process.communicate("")


class Bulk(BaseHTTPRequestHandler):
    """Every action succeeded."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        items = b",".join(b'{"%s":{"status":201}}' % action for action in ACTION.findall(body))
        answer = b'{"errors":false,"took":1,"items":[' + items + b"]}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Search:
    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bulk)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
