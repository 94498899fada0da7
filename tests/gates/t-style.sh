#!/bin/bash
# t-style.sh - the house rules a machine can see.  CONTRIBUTING.md has them with their reasons.
. "$(dirname "$0")/lib.sh"
cd "$srcdir" || exit 1

FILE_MAX=600 FUNCTION_MAX=60
mapfile -t sources < <(find host plugins plugin-api demo tests -path tests/services/target -prune -o \
	\( -name '*.c' -o -name '*.h' \) -print | sort)
mapfile -t scripts < <(find tests packaging -path tests/services/target -prune -o \
	\( -name '*.sh' -o -name '*.py' \) -print | sort)

# The sources with comments and texts blanked, lines kept.
mkdir "$tmp/code"
cp --parents "${sources[@]}" "$tmp/code"
find "$tmp/code" -type f -print0 |
	xargs -0 perl -0777 -i -pe 's{(/\*.*?\*/)|("(?:\\.|[^"\\\n])*")|(//[^\n]*)}{my $m = $&; $m =~ s/[^\n]/ /g; $m}gse'

# banned PATTERN WHY FILE...
banned() {
	local pattern=$1 why=$2 hit
	shift 2
	checks=$((checks + $#))
	(cd "$tmp/code" && grep -HnP -m 1 "$pattern" "$@") >"$tmp/hits"
	while read -r hit; do bad "$hit: $why"; done <"$tmp/hits"
}
only() { printf '%s\n' "${sources[@]}" | grep -P "$1"; }
except() { only "$1" | grep -vP "$2"; }

banned '\b(sprintf|vsprintf|strcpy|strcat|strtok|atoi|atol|gets)\s*\(' "banned: use the bounded form" "${sources[@]}"
banned '(?<!>)(?<!\.)\b(malloc|calloc|realloc|strdup|strndup)\s*\(' "use xmalloc & co. of report/log.h" \
	$(except '^host/' '^host/report/log\.c$')
banned '(?<!>)(?<!\.)\b(time|gettimeofday|rand|srand|random|drand48)\s*\(' "use report/clock.h" \
	$(except '^(host|plugins)/' '^host/report/(log|clock)\.c$')
banned '\b(sleep|usleep|nanosleep)\s*\(' "no sleep in place of a condition" "${sources[@]}"
banned '^\s*typedef\s+(struct|union|enum)\b' "no typedef of structs" "${sources[@]}"

checks=$((checks + ${#sources[@]} + ${#scripts[@]}))
wc -l "${sources[@]}" "${scripts[@]}" | grep -v ' total$' >"$tmp/lengths"
while read -r lines file; do
	[[ $file == */weir/plugin.h ]] && continue # a contract is one file and is only appended to
	[ "$lines" -le $FILE_MAX ] || bad "$file has $lines lines; a file has at most $FILE_MAX"
done <"$tmp/lengths"
words='TO''DO|FIX''ME|X''XX'
grep -HnE -m 1 "\b($words)\b" "${sources[@]}" "${scripts[@]}" >"$tmp/hits"
while read -r hit; do bad "$hit: nothing is left for later"; done <"$tmp/hits"

for file in "${sources[@]}"; do
	checks=$((checks + 1))
	license=BSD-2-Clause name=${file##*/}
	case $file in plugin-api/new/*) license=0BSD ;; esac # it becomes part of other people's work
	{ read -r first && read -r second; } <"$file"
	[ "$first" = "/* SPDX-License-Identifier: $license */" ] || bad "$file:1: the first line is not the SPDX line"
	case $second in
	"/* $name - "* | "/* weir/$name - "*) ;;
	*) bad "$file:2: the second line does not say what the file is: /* $name - ..." ;;
	esac
done

# A plugin knows plugin.h and its own folder (and plugins/common); nothing of the host.
for file in $(only '^plugins/'); do
	for include in $(grep -oP '^\s*#\s*include\s+"\K[^"]+' "$file"); do
		checks=$((checks + 1))
		at=$(realpath -m --relative-to=. "$(dirname "$file")/$include")
		case $at in
		plugins/*) [ -f "$at" ] || bad "$file includes \"$include\", which is not in its folder" ;;
		*) bad "$file includes \"$include\": a plugin includes nothing of the host" ;;
		esac
	done
done

# Each source is built, so that it is shipped too.
lists=$(cat Makefile.am demo/local.mk host/local.mk plugins/local.mk plugins/*/local.mk tests/local.mk && echo .)
for file in "${sources[@]}"; do
	checks=$((checks + 1))
	name=${file##*/}
	case $file in tests/bad-plugins/* | tests/abi/*) continue ;; esac
	[[ $lists == */"$name"[[:space:]]* ]] || [[ $file == tests/*.c && $lists == */"${name%.c}"[[:space:]]* ]] ||
		bad "$file is in no local.mk"
done

# Long functions: as listed, no longer and no needless entry.
if ctags --version 2>/dev/null | grep -q Universal; then
	ctags -f - --languages=C,C++ --kinds-C=f --kinds-C++=f --fields=+ne "${sources[@]}" 2>/dev/null |
		perl -ne 'my ($name, $file) = split /\t/; print "$file $name ", $2 - $1 + 1, "\n" if /\tline:(\d+).*\tend:(\d+)/' >"$tmp/functions"
	[ -s "$tmp/functions" ] || bad "ctags found no function"
	declare -A listed=()
	while read -r file name lines _; do
		case $file in '#'* | '') continue ;; esac
		listed["$file $name"]=$lines
	done <tests/gates/long-functions.txt
	while read -r file name lines; do
		checks=$((checks + 1))
		allowed=${listed["$file $name"]:-}
		[ "$lines" -le "${allowed:-$FUNCTION_MAX}" ] || bad "$file: $name has $lines lines; a function has at most ${allowed:-$FUNCTION_MAX}"
		[ -z "$allowed" ] || [ "$lines" = "$allowed" ] || bad "tests/gates/long-functions.txt: $file $name has only $lines lines now: correct or remove the entry"
	done <"$tmp/functions"
	while read -r file name _; do
		case $file in '#'* | '') continue ;; esac
		grep -q "^$file $name " "$tmp/functions" || bad "tests/gates/long-functions.txt: there is no $name in $file"
	done <tests/gates/long-functions.txt
else
	notice "no universal-ctags: lengths of functions were not looked at"
fi

if have clang-format; then
	mapfile -t laid_out < <(except . '/weir/plugin\.h$') # that one by hand
	checks=$((checks + ${#laid_out[@]}))
	pass "not formatted: make format" clang-format --dry-run -Werror -style=file "${laid_out[@]}"
else
	notice "no clang-format: the layout was not looked at"
fi
finish
