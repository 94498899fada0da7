#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `validate` means what JSON Schema says: tests/unit/schema-driver against the published tests and another validator.
/usr/bin/python3 -c 'import jsonschema' 2> /dev/null || { echo "skipped: there is no python3-jsonschema"; exit 77; }
suite=${SCHEMA_SUITE:-/usr/share/json-schema-test-suite/tests/draft7}
[ -d "$suite" ] || { echo "skipped: there is no json-schema-test-suite"; exit 77; }
driver=${WEIR%/weir}/tests/unit/schema-driver
[ -x "$driver" ] || { echo "$driver was not built"; exit 1; }
exec /usr/bin/python3 "${srcdir:-.}/tests/gates/schema.py" "$driver" "$suite"
