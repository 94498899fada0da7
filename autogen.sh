#!/bin/sh
# autogen.sh - makes configure from a checkout; a release tarball has it already.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux # aclocal warns without it
exec autoreconf --install
