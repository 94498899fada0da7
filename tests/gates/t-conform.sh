#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-conform.sh - `weir plugins check` runs a plugin and finds each rule of weir-plugin(7) that it breaks: the plugins of
# tests/bad-plugins/conform are compiled once for each word of their third line and break the rule beside it; without
# one they break none, as our own do and those that `weir new` writes.  All at the same time: the slowest breaks the
# limits of ten seconds.
. "$(dirname "$0")/lib.sh"
[ -x "$WEIR" ] || skip "there is no $WEIR"
case $CHECK_FLAGS in *fsanitize*) flags=$CHECK_FLAGS ;; *) flags= ;; esac
built=$WEIR_PLUGIN_PATH
WEIR=$(realpath "$WEIR")
sources=$srcdir/tests/bad-plugins/conform
cd "$tmp" || exit 1

compile() { # KIND NAME [WORD]
	$CC $flags -std=c11 -O1 -shared -fPIC -fvisibility=hidden -pthread -D_GNU_SOURCE -DNAME="\"$2\"" ${3:+-D$3} \
		-I"$srcdir/plugin-api" -o "$2.so" "$sources/$1.c"
}

# begin NAME ARGUMENT...: checks it in the background; its words are in NAME.said, its status in NAME.status.
begin() {
	local name=$1
	shift
	("$WEIR" plugins check "$@" >"$name.table" 2>"$name.said"; echo $? >"$name.status") &
}

breaks() { # KIND: the words and rules of its source, one pair a line
	tr '\n' ' ' <"$sources/$1.c" | sed -E 's/.*breaks: ([^/]*) \*\/.*/\1/' | tr ';' '\n' | sed 's/ \* / /g' |
		awk '{ print $1, $2 }'
}

for kind in source transform sink; do
	pass "the $kind does not compile" compile $kind good-$kind && begin good-$kind ./good-$kind.so --kind $kind
	while read -r word rule; do
		name=$kind-$(echo "$word" | tr '[:upper:]' '[:lower:]')
		pass "$name does not compile" compile $kind "$name" "$word" && begin "$name" "./$name.so" --kind $kind
		echo "$name $rule" >>wanted
	done < <(breaks $kind)
done

# Plugins that are in order: ours, and new ones.
for kind in source transform sink; do
	mkdir new-$kind && (cd new-$kind && "$WEIR" new $kind fresh-$kind >/dev/null) &&
		pass "a new $kind does not compile" $CC $flags -shared -fPIC -fvisibility=hidden -I"$srcdir/plugin-api" \
			-o fresh-$kind.so new-$kind/fresh-$kind/fresh-$kind.c
done
seq 300 >lines
cat >both.ini <<'INI'
[source]
plugin = file
path = lines

[sink]
plugin = file
path = copy
batch.records = 10
INI
cat >exec.ini <<'INI'
[source]
plugin = exec
positions = yes
command = sh -c 'n=$${WEIR_POSITION:-0}; while [ $n -lt 300 ]; do n=$((n + 1)); echo $n line; done'

[transform t]
plugin = exec
command = sh -c 'while read -r n record; do printf "%s emit %s\n%s ok\n" $n "$record" $n; done'

[sink]
plugin = exec
command = sh -c 'while read -r n record; do echo $n ok; done'
batch.records = 10
INI
cat >pipeline.ini <<'INI'
[transform good]
plugin = filter
isolate = process
when = .text == "a ; b" or .n > 1
INI
begin fresh-source ./fresh-source.so --kind source
begin fresh-transform ./fresh-transform.so
begin fresh-sink ./fresh-sink.so --set path=fresh.out
ours() { [ ! -e "$built/$2.so" ] || begin "$1" "$built/$2.so" "${@:3}"; }
ours ours-std std --kind source
ours ours-std-sink std --kind sink
ours ours-file file --conf both.ini
ours ours-filter filter --set 'when=.n == 1'
ours ours-pipeline filter --conf pipeline.ini
ours ours-case case --set field=.text --set to=upper
ours ours-fields fields --set keep=.text,.n --set 'set.a.b={.text}!' --set 'json.n={offset}'
ours ours-fields-edits fields --set remove=.text --set 'set.a.b={.n}' --set rename.n=m --set default.q=1 --set on-missing=drop
ours ours-timestamp timestamp --set field=.text --set from=rfc3339 --set to=record
ours ours-key key --set 'field.a={.text}' --set 'field.b={offset}' --set on-missing=drop
ours ours-header header --set 'set.a={.text}' --set 'remove=*' --set on-missing=null
ours ours-route route --set 'regex=(.).*' --set 'replacement=$1x'
ours ours-hoist hoist --set field=v
ours ours-hoist-text hoist --set field=v --set as=text
ours ours-extract extract --set field=.text --set as=text
ours ours-flatten flatten
ours ours-multiline multiline --set 'start=.text == "x"'
ours ours-jq jq --set 'filter=., [.text, $key, $headers]'
ours ours-lua lua --set 'code=function process(r) local v = r.value r.headers.x = "y" r.key = "k" return {r, {value = {v, 1.5}}} end'
ours ours-exec-nonsense exec --kind sink --set command=cat
ours ours-exec exec --conf exec.ini
ours away-kafka-source kafka --kind source --set brokers=127.0.0.1:1 --set topics=t
ours away-kafka-sink kafka --kind sink --set brokers=127.0.0.1:1 --set topic=t
ours away-es-source elasticsearch --kind source --set url=http://127.0.0.1:1 --set index=i
ours away-es-sink elasticsearch --kind sink --set url=http://127.0.0.1:1 --set index=i
begin shy ./good-sink.so
wait

while read -r name rule; do
	case $flags:$name in ?*:sink-leaks) continue ;; esac # a sanitizer finds that itself
	checks=$((checks + 1))
	[ "$(cat "$name.status")" = 1 ] || bad "$name: weir plugins check exits with $(cat "$name.status"), not 1"
	grep -q "\[$rule\]\$" "$name.said" || bad "$name: weir plugins check does not name [$rule] but says: $(cat "$name.said" "$name.table")"
	grep -qE "^  [a-z]+ +broken +$rule\$" "$name.table" || bad "$name: the table does not say that $rule is broken"
done <wanted
for name in good-* fresh-* ours-* away-* shy*; do
	case $name in *.status) name=${name%.status} ;; *) continue ;; esac
	checks=$((checks + 1))
	[ "$(cat "$name.status")" = 0 ] && [ ! -s "$name.said" ] ||
		bad "$name is in order, and weir plugins check says: $(cat "$name.said" "$name.table")"
done
seen() { # FILE TEXT
	checks=$((checks + 1))
	grep -qF -- "$2" "$1" || bad "$1 does not say \"$2\": $(cat "$1")"
}
seen good-source.table 'source     kept       resume'
[ ! -e ours-exec.status ] || seen ours-exec.table 'source     kept       resume'
seen good-sink.table 'sink       kept       complete'
seen shy.table 'give --set, --conf or --kind, and it is opened and used'
[ ! -e "$built/filter.so" ] || seen ours-pipeline.table 'transform  kept       promises'
[ ! -e away-kafka-sink.status ] || seen away-kafka-sink.table 'the other end is not there'
[ ! -e away-es-source.status ] || seen away-es-source.table 'the other end is not there'

# Each rule was broken, and stands in the manual in the same words.
checks=$((checks + 1))
"$WEIR" plugins check --rules >rules || bad "weir plugins check --rules fails"
broken=$(cut -d' ' -f2 wanted | sort -u)
[ "$(cut -d' ' -f1 rules | sort)" = "$broken" ] || bad "the rules are $(cut -d' ' -f1 rules | sort | xargs); broken here: $(echo $broken)"
mandoc_words() { sed -n '/^\.Ss While it runs/,/^\.El/p' "$srcdir/docs/weir-plugin.7" | sed -E 's/^\.(It Cm|Fn|Fa|Dv) //; s/ \.$/./; s/ ,$/,/; s/ ;$/;/' | tr -s '\n ' ' '; }
mandoc_words >manual
while read -r name text; do
	checks=$((checks + 1))
	grep -qF -- " $name $text " manual || bad "weir-plugin(7) does not say: $name: $text"
done <rules

refuse "an unknown kind" "$WEIR" plugins check ./good-sink.so --kind sinks
refuse "a plugin is not of that kind" "$WEIR" plugins check ./good-sink.so --kind source
refuse "an INI file without it" "$WEIR" plugins check ./good-sink.so --conf both.ini
finish
