# SPDX-License-Identifier: BSD-2-Clause
"""Chains of transforms: filter and case, in file order, with and without `when`; all else of a record stays."""
import pytest

from lib.record import Record, read_lines, to_line

pytestmark = pytest.mark.pipeline


def run(weir, transforms, lines, *, workers=1, more=""):
    ini = f"[pipeline]\nworkers={workers}\n[source]\nplugin=std\n{transforms}\n[sink]\nplugin=std\n{more}"
    return weir.run(ini, stdin=b"".join(line + b"\n" for line in lines))


def test_filter_keeps_what_matches(weir):
    lines = [b'{"status":%d}' % s for s in (200, 404, 500, 503, 302)]
    result = run(weir, "[transform errors]\nplugin=filter\nwhen=.status >= 500", lines).ok(2, dropped=3)
    assert result.out.splitlines() == [lines[2], lines[3]]


def test_case_of_a_field_leaves_the_other_bytes(weir):
    lines = [
        b'{ "n" : 1.50 , "user": {"name" :"zo\xc3\xab \\u00e9\xc3\x9f"}, "n":2 }',
        b'{"user":{}}',
        b'{"user":{"name":5}}',
        b'{"user":{"name":""}}',
    ]
    result = run(weir, "[transform up]\nplugin=case\nto=upper\nfield=.user.name", lines).ok(4)
    got = result.out.splitlines()
    assert got[0] == '{ "n" : 1.50 , "user": {"name" :"ZOË ÉSS"}, "n":2 }'.encode()
    assert got[1:] == lines[1:]


def test_case_of_the_whole_value(weir):
    result = run(weir, "[transform up]\nplugin=case\nto=upper", ["no json, žluťoučký".encode(), b"B"]).ok(2)
    assert result.out == "NO JSON, ŽLUŤOUČKÝ\nB\n".encode()


def test_chain_runs_in_file_order(weir):
    """What the first transform writes the second sees."""
    lines = [b'{"level":"Warn","n":%d}' % i for i in range(3)] + [b'{"level":"INFO","n":9}']
    chain = """[transform down]
        plugin=case
        to=lower
        field=.level
        [transform keep]
        plugin=filter
        when=.level == "warn"
        [transform up]
        plugin=case
        to=upper
        field=.level"""
    result = run(weir, chain, lines).ok(3, dropped=1)
    assert result.out.splitlines() == [b'{"level":"WARN","n":%d}' % i for i in range(3)]
    # in the other order the filter sees the original
    swapped = "[transform keep]\nplugin=filter\nwhen=.level == \"warn\"\n[transform down]\nplugin=case\nto=lower\nfield=.level"
    assert run(weir, swapped, lines).ok(0, dropped=4).out == b""


def test_when_on_a_transform_passes_the_others_untouched(weir):
    lines = [b'{"k":"a","v":"x"}', b'{"k":"b","v":"x"}', b'{"k":"a","v":"y"}']
    chain = '[transform up]\nplugin=case\nto=upper\nfield=.v\nwhen=.k == "a"'
    result = run(weir, chain, lines).ok(3)
    assert result.out.splitlines() == [b'{"k":"a","v":"X"}', lines[1], b'{"k":"a","v":"Y"}']


def test_many_records_keep_their_order_and_count(weir):
    lines = [b'{"n":%d,"s":"%s"}' % (i, b"abc" * (i % 50)) for i in range(20000)]
    chain = "[transform odd]\nplugin=filter\nwhen=.s | length >= 30\n[transform up]\nplugin=case\nto=upper\nfield=.s"
    kept = [i for i in range(20000) if 3 * (i % 50) >= 30]
    result = run(weir, chain, lines, workers=2).ok(len(kept), dropped=20000 - len(kept))
    assert result.out.splitlines() == [b'{"n":%d,"s":"%s"}' % (i, b"ABC" * (i % 50)) for i in kept]


def test_transform_sees_metadata_and_keeps_it(weir, tmp_path):
    """key, headers and time of a record are its own after a transform; a tombstone is null to an expression."""
    records = [
        Record(b'{"a":"x"}', b"k1", [("h", b"1"), ("h", None)], 1000, "web", 3, 7),
        Record(b'{"a":"x"}', b"other", [], 2000, "web", 3, 8),
        Record(None, b"k2", [("h", b"2")], None, "web", 3, 9),
    ]
    (tmp_path / "in").write_bytes(b"".join(to_line(r) + b"\n" for r in records))
    result = weir.run(
        f"""[source]
        plugin=file
        path={tmp_path}/in
        format=record
        [transform keep]
        plugin=filter
        when=$key | startswith("k")
        [transform up]
        plugin=case
        to=upper
        field=.a
        when=. != null
        [sink]
        plugin=std
        format=record"""
    ).ok(2, dropped=1)
    got = read_lines(result.out)
    assert got == [Record(b'{"a":"X"}', b"k1", records[0].headers, 1000, "web", 3, 7), records[2]]


@pytest.mark.parametrize("more", ["", "isolate=process"])
def test_part_key_works_on_the_key_alone(weir, tmp_path, more):
    """Four workers, of a plugin in its own process too; what has no key passes, and a bad key is a dead letter."""
    records = [Record(b'{"s":"v%d","no":"x"}' % i, b'{"s":"k%d"}' % i, [("h", b"1")], 5, "web", i % 8, i // 8)
               for i in range(2000)]
    bad = Record(b'{"s":"v"}', b"no json", [], 5, "web", 9, 0)
    bare = Record(b'{"s":"v"}', None, [], 5, "web", 9, 1)
    for n in range(10):
        lines = records[n::10] + [bad, bare] * (n == 0)
        (tmp_path / f"in.{n}").write_bytes(b"".join(to_line(r) + b"\n" for r in lines))
    weir.run(
        f"""[pipeline]
        workers=4
        [source]
        plugin=file
        path={tmp_path}/in.*
        format=record
        [transform value]
        plugin=case
        to=upper
        field=.s
        when=.no == "x"
        [transform key]
        plugin=case
        part=key
        to=upper
        field=.s
        {more}
        [sink]
        plugin=file
        path={tmp_path}/out
        format=record
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record"""
    ).ok(2001, dead=1)
    got = read_lines((tmp_path / "out").read_bytes())
    want = [Record(b'{"s":"V%d","no":"x"}' % i, b'{"s":"K%d"}' % i, r.headers, 5, "web", i % 8, i // 8)
            for i, r in enumerate(records)]
    assert sorted(got, key=lambda r: (r.partition, r.offset)) == [*sorted(want, key=lambda r: (r.partition, r.offset)), bare]
    (dead,) = read_lines((tmp_path / "dead").read_bytes())
    assert (dead.key, dead.value) == (b"no json", b'{"s":"v"}')


@pytest.mark.parametrize("section, text", [
    ("plugin=merge\ncount=2", "part does not go with a transform that holds records"),
    ("plugin=filter\nwhen=.a", "part says nothing here"),
])
def test_part_key_is_refused_where_it_means_nothing(weir, section, text):
    result = run(weir, f"[transform t]\n{section}\npart=key", [])
    assert result.status == 2 and text in result.err


def test_failing_transform_is_a_dead_letter(weir, tmp_path):
    lines = [b'{"n":1}', b"no json", b'{"n":2}']
    chain = "[transform f]\nplugin=filter\nwhen=.n > 1"
    result = run(weir, chain, lines, more=f"[dead-letter]\nplugin=file\npath={tmp_path}/dead").ok(1, dead=1, dropped=1)
    assert result.out == b'{"n":2}\n' and (tmp_path / "dead").read_bytes() == b"no json\n"


def test_what_is_parsed_between_edits(weir):
    """Edits that are not printed yet stand before it, and what it made is edited again."""
    chain = """[transform up]
        plugin=case
        to=upper
        field=.host
        [transform parse]
        plugin=parse
        format=logfmt
        field=.a.log
        [transform level]
        plugin=case
        to=upper
        field=.lvl
        [transform inner]
        plugin=parse
        format=json
        field=.inner
        into=.inner"""
    lines = [
        b'{"host":"h","a":{"log":"lvl=info host=\\"x y\\" inner=[1,2.0]","z":1}, "t":1.0 }',
        b'{"host":"h","a":{"log":"a=1 lvl=z","z":1}}',
        b'{"host":"h","t":"lvl=y","a":{"log":"lvl=y"}}',
    ]
    for workers in (1, 3):
        got = run(weir, chain, lines, workers=workers).ok(3).out.splitlines()
        assert got == [
            b'{"a":{"z":1}, "t":1.0,"lvl":"INFO","host":"x y","inner":[1,2.0] }',
            b'{"host":"H","a":"1","lvl":"Z"}',
            b'{"host":"H","t":"lvl=y","a":{},"lvl":"Y"}',
        ]


def test_what_goes_behind_edits(weir):
    """Elements that an earlier stage wrote lie elsewhere in memory than those that it left alone."""
    line = b'{"a":["p","secret","q"],"b":{"c":1,"d":2}}'
    edit = "[transform edit]\nplugin=fields\nset.a[0]=x\nset.b.c=x\n"
    for stage, left in (
        ("plugin=fields\nremove=.a[0], .a[1], .b, .b.c", b'{"a":["q"]}'),
        ("plugin=fields\nremove=.b, .b.c, .a[-2]", b'{"a":["x","q"]}'),
        ("plugin=redact\naction=drop\nfields=.a[0]", b'{"a":[null,"secret","q"],"b":{"c":"x","d":2}}'),
        ("plugin=redact\naction=drop\nfields=.a[0], .b.c", b'{"a":[null,"secret","q"],"b":{"d":2}}'),
    ):
        assert run(weir, edit + "[transform goes]\n" + stage, [line]).ok(1).out == left + b"\n"


def test_what_can_not_be_parsed(weir, tmp_path):
    lines = [b"a=1", b"plain", b"\xff=1", b"", b"a=2"]
    dead = tmp_path / "dead"
    chain = "[transform parse]\nplugin=parse\nformat=logfmt"
    result = run(weir, chain, lines, more=f"[dead-letter]\nplugin=file\npath={dead}\nformat=record").ok(2, dead=3)
    assert result.out == b'{"a":"1"}\n{"a":"2"}\n'
    assert len(dead.read_bytes().splitlines()) == 3
    result = run(weir, chain + "\non-error=keep", lines).ok(5)
    assert result.out == b'{"a":"1"}\nplain\n\xff=1\n\n{"a":"2"}\n'
    assert len(result.lines("further ones are counted only")) == 1
    result = run(weir, chain + "\non-error=drop", lines).ok(2, dropped=3)
    assert result.out == b'{"a":"1"}\n{"a":"2"}\n'


def test_dropped_by_every_sink(weir):
    """Neither sink wants it: dropped, not lost."""
    ini = "[source]\nplugin=std\n[sink a]\nplugin=std\nwhen=.n == 1\n[sink b]\nplugin=std\nwhen=.n == 2"
    result = weir.run(ini, stdin=b"".join(b'{"n":%d}\n' % i for i in range(5))).ok(2, dropped=3)
    assert sorted(result.out.splitlines()) == [b'{"n":1}', b'{"n":2}']
