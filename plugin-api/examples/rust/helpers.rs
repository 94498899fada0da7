/* SPDX-License-Identifier: 0BSD */
//! helpers.rs - comforts over plugin.rs, in a few lines each: use or leave.
//!
//! Slices, statuses with a sentence, rows of options and metrics, and the two things every plugin in Rust needs: no
//! panic passes the boundary (`guarded`), and the description is made once (`Description`).
#![allow(dead_code)]

use crate::plugin::*;
use std::any::Any;
use std::ffi::CString;
use std::mem::{size_of, zeroed};
use std::os::raw::{c_char, c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Once;

/// Text of the program's as C wants it; it stays for ever.
#[macro_export]
macro_rules! c {
    ($text:expr) => {
        concat!($text, "\0").as_ptr() as *const std::os::raw::c_char
    };
}

/// Calls a function of the host: `host!(ctx, view(ctx, batch, &mut view))`.
#[macro_export]
macro_rules! host {
    ($ctx:expr, $function:ident($($argument:expr),*)) => {
        ((*(*$ctx).host).$function.expect(stringify!($function)))($($argument),*)
    };
}

/// A row of the options: `option!(Conf, path: *const c_char, WEIR_T_STRING, "path", c!("Help"))`.  The field must be of
/// the C type that belongs to the WEIR_T_.
#[macro_export]
macro_rules! option {
    ($conf:ty, $field:ident : $c_type:ty, $kind:expr, $name:expr, $help:expr) => {{
        let _same: fn(&$conf) -> &$c_type = |conf| &conf.$field;
        let conf = std::mem::MaybeUninit::<$conf>::uninit();
        let at = unsafe { std::ptr::addr_of!((*conf.as_ptr()).$field) } as usize;
        weir_option {
            name: c!($name),
            r#type: $kind,
            offset: (at - conf.as_ptr() as usize) as u32,
            help: c!($help),
            since: c!("0.1"),
            ..unsafe { std::mem::zeroed() }
        }
    }};
}

/// Bytes of a slice; None: there are none, which is something else than an empty slice.
/// # Safety
/// What it points to is still lent.
pub unsafe fn bytes<'a>(slice: weir_slice) -> Option<&'a [u8]> {
    (!slice.ptr.is_null()).then(|| std::slice::from_raw_parts(slice.ptr as *const u8, slice.len))
}

pub fn slice(bytes: &[u8]) -> weir_slice {
    weir_slice { ptr: bytes.as_ptr() as *const c_void, len: bytes.len() }
}

/// Text of the host's: of an option, of a ret_why.
/// # Safety
/// It is NULL or ends with a NUL, and is still lent.
pub unsafe fn text<'a>(text: *const c_char) -> std::borrow::Cow<'a, str> {
    match text.is_null() {
        true => "".into(),
        false => std::ffi::CStr::from_ptr(text).to_string_lossy(),
    }
}

/// Attaches a sentence to the status that the callback will give, and gives it back.
/// # Safety
/// From a callback of this ctx.
pub unsafe fn fail(ctx: *mut weir_ctx, status: c_int, why: &str) -> c_int {
    let why = CString::new(why.replace('\0', " ")).unwrap_or_default();
    let result = weir_result { index: WEIR_ALL, status, why: why.as_ptr(), ..zeroed() };
    host!(ctx, fail(ctx, &result));
    status
}

/// A record at its index, however large the host's are.
/// # Safety
/// view was filled in, index is below its count, and the batch is still lent.
pub unsafe fn record_at<'a>(view: &weir_view, index: u32) -> &'a weir_record {
    &*((view.records as *const u8).add(index as usize * view.stride as usize) as *const weir_record)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text")
}

/// What f gives; of a panic FATAL, with its text as the reason.  Every callback is one call of it.
/// # Safety
/// From a callback of this ctx.
pub unsafe fn guarded(ctx: *mut weir_ctx, f: impl FnOnce() -> c_int) -> c_int {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(status) => status,
        Err(panic) => fail(ctx, WEIR_FATAL, panic_text(&*panic)),
    }
}

/// What stays for the life of the process, as the tables of a description do.
pub fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub fn options<Conf>(rows: Vec<weir_option>) -> &'static weir_options {
    kept(weir_options {
        struct_size: size_of::<weir_options>() as u32,
        stride: size_of::<weir_option>() as u32,
        count: rows.len() as u32,
        conf_size: size_of::<Conf>() as u32,
        rows: rows.leak().as_ptr() as *const c_void,
    })
}

pub fn metrics(rows: Vec<weir_metric>) -> &'static weir_metrics {
    kept(weir_metrics {
        struct_size: size_of::<weir_metrics>() as u32,
        stride: size_of::<weir_metric>() as u32,
        count: rows.len() as u32,
        reserved: 0,
        rows: rows.leak().as_ptr() as *const c_void,
    })
}

pub fn counter(name: *const c_char, help: *const c_char) -> weir_metric {
    weir_metric { name, kind: WEIR_COUNTER, flags: 0, unit: std::ptr::null(), help }
}

/// The head of a description for level 1, with its tables; name, version, summary and license are to be filled in.
pub fn plugin(tables: &[&'static weir_ops]) -> weir_plugin {
    let mut list: Vec<*const weir_ops> = tables.iter().map(|t| *t as *const weir_ops).collect();
    list.push(std::ptr::null());
    weir_plugin {
        struct_size: size_of::<weir_plugin>() as u32,
        magic: WEIR_MAGIC,
        abi_major: WEIR_ABI_MAJOR,
        api: 1,
        ops: list.leak().as_ptr(),
        ..unsafe { zeroed() }
    }
}

/// Makes the description when it is asked for first; NULL, which declines to load, if that panics.
pub struct Description {
    once: Once,
    made: std::sync::atomic::AtomicPtr<weir_plugin>,
}

impl Description {
    pub const fn new() -> Self {
        Self { once: Once::new(), made: std::sync::atomic::AtomicPtr::new(std::ptr::null_mut()) }
    }

    pub fn get(&self, make: fn() -> weir_plugin) -> *const weir_plugin {
        let order = std::sync::atomic::Ordering::SeqCst;
        let make = || self.made.store(Box::into_raw(Box::new(make())), order);
        let _ = catch_unwind(AssertUnwindSafe(|| self.once.call_once(make)));
        self.made.load(order)
    }
}
