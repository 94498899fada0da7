# SPDX-License-Identifier: BSD-2-Clause
"""What the end-to-end tests share: the program under test, the real servers, names that no other test uses.

WEIR_BUILD names the build folder (default: build/ at the top of the repository)."""
import os
import pathlib
import socket
import uuid

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD") or TOP / "build").resolve()
os.environ.setdefault("WEIR", str(BUILD / "weir"))
os.environ.setdefault("WEIR_PLUGIN_PATH", str(BUILD / "plugins" / "built"))

from lib.es import Search  # noqa: E402
from lib.feed import Feeder  # noqa: E402
from lib.kafka import Kafka  # noqa: E402
from lib.secure import SecureKafka, SecureSearch  # noqa: E402
from lib.services import KINDS, Services  # noqa: E402
from lib.weir import Weir  # noqa: E402

SERVERS = {"kafka": ["kafka"], "es": ["elasticsearch"], "opensearch": ["opensearch"]}
needed = set()


def pytest_collection_modifyitems(items):
    """Which servers the selected tests use: by fixture, or by a parameter that is a server's name."""
    for item in items:
        for fixture in item.fixturenames:
            needed.update(SERVERS.get(fixture, []))
        if hasattr(item, "callspec"):
            needed.update(v for v in item.callspec.params.values() if isinstance(v, str) and v in KINDS)


def pytest_sessionstart():
    if not os.access(os.environ["WEIR"], os.X_OK):
        pytest.exit(f"no program {os.environ['WEIR']}; build it, or set WEIR_BUILD to the build folder", 2)


@pytest.fixture(scope="session")
def services(request):
    servers = Services(needed)
    yield servers
    servers.down(failed=request.session.testsfailed > 0)


@pytest.fixture(scope="session")
def kafka(services):
    return Kafka(services.of("kafka"))


@pytest.fixture(scope="session")
def es(services):
    return Search(services.of("elasticsearch"))


@pytest.fixture(scope="session")
def opensearch(services):
    return Search(services.of("opensearch"))


@pytest.fixture(scope="session")
def secure_kafka(request):
    """With TLS, users and rights; never the one of WEIR_SERVICES."""
    server = SecureKafka()
    yield server
    server.end(failed=request.session.testsfailed > 0)


@pytest.fixture(scope="session")
def secure_es(request):
    server = SecureSearch()
    yield server
    server.end(failed=request.session.testsfailed > 0)


@pytest.fixture(params=["elasticsearch", "opensearch"])
def search(request, services):
    """Both search servers, one after the other."""
    return Search(services.of(request.param))


@pytest.fixture
def name():
    """A name for topics, indices and groups that no other test has."""
    return "t" + uuid.uuid4().hex[:12]


@pytest.fixture
def free_port():
    """A port where nobody listens, held so that nobody begins to."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


@pytest.fixture
def feed():
    """feed(put, seen) starts a Feeder; none outlives its test, however that ends."""
    made = []

    def start(*args, **options):
        made.append(Feeder(*args, **options))
        return made[-1]

    yield start
    for feeder in made:
        feeder.stop()


@pytest.fixture
def weir(tmp_path):
    w = Weir(tmp_path)
    yield w
    w.end()


@pytest.fixture(scope="module")
def weirs(tmp_path_factory):
    """weirs(name) gives a weir for several tests of a module."""
    made = []

    def make(name):
        made.append(Weir(tmp_path_factory.mktemp(name)))
        return made[-1]

    yield make
    for w in made:
        w.end()
