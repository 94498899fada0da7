# SPDX-License-Identifier: BSD-2-Clause
"""What `weir check` says a pipeline guarantees, and why: every pair of the connectors as they are, without servers."""
import pytest

KAFKA = "brokers = 127.0.0.1:1"
SOURCES = {
    "kafka": f"plugin = kafka\n{KAFKA}\ntopics = t",
    "file": "plugin = file\npath = /tmp/no/such/*.log",
    "std": "plugin = std",
    "a pass": "plugin = elasticsearch\nurl = http://127.0.0.1:1\nindex = i",
    "a sorted pass": "plugin = elasticsearch\nurl = http://127.0.0.1:1\nindex = i\nsort = n",
}
ES = "plugin = elasticsearch\nurl = http://127.0.0.1:1\nindex = i"
SINKS = {
    "kafka": f"plugin = kafka\n{KAFKA}\ntopic = u",
    "kafka, exactly once": f"plugin = kafka\n{KAFKA}\ntopic = u\ndelivery = exactly-once",
    "file": "plugin = file\npath = /tmp/no/such/out",
    "file, no fsync": "plugin = file\npath = /tmp/no/such/out\nfsync = none",
    "std": "plugin = std",
    "es": ES,
    "es, id": f"{ES}\nid = {{.id}}",
    "es, id and version": f"{ES}\nid = {{.id}}\nversion = offset",
    "es, create": f"{ES}\nop = create\nid = {{.id}}",
    "es, create, conflicts rejected": f"{ES}\nop = create\nid = {{.id}}\non-conflict = reject",
    "es, upsert": f"{ES}\nop = upsert\nid = {{.id}}",
}
LEAST = "can not tell a repeat after a crash from a new record"
KNOWS = "knows each record by its identity, so that a repeat changes nothing"
STORES = "stores records and the position they lead to in one transaction"
FINAL = "makes records and the offsets of their source final in one transaction, for readers of what is committed"
OF_SINK = {
    "kafka": ("at least once", f"kafka {LEAST}"),
    "kafka, exactly once": ("exactly once", f"kafka {FINAL}"),
    "file": ("exactly once", f"file {STORES}"),
    "file, no fsync": ("at least once", f"file {LEAST}"),
    "std": ("at least once", f"std {LEAST}"),
    "es": ("effectively once", f"elasticsearch {KNOWS}"),
    "es, id": ("at least once", f"elasticsearch {LEAST}"),
    "es, id and version": ("effectively once", f"elasticsearch {KNOWS}"),
    "es, create": ("effectively once", f"elasticsearch {KNOWS}"),
    "es, create, conflicts rejected": ("at least once", f"elasticsearch {LEAST}"),
    "es, upsert": ("at least once", f"elasticsearch {LEAST}"),
}
ONCE_READ = {"std": "std", "a pass": "elasticsearch"}
PLUGIN = {"kafka": "kafka", "file": "file", "a sorted pass": "elasticsearch"}


def check(weir, text):
    return weir.call("check", weir.ini(text))


def said(result):
    assert result.status == 0, result.err
    return result.out.decode().splitlines()[1].strip()


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("source", SOURCES)
def test_pair(weir, source, sink):
    result = check(weir, f"[source]\n{SOURCES[source]}\n[sink]\n{SINKS[sink]}\n")
    if sink == "kafka, exactly once" and source != "kafka":
        assert result.status == 2 and "exactly-once is for a kafka source on the same cluster" in result.err
        return
    if source in ONCE_READ:
        lost = "can not be read again: what was read but not delivered when weir ends is lost"
        assert said(result) == f"at most once, because {ONCE_READ[source]} {lost}"
        return
    guarantee, why = OF_SINK[sink]
    again = f"{PLUGIN[source]} is read again from the last commit after a crash"
    assert said(result) == f"{guarantee}, because {again}, and {why}"


@pytest.mark.parametrize("pipeline", ["workers = 4", "order = none", "commit = 5s"])
def test_what_changes_nothing(weir, pipeline):
    text = f"[pipeline]\n{pipeline}\n[source]\n{SOURCES['kafka']}\n[transform a]\nplugin = case\nfield = .a\nto = upper\n"
    assert said(check(weir, f"{text}[sink]\n{SINKS['file']}\n")).startswith("exactly once")


def test_several_sinks_each_with_its_own(weir):
    text = f"[source]\n{SOURCES['kafka']}\n[sink k]\n{SINKS['kafka, exactly once']}\n[sink f]\n{SINKS['file']}\n[sink e]\n{SINKS['es']}\n"
    first = 'commits before kafka "k", so that a crash in between repeats records (at least once)'
    assert said(check(weir, text)) == (
        "at least once, because kafka is read again from the last commit after a crash, and "
        f'kafka "k" {FINAL} (exactly once), file "f" {first} and elasticsearch "e" {KNOWS} (effectively once)'
    )
    independent = said(check(weir, "[pipeline]\nfan-out = independent\n" + text))
    assert independent == (
        "effectively once, because kafka is read again from the last commit after a crash, for each sink by itself, and "
        f'kafka "k" {FINAL} (exactly once), file "f" {STORES} (exactly once) and elasticsearch "e" {KNOWS} (effectively once)'
    )


def test_dead_letters_are_named_when_they_are_less(weir):
    text = f"[source]\n{SOURCES['kafka']}\n[sink]\n{SINKS['es']}\n[dead-letter]\n"
    assert "dead letters" not in said(check(weir, text + SINKS["file"]))
    assert said(check(weir, text + SINKS["kafka"])).endswith("; dead letters arrive at least once")
