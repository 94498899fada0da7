# SPDX-License-Identifier: BSD-2-Clause
"""The real servers of tests/services: started once, each only if a selected test needs it.

WEIR_SERVICES=DIR names a run folder that is up already (tests/run-all starts one for several runs)."""
import os
import pathlib
import subprocess
import tempfile

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "services"
KINDS = {"kafka": "KAFKA", "elasticsearch": "ES", "opensearch": "OPENSEARCH"}


class Services:
    def __init__(self, names, secure=None):
        """secure: a folder for `up --secure`; such servers are always started anew."""
        self.names = sorted(names)
        self.own = None
        self.secure = ["--secure", str(secure)] if secure else []
        self.dir = None if secure else os.environ.get("WEIR_SERVICES")
        self.address = {}

    def up(self):
        if self.address:
            return
        if not self.dir:
            self.own = tempfile.mkdtemp(prefix="weir-e2e-")
            os.chmod(self.own, 0o755)  # the servers' user passes through
            self.dir = self.own + "/run"
            self.call("up", "--owner", str(os.getpid()), *self.secure, self.dir, *self.names)
        for line in open(self.dir + "/env"):
            name, address = line.strip().split("=", 1)
            self.address[name] = address

    def of(self, kind):
        self.up()
        return self.address[KINDS[kind]]

    def call(self, script, *args):
        done = subprocess.run([SCRIPTS / script, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"tests/services/{script} {' '.join(args)} failed:\n{done.stderr}"

    def kill(self, name):
        self.call("kill", self.dir, name)

    def start(self, name):
        self.call("start", self.dir, name)

    def pids(self, name):
        """Processes of a server: they live in the session its pid file names."""
        session = int(pathlib.Path(self.dir, name, "pid").read_text())
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session:
                found.append(int(stat.parent.name))
        return found

    def down(self, failed):
        if self.own:
            self.call("down", *(["--keep-logs"] if failed else []), self.dir)
            if failed:
                print(f"\nlogs of the servers: {self.dir}/logs")
            else:
                os.rmdir(self.own)
