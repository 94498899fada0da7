/* SPDX-License-Identifier: 0BSD */
//! lookup.rs - a transform of weir in Rust: looks a field of the value up in a table and puts what it finds beside it.
//!
//! weir-plugin(7) is the contract; plugin.rs is it in Rust, helpers.rs are comforts.  An instance is a `Lookup`: create
//! boxes it, destroy drops it.  It lives on one thread.  No panic leaves a callback: `guarded` makes a status of it.
mod helpers;
mod plugin;

use helpers::*;
use plugin::*;
use std::collections::HashMap;
use std::mem::{size_of, zeroed};
use std::os::raw::{c_char, c_int, c_void};

/// What an operator may set; weir fills it in by the rows.  The types are C's: see WEIR_T_* in plugin.h.
#[repr(C)]
struct Conf {
    table: *const c_char,
    key: *const weir_path,
    into: *const weir_path,
    missing: i64,
}

/// Values of `missing`, in the order of its row.
struct Names([*const c_char; 4]);
unsafe impl Sync for Names {}
static MISSING: Names = Names([c!("pass"), c!("reject"), c!("drop"), std::ptr::null()]);
const REJECT: i64 = 1;
const DROP: i64 = 2;

/// Rows of the metrics.
const FOUND: usize = 0;
const NOT_FOUND: usize = 1;

struct Lookup {
    ctx: *mut weir_ctx,
    conf: &'static Conf, // lent until the end of destroy
    table: HashMap<Vec<u8>, Vec<u8>>,
}

/// A table is lines of key, tab, value.
fn parse(text: &[u8]) -> Result<HashMap<Vec<u8>, Vec<u8>>, String> {
    let mut table = HashMap::new();
    for (number, line) in text.split(|b| *b == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let tab = line.iter().position(|b| *b == b'\t');
        let tab = tab.ok_or_else(|| format!("{}: there is no tab between key and value", number + 1))?;
        std::str::from_utf8(&line[tab + 1..]).map_err(|_| format!("{}: the value is no UTF-8", number + 1))?;
        table.insert(line[..tab].to_vec(), line[tab + 1..].to_vec());
    }
    Ok(table)
}

impl Lookup {
    /// RETRY: the host waits, longer each time, and calls again; it says so in the log, once.
    unsafe fn open(&mut self) -> c_int {
        let path = text(self.conf.table);
        let read = match std::fs::read(&*path) {
            Ok(read) => read,
            Err(error) => return fail(self.ctx, WEIR_RETRY, &format!("{}: {}", path, error)),
        };
        match parse(&read) {
            Ok(table) => self.table = table,
            Err(why) => return fail(self.ctx, WEIR_FATAL, &format!("{}:{}", path, why)),
        }
        WEIR_OK
    }

    /// The value's field, as bytes: a string decoded, a number as it is written.
    unsafe fn key(&self, batch: *const weir_batch, i: u32, why: &mut *const c_char) -> Result<&[u8], c_int> {
        let mut span: weir_span = zeroed();
        let status = host!(self.ctx, json(self.ctx, batch, i, self.conf.key, &mut span, why));
        let found = match span.r#type {
            WEIR_JSON_STRING => host!(self.ctx, json_string(self.ctx, &span)),
            WEIR_JSON_NUMBER => weir_slice { ptr: span.ptr, len: span.len },
            _ => slice(b""),
        };
        (status == WEIR_OK).then(|| bytes(found).unwrap_or(b"")).ok_or(status)
    }

    unsafe fn set(&self, to: *mut weir_emitter, i: u32, value: &[u8], why: &mut *const c_char) -> c_int {
        let edit = weir_edit { path: self.conf.into, value: slice(value), op: WEIR_EDIT_STRING, reserved: 0 };
        host!(self.ctx, emit_edit(to, i, &edit, 1, size_of::<weir_edit>() as u32, why))
    }

    unsafe fn reject(&self, to: *mut weir_emitter, i: u32, why: *const c_char) -> c_int {
        let result = weir_result { index: i, status: WEIR_REJECT, why, ..zeroed() };
        host!(self.ctx, reject(to, i, &result))
    }

    /// A record without a match goes where `missing` says.
    unsafe fn missing(&self, to: *mut weir_emitter, i: u32) -> c_int {
        match self.conf.missing {
            REJECT => self.reject(to, i, c!("its key is not in the table")),
            DROP => WEIR_OK, // of what nothing is said, nothing goes on
            _ => host!(self.ctx, pass(to, i, 1)),
        }
    }

    unsafe fn process(&mut self, batch: *const weir_batch, to: *mut weir_emitter) -> c_int {
        let mut view = weir_view { struct_size: size_of::<weir_view>() as u32, ..zeroed() };
        let mut status = host!(self.ctx, view(self.ctx, batch, &mut view));
        let mut counts = [0; 2];
        for i in 0..view.count {
            let mut why = c!("");
            let found = self.key(batch, i, &mut why).map(|key| self.table.get(key));
            if let Ok(found) = found {
                counts[if found.is_some() { FOUND } else { NOT_FOUND }] += 1;
            }
            status = match found {
                Ok(Some(value)) => self.set(to, i, value, &mut why),
                Ok(None) => self.missing(to, i),
                Err(status) => status,
            };
            if status == WEIR_REJECT {
                status = self.reject(to, i, why);
            }
            if status != WEIR_OK {
                break;
            }
        }
        for (row, n) in counts.into_iter().enumerate() {
            host!(self.ctx, count(self.ctx, row as u32, n));
        }
        status
    }
}

unsafe extern "C" fn create(ctx: *mut weir_ctx, conf: *const c_void, this: *mut *mut c_void) -> c_int {
    guarded(ctx, || {
        let made = Lookup { ctx, conf: &*(conf as *const Conf), table: HashMap::new() };
        *this = Box::into_raw(Box::new(made)) as *mut c_void;
        WEIR_OK
    })
}

unsafe extern "C" fn open(this: *mut c_void) -> c_int {
    let this = &mut *(this as *mut Lookup);
    guarded(this.ctx, || this.open())
}

unsafe extern "C" fn process(this: *mut c_void, batch: *const weir_batch, to: *mut weir_emitter) -> c_int {
    let this = &mut *(this as *mut Lookup);
    guarded(this.ctx, || this.process(batch, to))
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut Lookup));
}

fn describe() -> weir_plugin {
    let rows = vec![
        weir_option {
            flags: WEIR_F_REQUIRED,
            ..option!(Conf, table: *const c_char, WEIR_T_STRING, "table", "File of lines: key, tab, value")
        },
        weir_option {
            flags: WEIR_F_REQUIRED,
            ..option!(Conf, key: *const weir_path, WEIR_T_PATH, "key", "Field that is looked up")
        },
        weir_option {
            flags: WEIR_F_REQUIRED,
            ..option!(Conf, into: *const weir_path, WEIR_T_PATH, "into", "Field that gets what was found")
        },
        weir_option {
            def: c!("pass"),
            values: MISSING.0.as_ptr(),
            ..option!(Conf, missing: i64, WEIR_T_ENUM, "missing", "What becomes of a record that is not in the table")
        },
    ];
    let counters = vec![
        counter(c!("found"), c!("Records whose key is in the table")),
        counter(c!("not_found"), c!("Records whose key is not")),
    ];
    let transform = weir_ops {
        struct_size: size_of::<weir_ops>() as u32,
        kind: WEIR_TRANSFORM,
        promises: WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
        options: options::<Conf>(rows),
        metrics: metrics(counters),
        create: Some(create),
        open: Some(open),
        process: Some(process),
        destroy: Some(destroy),
        ..unsafe { zeroed() }
    };
    weir_plugin {
        name: c!("lookup"),
        version: c!("0.1.0"),
        summary: c!("Puts beside a field what a table has for it"),
        license: c!("0BSD"),
        ..plugin(&[kept(transform)])
    }
}

static DESCRIPTION: Description = Description::new();

/// The one function that is exported.
#[no_mangle]
pub extern "C" fn weir_plugin_entry() -> *const weir_plugin {
    DESCRIPTION.get(describe)
}
