# SPDX-License-Identifier: BSD-2-Clause
"""weir dlq before it sends anything: what it refuses, looks that do not come to their end, whose the letters are."""
import json

import pytest

pytestmark = pytest.mark.pipeline

REFUSED = [
    ("plugin=std", "can not be read back"),
    ("plugin=elasticsearch\nurl=http://127.0.0.1:9\nindex=x\npayload=record", "can not be read back"),
    ("plugin=file\npath=/tmp/{topic}\nformat=record", "holds {fields}"),
    ("plugin=file\npath=/tmp/x", "format = record"),
    ("plugin=file\npath=/tmp/x\nformat=record\ncompress=gzip", "compress = none"),
    ("plugin=kafka\nbrokers=127.0.0.1:9\ntopic=x\nheaders=drop", "headers = keep"),
    ("plugin=kafka\nbrokers=127.0.0.1:9\ntopic=x-{.a}", "holds {fields}"),
]


@pytest.mark.parametrize("dead,why", REFUSED)
def test_refused_with_a_sentence(weir, dead, why):
    ini = weir.ini(f"[source]\nplugin=std\n[sink]\nplugin=std\n[dead-letter]\n{dead}", "web")
    for verb in ("ls", "show", "redrive"):
        result = weir.call("dlq", verb, ini)
        assert result.status == 2 and why in result.err and "web.ini:5: [dead-letter]" in result.err


def test_usage(weir):
    ini = weir.ini("[source]\nplugin=std\n[sink]\nplugin=std", "web")
    assert "no [dead-letter] section" in weir.call("dlq", "ls", ini).err
    for args in ([], ["look"], ["ls"], ["show", ini, ini], ["ls", "--where", ".a ==", ini], ["show", "--limit", "0", ini]):
        result = weir.call("dlq", *args)
        assert result.status == 2 and "see weir dlq" in result.err, result.err


def test_a_topic_that_is_not_there(weir, kafka, name):
    """A look does not wait for ever."""
    ini = weir.ini(f"[source]\nplugin=std\n[sink]\nplugin=std\n[dead-letter]\nplugin=kafka\nbrokers={kafka.brokers}\ntopic={name}", "web")
    result = weir.call("dlq", "ls", "--state-dir", weir.state, ini)
    assert result.status == 1 and "gave up" in result.err and "Unknown topic" in result.err, result.err


@pytest.mark.parametrize("verb,end", [("ls", "\n"), ("redrive", ", so none was sent")])
def test_a_look_that_is_stopped(weir, free_port, verb, end):
    """It has not come to its end: that is said, and nothing follows from it."""
    ini = weir.ini(f"[source]\nplugin=std\n[sink]\nplugin=std\n[dead-letter]\nplugin=kafka\nbrokers=127.0.0.1:{free_port}\ntopic=x", "web")
    running = weir.start_call("dlq", verb, "--state-dir", weir.state, ini)
    running.wait_line(f"127.0.0.1:{free_port}")
    result = running.stop().failed(f"stopped before all dead letters were looked at{end}")
    assert result.all_books == {} and b"no dead letters" not in result.out


def test_a_state_that_can_not_be_read(weir, tmp_path):
    """Then nobody knows what was redriven, so nothing is listed as if it were still to do."""
    (tmp_path / "in").write_bytes(b"no json\n")
    ini = weir.ini(
        f"""[source]
        plugin=file
        path={tmp_path}/in
        [sink]
        plugin=file
        path={tmp_path}/out.{{.n}}
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record""",
        "web",
    )
    weir.run([ini]).ok(0, dead=1)
    (weir.state / "web.db").write_bytes(b"no database" * 100)
    for verb in (["ls"], ["redrive", "--dry-run"]):
        result = weir.call("dlq", *verb, "--state-dir", weir.state, ini)
        result.failed("web.db: file is not a database, so what was redriven before is not known")
        assert b"EXAMPLE" not in result.out.partition(b"\n")[2] and b"would send" not in result.out


def test_several_pipelines(weir, tmp_path):
    """ls takes a folder; pipelines without dead letters are no trouble."""
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (tmp_path / "in").write_bytes(b'{"n":1}\nno json\n')
    for name in ("a", "b", "c"):
        dead = f"[dead-letter]\nplugin=file\npath={tmp_path}/dead-{name}\nformat=record\n" if name != "c" else ""
        (folder / f"{name}.ini").write_text(
            f"[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=file\npath={tmp_path}/out-{name}.{{.n}}\n{dead}"
        )
    for name in ("a", "b"):
        weir.run([folder / f"{name}.ini"]).ok(1, dead=1)
    out = weir.call("dlq", "ls", "--json", "--state-dir", weir.state, folder).out
    assert [json.loads(line)["pipeline"] for line in out.splitlines()] == ["a", "b"]


def test_each_pipeline_has_its_own(weir, tmp_path):
    """In one place, as one topic would be: a pattern for rotated files takes in those of a longer name."""
    ini = {}
    for name, more in (("a", ""), ("b", "2")):
        (tmp_path / f"in-{name}").write_text(f'{{"n":1}}\nbad of {name}\n')
        ini[name] = tmp_path / f"{name}.ini"
        ini[name].write_text(
            f"[source]\nplugin=file\npath={tmp_path}/in-{name}\n[sink]\nplugin=file\npath={tmp_path}/out-{name}.{{.n}}\n"
            f"[dead-letter]\nplugin=file\npath={tmp_path}/dead{more}\nformat=record\nrotate=1G\n"
        )
        weir.run([ini[name]]).ok(1, dead=1)
    for name, count, others in (("a", 1, 1), ("b", 1, 0)):
        result = weir.call("dlq", "ls", "--json", "--state-dir", weir.state, ini[name])
        assert json.loads(result.out)["count"] == count
        assert ('dead letters are of other pipelines ("b" is one)' in result.err) == (others > 0), result.err
    result = weir.call("dlq", "redrive", "--state-dir", weir.state, ini["a"])
    assert result.books.read == 1 and 'other pipelines ("b" is one)' in result.err, result.err
    assert b"bad of b" not in (tmp_path / "dead").read_bytes()
