# SPDX-License-Identifier: BSD-2-Clause
"""Kafka and Elasticsearch with TLS, users and rights: the real servers of tests/services, started with --secure.

Each is started once, when the first test asks for it. Users, passwords, rights and certificates can be changed while
the servers run."""
import base64
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import ssl
import tempfile

import requests
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from lib.es import Search
from lib.kafka import QUIET, Kafka
from lib.pki import Pki
from lib.services import Services
from lib.wait import until

PLAIN_USER, PLAIN_PASSWORD = "weir", "plain-horse-91be"


class Folder:
    """What --secure needs; the servers' user reads nothing here, `up` copies it."""

    def __init__(self):
        self.made = tempfile.TemporaryDirectory(prefix="weir-secure-")
        self.path = pathlib.Path(self.made.name)
        (self.path / "pki").mkdir()
        self.pki = Pki(self.path / "pki")
        shutil.copy(self.pki.ca, self.path / "ca.pem")

    def end(self):
        self.made.cleanup()


def samples(plugin):
    """The pipelines of docs/security.md with that plugin."""
    text = (pathlib.Path(__file__).parents[3] / "docs" / "security.md").read_text()
    blocks = re.findall(r"(?ms)^```ini\n(.*?)^```$", text)
    return [b for b in blocks if re.search(rf"(?m)^plugin +?= {plugin}$", b)]


def completed(sample, places):
    """A sample with the test's own names, and with the end it lacks."""
    for name, real in places.items():
        sample = sample.replace(name, str(real))
    other = "[source]\nplugin = std\n" if "[sink]" in sample else "[sink]\nplugin = std\n"
    return f"{sample}\n{other}"


def put(file, text):
    """Writes a file that a server reads: it never meets half of it."""
    handle, part = tempfile.mkstemp(dir=file.parent)
    with open(handle, "w") as f:
        f.write(text)
    os.chmod(part, 0o644)  # the server is another user
    os.replace(part, file)


def joined(pair):
    """Key and certificate as one text, the way Kafka wants them."""
    certificate, key = pair
    return key.read_text() + certificate.read_text()


class SecureKafka(Kafka):
    """Listeners: `sasl` (SCRAM), `plain` (PLAIN, one user), `mutual` (client certificates), and three of those whose own
    certificate is at fault."""

    def __init__(self):
        self.folder = Folder()
        self.pki = self.folder.pki
        listeners = self.folder.path / "listeners"
        listeners.mkdir()
        certificates = {"sasl": self.pki.good, "plain": self.pki.good, "mutual": self.pki.good,
                        "mutual_expired": self.pki.expired, "mutual_misnamed": self.pki.misnamed,
                        "mutual_strange": self.pki.strange}  # fmt: skip
        for name, pair in certificates.items():
            (listeners / f"{name}.pem").write_text(joined(pair))
        (self.folder.path / "plain.jaas").write_text(f'user_{PLAIN_USER}="{PLAIN_PASSWORD}"')
        self.services = Services(["kafka"], secure=self.folder.path)
        super().__init__(self.services.of("kafka"))

    def listener(self, name):
        return self.services.address["KAFKA_" + name.upper()]

    def user(self, name, password):
        """Makes a user, or gives one another password; returns when the broker knows: the controller knows before."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        self.scram(UserScramCredentialUpsertion(name, info, password.encode()))
        until(lambda: self.let_in(name, password), f"the broker knows user {name}")

    def let_in(self, name, password):
        """False: refused; None: neither within the time."""
        refused = []
        client = AdminClient({"bootstrap.servers": self.listener("sasl"), "security.protocol": "sasl_ssl",
                              "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": name, "sasl.password": password,
                              "ssl.ca.location": str(self.pki.ca), **QUIET, "log_level": 0,
                              "error_cb": lambda e: refused.append(e.code() == KafkaError._AUTHENTICATION)})  # fmt: skip
        try:
            client.list_topics(timeout=3)
            return True
        except KafkaException:
            client.poll(0)
            return False if any(refused) else None

    def no_user(self, name, password):
        """Returns when the broker has forgotten the user, who had that password."""
        self.scram(UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512))
        until(lambda: self.let_in(name, password) is False, f"the broker has forgotten user {name}")

    def scram(self, change):
        for future in self.admin.alter_user_scram_credentials([change]).values():
            future.result(30)

    @staticmethod
    def binding(kind, resource, user, operation, of=AclBinding):
        pattern = ResourcePatternType.LITERAL
        return of(kind, resource, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)

    def allow(self, user, operation, topic=None, group=None, transactions=None):
        """Returns when the broker knows the rights: the controller knows before."""
        for kind, resource in (
            (ResourceType.TOPIC, topic),
            (ResourceType.GROUP, group),
            (ResourceType.TRANSACTIONAL_ID, transactions),
        ):
            if resource:
                binding = self.binding(kind, resource, user, AclOperation[operation])
                for future in self.admin.create_acls([binding]).values():
                    future.result(30)
                wanted = self.binding(kind, resource, user, AclOperation[operation], AclBindingFilter)
                until(lambda wanted=wanted: self.admin.describe_acls(wanted).result(30), f"the broker knows {binding}")

    def forbid_all(self, user):
        """Takes every right from the user."""
        every = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{user}", None,
                                 AclOperation.ANY, AclPermissionType.ANY)  # fmt: skip
        for future in self.admin.delete_acls([every]).values():
            future.result(30)

    def certificate(self, listener, pair):
        """Gives a listener another certificate, for connections from now on."""
        file = pathlib.Path(self.services.dir, "kafka", "tls", listener + ".pem")
        put(file, joined(pair))
        name = f"listener.name.{listener}.ssl.keystore.location"
        change = ConfigEntry(name, str(file), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[change])
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result(30)

    def end(self, failed):
        self.services.down(failed)
        self.folder.end()


def hashed(password):
    """A line of the file realm's users file, as the server itself writes them."""
    salt = secrets.token_bytes(32)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10000, 32)
    return "{PBKDF2}10000$%s$%s" % (base64.b64encode(salt).decode(), base64.b64encode(made).decode())


ROLES = """\
writer:
  indices:
    - names: ["*"]
      privileges: [read, write, create_index]
nobody:
  indices:
    - names: ["no-such-index"]
      privileges: [read]
"""


class SecureSearch(Search):
    """Elasticsearch whose users, roles and certificates are files that it looks at every second."""

    def __init__(self):
        self.folder = Folder()
        self.pki = self.folder.pki
        admin = secrets.token_hex(8)
        self.users = {"admin": (admin, "superuser")}
        shutil.copy(self.pki.good[0], self.folder.path / "server.pem")
        shutil.copy(self.pki.good[1], self.folder.path / "server.key")
        self.curlrc = self.folder.path / "curlrc"
        cert, key = self.pki.client
        self.curlrc.write_text(f'insecure\nuser = "admin:{admin}"\ncert = "{cert}"\nkey = "{key}"\n')
        (self.folder.path / "roles.yml").write_text(ROLES)
        self.write_users(self.folder.path)
        self.services = Services(["elasticsearch"], secure=self.folder.path)
        super().__init__(self.services.of("elasticsearch"))
        self.config = pathlib.Path(self.services.dir, "elasticsearch", "config")
        self.http.auth = ("admin", admin)
        self.http.trust_env = False
        self.http.verify = False  # the tests change its certificate; weir is what verifies
        self.http.cert = (str(cert), str(key))

    def write_users(self, folder):
        roles = {}
        for name, (_, role) in self.users.items():
            roles.setdefault(role, []).append(name)
        put(folder / "users", "".join(f"{n}:{hashed(p)}\n" for n, (p, _) in self.users.items()))
        put(folder / "users_roles", "".join(f"{r}:{','.join(names)}\n" for r, names in roles.items()))

    def roles(self, name, password):
        """Those that this user has; None: the password is not the user's."""
        answer = requests.get(f"{self.url}/_security/_authenticate", auth=(name, password), verify=False,
                              cert=self.http.cert, timeout=30)  # fmt: skip
        return answer.json()["roles"] if answer.status_code == 200 else None

    def user(self, name, password, role="writer"):
        """Makes a user, or gives one another password or role; returns when the server knows."""
        self.users[name] = (password, role)
        self.write_users(self.config)
        self.wait(lambda: self.roles(name, password) == [role], f"the server knows user {name} as {role}")

    def certificate(self, pair):
        """Gives the server another certificate; returns when it shows it."""
        for file, source in zip(("server.pem", "server.key"), pair):
            put(self.config / file, source.read_text())
        want = pair[0].read_text().split()
        self.wait(lambda: self.shown().split() == want, "the server shows another certificate")

    def shown(self):
        """The certificate that the server shows, as PEM."""
        host, port = self.url[len("https://") :].split(":")
        try:
            return ssl.get_server_certificate((host, int(port)), timeout=10)
        except (OSError, ssl.SSLError):
            return ""

    def ask_for_certificates(self, word):
        """none or required: the server is started anew."""
        file = self.config / "elasticsearch.yml"
        setting = "client_authentication: "
        if setting + word in file.read_text():
            return
        lines = [setting.join([line.split(setting)[0], word]) if setting in line else line
                 for line in file.read_text().splitlines()]  # fmt: skip
        file.write_text("\n".join(lines) + "\n")
        self.services.call("stop", self.services.dir, "elasticsearch")
        self.services.start("elasticsearch")

    @staticmethod
    def wait(condition, what):
        """While it reads its files anew, a connection may break."""

        def holds():
            try:
                return condition()
            except requests.RequestException:
                return False

        until(holds, what)

    def end(self, failed):
        self.services.down(failed)
        self.folder.end()
