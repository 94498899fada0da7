# SPDX-License-Identifier: BSD-2-Clause
"""Certificates for one run of the tests, made by openssl: authorities, and what they give to servers and clients."""
import secrets
import subprocess

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True, timeout=30)


class Authority:
    """A CA of its own, and the certificates it gives."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        openssl(folder, "req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip
        self.file = folder / f"{name}.pem"

    def give(self, name, subject_alt, days=2):
        """(certificate, key); days = -1: it expired a day ago."""
        openssl(self.folder, "req", *CURVE, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={subject_alt}\n")
        openssl(self.folder, "x509", "-req", "-days", str(days), "-in", f"{name}.csr", "-CA", f"{self.name}.pem",
                "-CAkey", f"{self.name}.key", "-set_serial", str(secrets.randbits(64)), "-extfile", f"{name}.ext",
                "-out", f"{name}.pem")  # fmt: skip
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


class Pki:
    """Two authorities that do not know each other; servers are at 127.0.0.1."""

    def __init__(self, folder):
        self.folder = folder
        ours, others = Authority(folder, "ours"), Authority(folder, "others")
        self.ours = ours
        self.ca, self.other_ca = ours.file, others.file
        self.good = ours.give("good", "IP:127.0.0.1,DNS:localhost")
        self.misnamed = ours.give("misnamed", "DNS:es.example")
        self.expired = ours.give("expired", "IP:127.0.0.1", days=-1)
        self.strange = others.give("strange", "IP:127.0.0.1")
        self.client = ours.give("client", "DNS:weir")
        self.foreign_client = others.give("foreign", "DNS:weir")
        self.expired_client = ours.give("old-client", "DNS:weir", days=-1)
