# SPDX-License-Identifier: BSD-2-Clause
"""Kafka and Elasticsearch with TLS, users and rights: the real servers of tests/services, started with --secure.

Each is started once, when the first test asks for it. Users, passwords, rights and certificates can be changed while
the servers run."""
import base64
import hashlib
import os
import pathlib
import secrets
import shutil
import tempfile

import requests
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
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
from lib.kafka import Kafka
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
        """Makes a user, or gives one another password."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        self.scram(UserScramCredentialUpsertion(name, info, password.encode()))

    def no_user(self, name):
        self.scram(UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512))

    def scram(self, change):
        for future in self.admin.alter_user_scram_credentials([change]).values():
            future.result(30)

    @staticmethod
    def binding(kind, resource, user, operation, of=AclBinding):
        pattern = ResourcePatternType.LITERAL
        return of(kind, resource, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)

    def allow(self, user, operation, topic=None, group=None, transactions=None):
        for kind, resource in (
            (ResourceType.TOPIC, topic),
            (ResourceType.GROUP, group),
            (ResourceType.TRANSACTIONAL_ID, transactions),
        ):
            if resource:
                binding = self.binding(kind, resource, user, AclOperation[operation])
                for future in self.admin.create_acls([binding]).values():
                    future.result(30)

    def forbid_all(self, user):
        """Takes every right from the user."""
        every = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{user}", None,
                                 AclOperation.ANY, AclPermissionType.ANY)  # fmt: skip
        for future in self.admin.delete_acls([every]).values():
            future.result(30)

    def certificate(self, listener, pair):
        """Gives a listener another certificate, for connections from now on."""
        file = pathlib.Path(self.services.dir, "kafka", "tls", listener + ".pem")
        file.write_text(joined(pair))
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
      privileges: [all]
reader:
  indices:
    - names: ["*"]
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
        requests.packages.urllib3.disable_warnings()

    def write_users(self, folder):
        roles = {}
        for name, (_, role) in self.users.items():
            roles.setdefault(role, []).append(name)
        (folder / "users").write_text("".join(f"{n}:{hashed(p)}\n" for n, (p, _) in self.users.items()))
        (folder / "users_roles").write_text("".join(f"{r}:{','.join(names)}\n" for r, names in roles.items()))

    def let_in(self, name, password):
        """HTTP status that this user gets."""
        return requests.get(f"{self.url}/_cluster/health", auth=(name, password), verify=False, cert=self.http.cert,
                            timeout=30).status_code  # fmt: skip

    def user(self, name, password, role="writer"):
        """Makes a user, or gives one another password or role; returns when the server knows."""
        self.users[name] = (password, role)
        self.write_users(self.config)
        until(lambda: self.let_in(name, password) != 401, f"the server knows user {name}")

    def certificate(self, pair):
        """Gives the server another certificate; returns when it shows it."""
        for file, source in zip(("server.pem", "server.key"), pair):
            (self.config / file).write_bytes(source.read_bytes())

    def end(self, failed):
        self.services.down(failed)
        self.folder.end()
