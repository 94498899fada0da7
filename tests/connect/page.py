# SPDX-License-Identifier: BSD-2-Clause
"""The example of docs/connect.md: the stages of its connector, and weir's sections beside it."""
import pathlib
import re

from case import stage

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/connect.md"


def block(kind):
    return re.search(rf"(?ms)^```{kind}\n(.*?)^```$", PAGE.read_text())[1]


def properties():
    """As Java reads them: of two backslashes one is left."""
    pairs = (line.split("=", 1) for line in block("properties").splitlines() if line)
    return {name: value.replace("\\\\", "\\") for name, value in pairs}


def part_of(props, prefix):
    """(class without its package, what is said of it)"""
    own = {name[len(prefix):]: value for name, value in props.items() if name.startswith(prefix)}
    return own.pop("type").rsplit(".", 1)[1], own


def stages():
    props = properties()
    for name in props["transforms"].split(","):
        smt, config = part_of(props, f"transforms.{name}.")
        predicate, negate = config.pop("predicate", None), config.pop("negate", "false") == "true"
        yield stage(smt, config, predicate and part_of(props, f"predicates.{predicate}."), negate)


def sections():
    """The transforms alone."""
    return "".join(s for s in re.split(r"(?m)^(?=\[)", block("ini")) if s.startswith("[transform "))
