#!/bin/sh
# A source in shell: the lines of a file, by their number.
#
#   [source]
#   plugin    = exec
#   command   = /usr/share/doc/weir/exec/source.sh /var/lib/weir/values.txt
#   positions = yes
n=${WEIR_POSITION:-0}
tail -n "+$((n + 1))" "$1" | while IFS= read -r line; do
	n=$((n + 1))
	printf '%s %s\n' "$n" "$line"
done
