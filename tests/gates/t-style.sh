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
	local pattern=$1 why=$2 file
	shift 2
	for file in "$@"; do
		checks=$((checks + 1))
		grep -nP "$pattern" "$tmp/code/$file" >"$tmp/hits" && bad "$file:$(head -n 1 "$tmp/hits"): $why"
	done
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

for file in "${sources[@]}" "${scripts[@]}"; do
	checks=$((checks + 1))
	lines=$(wc -l <"$file")
	[ "$lines" -le $FILE_MAX ] || bad "$file has $lines lines; a file has at most $FILE_MAX"
	words='TO''DO|FIX''ME|X''XX'
	grep -nE "\b($words)\b" "$file" >"$tmp/hits" && bad "$file:$(head -n 1 "$tmp/hits"): nothing is left for later"
done

for file in "${sources[@]}"; do
	checks=$((checks + 1))
	license=BSD-2-Clause
	case $file in plugin-api/new/*) license=0BSD ;; esac # it becomes part of other people's work
	[ "$(head -n 1 "$file")" = "/* SPDX-License-Identifier: $license */" ] || bad "$file:1: the first line is not the SPDX line"
	sed -n 2p "$file" | grep -qE "^/\* (weir/)?$(basename "$file" | sed 's/[.]/\\./g') - " ||
		bad "$file:2: the second line does not say what the file is: /* $(basename "$file") - ..."
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
cat Makefile.am demo/local.mk host/local.mk plugins/local.mk plugins/*/local.mk tests/local.mk >"$tmp/lists"
for file in "${sources[@]}"; do
	checks=$((checks + 1))
	case $file in
	tests/bad-plugins/*) ;;
	tests/*.c) grep -qE "/$(basename "$file" .c)([.]c)?( |\$)" "$tmp/lists" || bad "$file is in no local.mk" ;;
	*) grep -qE "/$(basename "$file")( |\$)" "$tmp/lists" || bad "$file is in no local.mk" ;;
	esac
done

# Long functions: as listed, no longer and no needless entry.
if ctags --version 2>/dev/null | grep -q Universal; then
	ctags -f - --languages=C,C++ --kinds-C=f --kinds-C++=f --fields=+ne "${sources[@]}" 2>/dev/null |
		perl -ne 'my ($name, $file) = split /\t/; print "$file $name ", $2 - $1 + 1, "\n" if /\tline:(\d+).*\tend:(\d+)/' >"$tmp/functions"
	[ -s "$tmp/functions" ] || bad "ctags found no function"
	while read -r file name lines; do
		checks=$((checks + 1))
		allowed=$(awk -v f="$file" -v n="$name" '$1 == f && $2 == n { print $3 }' tests/gates/long-functions.txt)
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
	for file in "${sources[@]}"; do
		[ "$file" != plugin-api/weir/plugin.h ] || continue # laid out by hand
		pass "$file is not formatted: make format" clang-format --dry-run -Werror -style=file "$file"
	done
else
	notice "no clang-format: the layout was not looked at"
fi
finish
