#!/bin/bash
# t-plugins.sh - every built plugin: exports its entry and nothing else, is listed, describes itself in four ways, has
# the options that tests/golden/NAME.json says (make update-golden), and refuses what is not an option or not within its
# limits; and so does a plugin of somebody else that has an option of every type.
. "$(dirname "$0")/lib.sh"
[ -x "$WEIR" ] || skip "there is no $WEIR"
shopt -s nullglob
mkdir "$tmp/work"
cd "$tmp/work" || exit 1

symbols() { nm -D "$1" | awk -v kind="$2" 'kind == "U" ? $1 == "U" : $1 != "U" && $2 ~ /^[A-TV-Z]$/ { print $NF }'; }
is_json() { python3 -m json.tool "$1"; }
same() { diff -u "$1" "$2"; }
silent_lint() { [ -z "$(mandoc -T lint -W warning "$1" | tee /dev/stderr)" ]; }

check_binary() { # NAME FILE
	checks=$((checks + 2))
	local shown lacks
	shown=$(symbols "$2" D | grep -vE '^(__asan|__tsan|__ubsan|__odr|__gcov|mangle)')
	[ "$shown" = weir_plugin_entry ] || bad "$1 exports $shown; it must export weir_plugin_entry and nothing else"
	lacks=$(nm -D --undefined-only "$2" | grep -oE '\bweir_\w+')
	[ -z "$lacks" ] || bad "$1 wants $lacks of the host; a plugin links no symbol of weir"
}

check_descriptions() { # NAME
	pass "weir plugins does not list $1" grep -q "^$1 " list
	pass "weir plugins $1" "$WEIR" plugins "$1"
	cp "$tmp/out" help
	for way in man schema sample; do
		pass "weir plugins $1 --$way" "$WEIR" plugins "$1" "--$way" && cp "$tmp/out" "$way"
		pass "weir plugins $1 --$way printed nothing" test -s "$way"
	done
	have python3 && pass "the schema of $1 is not JSON" is_json schema
	have mandoc && pass "the manual of $1" silent_lint man
	pass "the options of $1 are not those of tests/golden/$1.json; meant? make update-golden" \
		same "$srcdir/tests/golden/$1.json" schema
}

# An unknown option is refused by file and line in every section the plugin can be.
check_unknown_option() { # NAME
	local kind section want status
	for kind in source transform sink; do
		grep -qE "^$1 .*\b$kind\b" list || continue
		section=$kind
		[ $kind = transform ] && section="transform t"
		printf '[%s]\nplugin = %s\nno-such-option = 1\n' "$section" "$1" >web.ini
		want="web.ini:3: [$section] unknown option \"no-such-option\""
		checks=$((checks + 1))
		"$WEIR" check web.ini >out 2>&1
		status=$?
		[ $status = 2 ] || bad "$1: an unknown option gives exit status $status, not 2"
		grep -qF "$want" out || bad "$1: weir check did not say: $want"
	done
}

# The sample, read as it is, has no option that weir does not know.
check_sample() { # NAME
	checks=$((checks + 1))
	cp sample sample.ini
	"$WEIR" check sample.ini >out 2>&1
	grep -F 'unknown option' out >hits && bad "$1: its own sample: $(head -n 1 hits)"
	sed -E 's/^;([a-z][a-z0-9.-]* *=.)/\1/' sample >sample.ini
	"$WEIR" check sample.ini >out 2>&1
	grep -F 'unknown option' out >hits && bad "$1: its own sample, comments off: $(head -n 1 hits)"
}

# Each limit is taken, and one step beyond it is refused on its line.
limits() { # KIND: "option value good|bad" for what the schema says of numbers, sizes and durations
	python3 - "$1" <<'P'
import json, re, sys

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}


def plain(text):
    digits, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", text).groups()
    return int(digits) * UNITS[unit]


for name, o in json.load(open("schema"))["$defs"].get(sys.argv[1], {}).get("properties", {}).items():
    low, high, unit = o.get("minimum"), o.get("maximum"), ""
    said = re.fullmatch(r"(size|duration), (?:at least (\w+)|(\w+) to (\w+))", o.get("format", ""))
    if said:
        unit = "ms" if said[1] == "duration" else ""
        low, high = plain(said[2] or said[3]), plain(said[4]) if said[4] else None
    elif o.get("type") != "integer":
        continue
    for limit, step in (low, -1), (high, 1):
        if limit is not None and abs(limit) < 2**62:
            print(name, f"{limit}{unit}", "good")
            if not (unit or said) or limit + step >= 0:
                print(name, f"{limit + step}{unit}", "bad")
P
}

check_limits() { # NAME
	local kind section option value want
	for kind in source transform sink; do
		section=$kind
		[ $kind = transform ] && section="transform t"
		limits $kind >"$tmp/limits"
		while read -r option value want; do
			checks=$((checks + 1))
			printf '[%s]\nplugin = %s\n%s = %s\n' "$section" "$1" "$option" "$value" >web.ini
			"$WEIR" check web.ini 2>&1 | grep -qE "^web.ini:3: \[$section\] .*out of range"
			case $?$want in
			1bad) bad "$1: $option = $value is out of range, and was not refused on its line" ;;
			0good) bad "$1: $option = $value is a limit, and was refused" ;;
			esac
		done <"$tmp/limits"
	done
}

# A plugin of somebody else is served like ours.
outside=$tmp/outside
mkdir "$outside"
case $CHECK_FLAGS in *fsanitize*) flags=$CHECK_FLAGS ;; *) flags= ;; esac
pass "every-option does not compile" $CC $flags -std=c11 -shared -fPIC -fvisibility=hidden -I"$srcdir/plugin-api" \
	-o "$outside/every-option.so" "$srcdir/tests/bad-plugins/every-option.c"
ours=$WEIR_PLUGIN_PATH
export WEIR_PLUGIN_PATH=$WEIR_PLUGIN_PATH:$outside

"$WEIR" plugins >list || bad "weir plugins exits with $?"
for file in "$ours"/*.so "$outside"/*.so; do
	name=$(basename "$file" .so)
	have nm && check_binary "$name" "$file"
	check_descriptions "$name"
	check_unknown_option "$name"
	check_sample "$name"
	have python3 && check_limits "$name"
done
have mandoc || notice "no mandoc: the manuals were not looked at"
have python3 || notice "no python3: schemas and limits were not looked at"
finish
