#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""header.py - reads <weir/plugin.h> as the preprocessor leaves it, and writes what follows from it.

Usage: header.py DIR LEVEL declared | c-twin | reach | grown | rust | rust-twin (DIR/weir/plugin.h; CC: compiler, else cc)

declared   every struct, field, signature and constant, one on a line
c-twin     a C program that prints size, offset and value of each; rust-twin the same in Rust, over bindings `plugin`
reach      a C library of one function, from which every type is reached: for abidiff
grown      the header of the level after this one: two fields more in every struct that may grow, as rules would have it
rust       those bindings: plugin-api/examples/rust/plugin.rs

What it can not read is an error, so that nothing of the contract escapes the gates that ask it."""
import os
import re
import subprocess
import sys

RUST = {"uint8_t": "u8", "uint32_t": "u32", "int32_t": "i32", "uint64_t": "u64", "int64_t": "i64", "size_t": "usize",
        "int": "c_int", "char": "c_char", "void": "c_void"}
RUST_KEYWORDS = {"type", "match", "where", "use", "ref", "move", "self", "final", "abstract"}
# Macros that are no number, but words of the language, or two numbers; or that say which header it is.
NO_NUMBER = {"WEIR_PLUGIN_H", "WEIR_API", "WEIR_API_MIN", "WEIR_API_LATEST", "WEIR_EXPORT", "WEIR_C", "WEIR_ENTRY",
             "WEIR_PLUGIN_HEAD", "WEIR_ANY_CODE"}


def preprocessed(folder, level, *options):
    program = f"#define WEIR_API {level}\n#include <weir/plugin.h>\n"
    run = subprocess.run([*os.environ.get("CC", "cc").split(), "-E", *options, "-I", folder, "-x", "c", "-"],
                         input=program, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"header.py: {run.stderr}")
    return run.stdout


def parts(text, sign):
    """Splits at a sign, but not within brackets."""
    found, depth = [""], 0
    for c in text:
        depth += (c in "({") - (c in ")}")
        if c == sign and depth == 0:
            found.append("")
        else:
            found[-1] += c
    return [" ".join(p.split()) for p in found if p.strip()]


def place(order, macro):
    name = re.match(r"#define (\w+)", macro)[1]
    return order.index(name) if name in order else len(order)


class Header:
    """structs: name → [(field, declaration)]; opaque: names; constants: name → (Rust type, Rust value), in their order."""

    def __init__(self, folder, level):
        self.structs, self.opaque, self.constants = {}, [], {}
        text = preprocessed(folder, level, "-P")
        text = text[text.index("struct weir_"):]
        for declaration in parts(text, ";"):
            self.declaration(declaration)
        with open(f"{folder}/weir/plugin.h", encoding="utf-8") as file:
            order = re.findall(r"# *define (\w+)", file.read())
        macros = [m for m in preprocessed(folder, level, "-dM").splitlines() if m.startswith("#define WEIR_")]
        for line in sorted(macros, key=lambda m: place(order, m)):
            self.macro(line)
        self.opaque = [o for o in self.opaque if o not in self.structs]

    def declaration(self, text):
        if match := re.fullmatch(r"struct (weir_\w+)", text):
            self.opaque.append(match[1])
        elif match := re.fullmatch(r"struct (weir_\w+) \{(.*)\}", text):
            self.structs[match[1]] = [f for d in parts(match[2], ";") for f in self.fields(d)]
        elif match := re.fullmatch(r"enum \{(.*)\}", text):
            value = -1
            for item in parts(match[1], ","):
                name, _, given = item.partition(" = ")
                value = int(given, 0) if given else value + 1
                self.constants[name] = ("u32", str(value))
        elif not text.startswith("static inline"):
            sys.exit(f"header.py: can not read: {text}")

    @staticmethod
    def fields(text):
        if match := re.fullmatch(r".*?\(\*(\w+)\)\(.*\)", text):
            return [(match[1], text)]
        first, *others = parts(text, ",")
        match = re.fullmatch(r"((?:const |struct )*\w+ )((?:\*|const |\s)*)(\w+)", first)
        if not match:
            sys.exit(f"header.py: can not read: {text}")
        found = [(match[3], first)]
        for other in others:
            found.append((other.lstrip("*"), match[1] + other))
        return found

    def macro(self, line):
        match = re.fullmatch(r"#define (WEIR_\w+)(\(.*?\))?(?: (.*))?", line)
        if not match or match[2] or match[1] in NO_NUMBER:
            return
        number = re.fullmatch(r"\(?(-?(?:0x)?[0-9a-fA-F]+)(u?)\)?|INT64_MIN", match[3] or "")
        if not number:
            sys.exit(f"header.py: can not read: {line}")
        kind = "i64" if not number[1] else "u32" if number[2] else "c_int"
        self.constants[match[1]] = (kind, number[1] or "i64::MIN")


def rust_name(name):
    return f"r#{name}" if name in RUST_KEYWORDS else name


def rust_type(text):
    """The type of a declaration without its name, or with it: (name or None, type)."""
    if match := re.fullmatch(r"(.*?)\(\*(\w+)\)\((.*)\)", text):
        return match[2], rust_function(match[1].strip(), match[3])
    words = [w for w in re.findall(r"\w+|\*", text) if w != "struct"]
    names = [w for w in words if w not in ("*", "const")]
    name = words.pop() if len(names) == 2 else None
    const, made = False, None
    for word in words:
        if word == "const":
            const = True
        elif word == "*":
            made, const = ("*const " if const else "*mut ") + made, False
        else:
            made = RUST.get(word, word)
            if made == word and not word.startswith("weir_"):
                sys.exit(f"header.py: no type of Rust for: {text}")
    return name, made


def rust_function(result, arguments):
    given = []
    for argument in parts(arguments, ","):
        name, made = rust_type(argument)
        if made != "c_void":
            given.append(made if name is None else f"{'this' if name == 'self' else rust_name(name)}: {made}")
    result = "" if result == "void" else " -> " + rust_type(result)[1]
    return f"Option<unsafe extern \"C\" fn({', '.join(given)}){result}>"


def print_rust(header):
    print("""/* SPDX-License-Identifier: 0BSD */
//! plugin.rs - <weir/plugin.h> in Rust: the contract between weir and a plugin, level 1.
//!
//! Made of the header, and compared with it by a test of weir.  What each thing means, who owns what, and which thread
//! may call is said in the header, and in weir-plugin(7).  helpers.rs has comforts over it.
#![allow(non_camel_case_types, dead_code)]

use std::os::raw::{c_char, c_int, c_void};
""")
    for name, (kind, value) in header.constants.items():
        print(f"pub const {name}: {kind} = {value};")
    for name in header.opaque:
        print(f"\n#[repr(C)]\npub struct {name} {{\n    _private: [u8; 0],\n}}")
    for name, fields in header.structs.items():
        print(f"\n#[repr(C)]\n#[derive(Clone, Copy)]\npub struct {name} {{")
        for field, text in fields:
            print(f"    pub {rust_name(field)}: {rust_type(text)[1]},")
        print("}")
    print()
    for name in header.structs:
        print(f"unsafe impl Sync for {name} {{}}")


def print_declared(header):
    for name, fields in header.structs.items():
        print(f"struct {name}")
        for _, text in fields:
            print(f"    {text}")
    for name in header.opaque:
        print(f"opaque {name}")
    for name, (kind, value) in header.constants.items():
        print(f"{name} {kind} {value}")


def print_c_twin(header, level):
    print(f"#define WEIR_API {level}\n#include <weir/plugin.h>\n#include <stdio.h>\nint main(void)\n{{")
    for name, fields in header.structs.items():
        print(f'    printf("{name} %zu\\n", sizeof(struct {name}));')
        for field, _ in fields:
            at = f"struct {name}, {field}"
            print(f'    printf("{name}.{field} %zu %zu\\n", offsetof({at}), sizeof(((struct {name} *)0)->{field}));')
    for name in header.constants:
        print(f'    printf("{name} %lld\\n", (long long)({name}));')
    print("    return 0;\n}")


def print_reach(header, level):
    given = ", ".join(f"const struct {name} *" for name in header.structs)
    print(f"#define WEIR_API {level}\n#include <weir/plugin.h>\nvoid reach({given});\nvoid (*reached)({given}) = reach;")
    print(f"void reach({', '.join(f'const struct {name} *a{i}' for i, name in enumerate(header.structs))})\n{{")
    print("".join(f"    (void)a{i};\n" for i in range(len(header.structs))) + "}")


def print_grown(folder, level):
    with open(f"{folder}/weir/plugin.h", encoding="utf-8") as file:
        text = file.read()
    more = f"\n#if WEIR_API >= {level + 1}\n    const void *later;\n    uint64_t latest;\n#endif\n"
    frozen = {"weir_ctx", "weir_span"} | set(re.findall(r"(?m)^struct (weir_\w+) \{.*FROZEN", text))

    def grow(match):
        return match[0] if match[1] in frozen else match[0][:-2] + more + match[0][-2:]

    text = re.sub(r"(?ms)^struct (weir_\w+) \{.*?\};", grow, text)
    for old, new in (("WEIR_API_LATEST %du", "WEIR_API_LATEST %du"), ("|| WEIR_API > %d\n", "|| WEIR_API > %d\n")):
        if text.count(old % level) != 1:
            sys.exit(f"header.py: the header does not say {old % level}")
        text = text.replace(old % level, new % (level + 1))
    print(text, end="")


def print_rust_twin(header):
    print("""#[path = "plugin.rs"]
mod plugin;
use plugin::*;
use std::mem::{size_of, MaybeUninit};
use std::ptr::addr_of;
fn size<T>(_: *const T) -> usize {
    size_of::<T>()
}
fn main() {""")
    for name, fields in header.structs.items():
        print(f'    println!("{name} {{}}", size_of::<{name}>());')
        print(f"    let made = MaybeUninit::<{name}>::zeroed();\n    let base = made.as_ptr();")
        for field, _ in fields:
            print(f"    let at = unsafe {{ addr_of!((*base).{rust_name(field)}) }};")
            print(f'    println!("{name}.{field} {{}} {{}}", at as usize - base as usize, size(at));')
    for name in header.constants:
        print(f'    println!("{name} {{}}", {name} as i64);')
    print("}")


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in ("declared", "c-twin", "reach", "grown", "rust", "rust-twin"):
        sys.exit(__doc__)
    header = Header(sys.argv[1], sys.argv[2])
    if len(header.structs) < 20 or len(header.constants) < 50:
        sys.exit("header.py: that is not the contract")
    {"declared": print_declared, "rust": print_rust, "rust-twin": print_rust_twin,
     "c-twin": lambda h: print_c_twin(h, sys.argv[2]), "reach": lambda h: print_reach(h, sys.argv[2]),
     "grown": lambda h: print_grown(sys.argv[1], int(sys.argv[2]))}[sys.argv[3]](header)


main()
