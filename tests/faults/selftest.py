# SPDX-License-Identifier: BSD-2-Clause
"""The bench's own parts, without servers: it finds what it is there to find.  gates/t-faults.sh runs this."""
import random
import socket
import sys
import threading
from types import SimpleNamespace

import fault
from proxy import Loop, Proxy
from schedule import schedule
from verify import count, value


def counted(sent, places, **options):
    c = count(sent, [value(*p) if isinstance(p, tuple) else p for p in places], **options)
    return (c.missing, c.duplicated, c.reordered, c.foreign)


def test_count():
    all_of = [(s, n) for n in range(3) for s in (0, 1)]
    assert counted({0: 3, 1: 3}, all_of) == (0, 0, 0, 0)
    assert counted({0: 3, 1: 3}, all_of[:-1]) == (1, 0, 0, 0)
    assert counted({0: 3, 7: 1}, [(0, 0), (0, 1), (0, 2)]) == (1, 0, 0, 0)
    again = [(0, 0), (0, 1), (0, 2), (0, 1), (0, 2)]  # a repeat through everything behind
    assert counted({0: 3}, again) == (0, 2, 0, 0)
    assert counted({0: 4}, [(0, 0), (0, 1), (0, 2), (0, 1), (0, 3)]) == (0, 1, 1, 0)  # 1 is now behind 2
    assert counted({0: 3}, [(0, 0), (0, 2), (0, 1)]) == (0, 0, 1, 0)
    assert counted({0: 3}, [(0, 2), (0, 0), (0, 1)], ordered=False) == (0, 0, 0, 0)
    changed = value(0, 0).replace(b"a", b"b")
    assert value(0, 0) != changed and counted({0: 1}, [(0, 0), changed, b"", None, (0, 1), (1, 0)]) == (0, 0, 0, 5)


def test_schedule():
    lane = SimpleNamespace(name="a-b")
    faults = [cls() for cls in fault.FAULTS.values()]
    first = [str(s) for s in schedule(5, lane, faults, 60)]
    assert first == [str(s) for s in schedule(5, lane, faults, 60)]
    assert first != [str(s) for s in schedule(6, lane, faults, 60)]
    assert first != [str(s) for s in schedule(5, SimpleNamespace(name="b-a"), faults, 60)]
    assert {s.split()[1] for s in first} == set(fault.FAULTS)


def echo_server():
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept():
        while True:
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def exchange(port, data):
    """Sends and receives all of it; b"" where the connection ends before."""
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        threading.Thread(target=lambda: s.sendall(data), daemon=True).start()
        got = b""
        while len(got) < len(data):
            piece = s.recv(65536)
            if not piece:
                return b""
            got += piece
        return got


def test_proxy():
    proxy = Proxy(Loop(), echo_server())
    data = random.Random(1).randbytes(1 << 20)
    assert exchange(proxy.port, data) == data
    proxy.delay, proxy.rate = 0.02, 4 << 20
    assert exchange(proxy.port, data) == data
    proxy.heal()
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as s:
        s.sendall(b"x")
        assert s.recv(1) == b"x"
        proxy.cut(refuse=True)
        assert ended(s)
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as s:
        assert ended(s)
    proxy.heal()
    assert exchange(proxy.port, data) == data


def ended(s):
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True


if __name__ == "__main__":
    fault.load()
    tests = [f for name, f in sorted(globals().items()) if name.startswith("test_")]
    for test in tests:
        test()
    sys.exit(print(f"{len(tests)} passed") if tests else 1)
