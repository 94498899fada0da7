/* SPDX-License-Identifier: 0BSD */
//! plugin.rs - <weir/plugin.h> in Rust: the contract between weir and a plugin, level 1.
//!
//! Made of the header, and compared with it by a test of weir.  What each thing means, who owns what, and which thread
//! may call is said in the header, and in weir-plugin(7).  helpers.rs has comforts over it.
#![allow(non_camel_case_types, dead_code)]

use std::os::raw::{c_char, c_int, c_void};

pub const WEIR_T_STRING: u32 = 1;
pub const WEIR_T_INT: u32 = 2;
pub const WEIR_T_BOOL: u32 = 3;
pub const WEIR_T_DOUBLE: u32 = 4;
pub const WEIR_T_SIZE: u32 = 5;
pub const WEIR_T_DURATION: u32 = 6;
pub const WEIR_T_ENUM: u32 = 7;
pub const WEIR_T_LIST: u32 = 8;
pub const WEIR_T_MAP: u32 = 9;
pub const WEIR_T_SECRET: u32 = 10;
pub const WEIR_T_TEMPLATE: u32 = 11;
pub const WEIR_T_EXPR: u32 = 12;
pub const WEIR_T_PATH: u32 = 13;
pub const WEIR_T_PATHS: u32 = 14;
pub const WEIR_T_FIELDS: u32 = 15;
pub const WEIR_COUNTER: u32 = 1;
pub const WEIR_GAUGE: u32 = 2;
pub const WEIR_CLASS_OK: u32 = 1;
pub const WEIR_CLASS_DUPLICATE: u32 = 2;
pub const WEIR_CLASS_RETRY: u32 = 3;
pub const WEIR_CLASS_REJECT: u32 = 4;
pub const WEIR_CLASS_FATAL: u32 = 5;
pub const WEIR_CLASS_SPLIT: u32 = 6;
pub const WEIR_JSON_MISSING: u32 = 0;
pub const WEIR_JSON_NULL: u32 = 1;
pub const WEIR_JSON_FALSE: u32 = 2;
pub const WEIR_JSON_TRUE: u32 = 3;
pub const WEIR_JSON_NUMBER: u32 = 4;
pub const WEIR_JSON_STRING: u32 = 5;
pub const WEIR_JSON_ARRAY: u32 = 6;
pub const WEIR_JSON_OBJECT: u32 = 7;
pub const WEIR_EDIT_SET: u32 = 1;
pub const WEIR_EDIT_STRING: u32 = 2;
pub const WEIR_EDIT_REMOVE: u32 = 3;
pub const WEIR_EDIT_RENAME: u32 = 4;
pub const WEIR_LOG_ERROR: u32 = 1;
pub const WEIR_LOG_WARNING: u32 = 2;
pub const WEIR_LOG_NOTICE: u32 = 3;
pub const WEIR_LOG_INFO: u32 = 4;
pub const WEIR_LOG_DEBUG: u32 = 5;
pub const WEIR_UP: u32 = 1;
pub const WEIR_CONNECTING: u32 = 2;
pub const WEIR_DEGRADED: u32 = 3;
pub const WEIR_DENIED: u32 = 4;
pub const WEIR_UNTRUSTED: u32 = 5;
pub const WEIR_SOURCE: u32 = 1;
pub const WEIR_TRANSFORM: u32 = 2;
pub const WEIR_SINK: u32 = 3;
pub const WEIR_ABI_MAJOR: u32 = 1;
pub const WEIR_OK: c_int = 0;
pub const WEIR_AGAIN: c_int = 1;
pub const WEIR_END: c_int = 2;
pub const WEIR_RETRY: c_int = -1;
pub const WEIR_REJECT: c_int = -2;
pub const WEIR_FATAL: c_int = -3;
pub const WEIR_SPLIT: c_int = -4;
pub const WEIR_NO_TIME: i64 = i64::MIN;
pub const WEIR_REC_SHARES_PARENT: u32 = 0x1;
pub const WEIR_WANT_VALUE: u32 = 0x1;
pub const WEIR_WANT_HEADERS: u32 = 0x2;
pub const WEIR_ALL: u32 = 0xffffffff;
pub const WEIR_DUPLICATE: u32 = 1;
pub const WEIR_POS_STORED: u32 = 0x1;
pub const WEIR_POS_OWNED: u32 = 0x2;
pub const WEIR_F_REQUIRED: u32 = 0x1;
pub const WEIR_F_ADVANCED: u32 = 0x2;
pub const WEIR_F_DEPRECATED: u32 = 0x4;
pub const WEIR_F_NAME: u32 = 0x8;
pub const WEIR_F_TEXT: u32 = 0x20;
pub const WEIR_F_FIELD: u32 = 0x10;
pub const WEIR_ERR_SET: u32 = 0x1;
pub const WEIR_FD_READ: u32 = 0x1;
pub const WEIR_FD_WRITE: u32 = 0x2;
pub const WEIR_POLL_PAUSED: u32 = 0x1;
pub const WEIR_POLL_TO_END: u32 = 0x2;
pub const WEIR_WHY_WAKE: u32 = 0x1;
pub const WEIR_WHY_FD: u32 = 0x2;
pub const WEIR_WHY_TIME: u32 = 0x4;
pub const WEIR_WHY_END: u32 = 0x8;
pub const WEIR_WHY_FULL: u32 = 0x10;
pub const WEIR_TOKEN_MAX: c_int = 4096;
pub const WEIR_REPLAYABLE: u32 = 0x001;
pub const WEIR_OWN_POSITION: u32 = 0x002;
pub const WEIR_IDEMPOTENT: u32 = 0x004;
pub const WEIR_ORDERED: u32 = 0x008;
pub const WEIR_BLOCKS: u32 = 0x010;
pub const WEIR_SINGLE: u32 = 0x020;
pub const WEIR_STREAM: u32 = 0x040;
pub const WEIR_COMMITS: u32 = 0x080;
pub const WEIR_EXACT: u32 = 0x100;
pub const WEIR_ONE_TO_ONE: u32 = 0x200;
pub const WEIR_KEEPS_POSITION: u32 = 0x400;
pub const WEIR_IN_TURN: u32 = 0x800;
pub const WEIR_NO_HEADERS: u32 = 0x1000;
pub const WEIR_HOLDS: u32 = 0x2000;
pub const WEIR_MAGIC: u32 = 0x52494557;

#[repr(C)]
pub struct weir_batch {
    _private: [u8; 0],
}

#[repr(C)]
pub struct weir_emitter {
    _private: [u8; 0],
}

#[repr(C)]
pub struct weir_buf {
    _private: [u8; 0],
}

#[repr(C)]
pub struct weir_secret {
    _private: [u8; 0],
}

#[repr(C)]
pub struct weir_problems {
    _private: [u8; 0],
}

#[repr(C)]
pub struct weir_template {
    _private: [u8; 0],
}

#[repr(C)]
pub struct weir_expr {
    _private: [u8; 0],
}

#[repr(C)]
pub struct weir_path {
    _private: [u8; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_slice {
    pub ptr: *const c_void,
    pub len: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_header {
    pub name: weir_slice,
    pub value: weir_slice,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_shard {
    pub struct_size: u32,
    pub partition: i32,
    pub id: weir_slice,
    pub topic: weir_slice,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_record {
    pub key: weir_slice,
    pub value: weir_slice,
    pub topic: weir_slice,
    pub headers: *const weir_header,
    pub shard: *const weir_shard,
    pub n_headers: u32,
    pub flags: u32,
    pub time_ms: i64,
    pub offset: i64,
    pub partition: i32,
    pub sub: u32,
    pub seq: u64,
    pub next: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_view {
    pub struct_size: u32,
    pub stride: u32,
    pub count: u32,
    pub attempt: u32,
    pub records: *const c_void,
    pub bytes: usize,
    pub want: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_result {
    pub index: u32,
    pub status: i32,
    pub retry_after_ms: u32,
    pub code: u32,
    pub r#type: *const c_char,
    pub why: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_run {
    pub struct_size: u32,
    pub stride: u32,
    pub count: u32,
    pub reserved: u32,
    pub records: *const c_void,
    pub owner: *mut weir_buf,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_position {
    pub struct_size: u32,
    pub flags: u32,
    pub shard: *const weir_shard,
    pub reserved: *const c_void,
    pub next: u64,
    pub data: weir_slice,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_list {
    pub items: *const *const c_char,
    pub count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_pair {
    pub name: *const c_char,
    pub value: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_map {
    pub items: *const weir_pair,
    pub count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_paths {
    pub items: *const *const weir_path,
    pub count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_field {
    pub path: *const weir_path,
    pub name: *const c_char,
    pub text: *const c_char,
    pub value: *const weir_template,
    pub from: *const weir_path,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_fields {
    pub items: *const weir_field,
    pub count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_option {
    pub name: *const c_char,
    pub r#type: u32,
    pub flags: u32,
    pub offset: u32,
    pub reserved: u32,
    pub def: *const c_char,
    pub min: i64,
    pub max: i64,
    pub values: *const *const c_char,
    pub help: *const c_char,
    pub doc: *const c_char,
    pub since: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_options {
    pub struct_size: u32,
    pub stride: u32,
    pub count: u32,
    pub conf_size: u32,
    pub rows: *const c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_metric {
    pub name: *const c_char,
    pub kind: u32,
    pub flags: u32,
    pub unit: *const c_char,
    pub help: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_metrics {
    pub struct_size: u32,
    pub stride: u32,
    pub count: u32,
    pub reserved: u32,
    pub rows: *const c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_error {
    pub r#type: *const c_char,
    pub reason: *const c_char,
    pub low: u32,
    pub high: u32,
    pub r#where: u32,
    pub means: u32,
    pub tries: u32,
    pub pause_ms: u32,
    pub health: u32,
    pub flags: u32,
    pub help: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_errors {
    pub struct_size: u32,
    pub stride: u32,
    pub count: u32,
    pub classes: u32,
    pub rows: *const c_void,
    pub r#where: *const *const c_char,
    pub code: *const c_char,
    pub known: Option<unsafe extern "C" fn(name: *const c_char) -> c_int>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_fault {
    pub struct_size: u32,
    pub code: u32,
    pub r#where: u32,
    pub reserved: u32,
    pub r#type: weir_slice,
    pub reason: weir_slice,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_span {
    pub ptr: *const c_void,
    pub len: usize,
    pub r#type: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_edit {
    pub path: *const weir_path,
    pub value: weir_slice,
    pub op: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_ctx {
    pub host: *const weir_host,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_around {
    pub struct_size: u32,
    pub reserved: u32,
    pub source: *const c_char,
    pub source_conf: *const c_void,
    pub commit_ms: i64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_instance {
    pub struct_size: u32,
    pub worker: u32,
    pub pipeline: *const c_char,
    pub section: *const c_char,
    pub reader: *const c_char,
    pub around: *const weir_around,
    pub budget: u64,
    pub batch_records: u32,
    pub in_flight: u32,
    pub batch_bytes: u64,
    pub want: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_host {
    pub struct_size: u32,
    pub api: u32,
    pub version: *const c_char,
    pub log: Option<unsafe extern "C" fn(*mut weir_ctx, level: c_int, text: *const c_char, len: usize)>,
    pub health: Option<unsafe extern "C" fn(*mut weir_ctx, state: u32, code: u32, why: *const c_char)>,
    pub count: Option<unsafe extern "C" fn(*mut weir_ctx, metric: u32, delta: i64)>,
    pub gauge: Option<unsafe extern "C" fn(*mut weir_ctx, metric: u32, value: i64)>,
    pub wake: Option<unsafe extern "C" fn(*mut weir_ctx)>,
    pub complete: Option<unsafe extern "C" fn(*mut weir_ctx, *mut weir_batch, *const weir_result, n: u32, stride: u32) -> c_int>,
    pub mono_ms: Option<unsafe extern "C" fn(*mut weir_ctx) -> i64>,
    pub wall_ms: Option<unsafe extern "C" fn(*mut weir_ctx) -> i64>,
    pub mem: Option<unsafe extern "C" fn(*mut weir_ctx, old: *mut c_void, n: usize) -> *mut c_void>,
    pub buf_alloc: Option<unsafe extern "C" fn(*mut weir_ctx, n: usize, data: *mut *mut c_void) -> *mut weir_buf>,
    pub buf_wrap: Option<unsafe extern "C" fn(*mut weir_ctx, n: usize, release: Option<unsafe extern "C" fn(opaque: *mut c_void)>, opaque: *mut c_void) -> *mut weir_buf>,
    pub buf_ref: Option<unsafe extern "C" fn(*mut weir_buf)>,
    pub buf_unref: Option<unsafe extern "C" fn(*mut weir_buf)>,
    pub secret: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_secret, r#use: Option<unsafe extern "C" fn(opaque: *mut c_void, weir_slice)>, opaque: *mut c_void) -> c_int>,
    pub instance: Option<unsafe extern "C" fn(*mut weir_ctx) -> *const weir_instance>,
    pub fail: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_result)>,
    pub problem: Option<unsafe extern "C" fn(*mut weir_problems, option: *const c_char, text: *const c_char)>,
    pub watch_fd: Option<unsafe extern "C" fn(*mut weir_ctx, fd: c_int, events: u32)>,
    pub wake_at: Option<unsafe extern "C" fn(*mut weir_ctx, mono_ms: i64)>,
    pub shard_open: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_shard, *mut *const weir_shard, ret_position: *mut weir_position) -> c_int>,
    pub shard_revoke: Option<unsafe extern "C" fn(*mut weir_ctx, *const *const weir_shard, n: u32, drain_ms: u32) -> c_int>,
    pub shard_end: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_shard, end: u64)>,
    pub shard_skip: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_shard, next: u64)>,
    pub view: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_batch, *mut weir_view) -> c_int>,
    pub emit: Option<unsafe extern "C" fn(*mut weir_emitter, *const weir_run, ret_taken: *mut u32) -> c_int>,
    pub emit_bad: Option<unsafe extern "C" fn(*mut weir_emitter, *const weir_record, record_size: usize, *const weir_result) -> c_int>,
    pub pass: Option<unsafe extern "C" fn(*mut weir_emitter, first: u32, n: u32) -> c_int>,
    pub emit_from: Option<unsafe extern "C" fn(*mut weir_emitter, parent: u32, *const weir_record, record_size: usize, *mut weir_buf) -> c_int>,
    pub emit_edit: Option<unsafe extern "C" fn(*mut weir_emitter, parent: u32, *const weir_edit, n: u32, stride: u32, ret_why: *mut *const c_char) -> c_int>,
    pub reject: Option<unsafe extern "C" fn(*mut weir_emitter, parent: u32, *const weir_result) -> c_int>,
    pub json: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_batch, i: u32, *const weir_path, ret: *mut weir_span, ret_why: *mut *const c_char) -> c_int>,
    pub json_string: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_span) -> weir_slice>,
    pub json_check: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_batch, i: u32, ret_type: *mut u32, ret_multiline: *mut u32, ret_why: *mut *const c_char) -> c_int>,
    pub json_minify: Option<unsafe extern "C" fn(*mut weir_ctx, out: *mut c_void, json: weir_slice) -> usize>,
    pub json_quote: Option<unsafe extern "C" fn(*mut weir_ctx, out: *mut c_void, bytes: weir_slice) -> usize>,
    pub json_walk: Option<unsafe extern "C" fn(*mut weir_ctx, json: weir_slice, each: Option<unsafe extern "C" fn(opaque: *mut c_void, path: weir_slice, *const weir_span) -> c_int>, opaque: *mut c_void) -> c_int>,
    pub render: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_template, *const weir_batch, i: u32, ret: *mut weir_slice, ret_why: *mut *const c_char) -> c_int>,
    pub r#match: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_expr, *const weir_batch, first: u32, n: u32, ret: *mut u8) -> c_int>,
    pub match_error: Option<unsafe extern "C" fn(*mut weir_ctx) -> *const c_char>,
    pub record_print: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_batch, i: u32, ret: *mut weir_slice) -> c_int>,
    pub record_parse: Option<unsafe extern "C" fn(*mut weir_ctx, line: weir_slice, ret: *mut weir_record, record_size: usize, ret_why: *mut *const c_char) -> c_int>,
    pub state_get: Option<unsafe extern "C" fn(*mut weir_ctx, key: weir_slice, value: *mut weir_slice) -> c_int>,
    pub state_put: Option<unsafe extern "C" fn(*mut weir_ctx, key: weir_slice, value: weir_slice) -> c_int>,
    pub state_scan: Option<unsafe extern "C" fn(*mut weir_ctx, prefix: weir_slice, each: Option<unsafe extern "C" fn(opaque: *mut c_void, key: weir_slice, value: weir_slice) -> c_int>, opaque: *mut c_void) -> c_int>,
    pub classify: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_fault) -> *const weir_error>,
    pub replay: Option<unsafe extern "C" fn(*mut weir_ctx, why: *const c_char)>,
    pub shard_begin: Option<unsafe extern "C" fn(*mut weir_ctx, *const weir_shard, next: u64)>,
    pub in_flight: Option<unsafe extern "C" fn(*mut weir_ctx, n: u32) -> u32>,
    pub hold: Option<unsafe extern "C" fn(*mut weir_emitter, parent: u32, group: *mut *mut weir_batch, until: i64, opaque: *mut c_void) -> c_int>,
    pub emit_held: Option<unsafe extern "C" fn(*mut weir_emitter, group: *mut weir_batch, *const weir_record, record_size: usize, *mut weir_buf) -> c_int>,
    pub pass_held: Option<unsafe extern "C" fn(*mut weir_emitter, group: *mut weir_batch) -> c_int>,
    pub reject_held: Option<unsafe extern "C" fn(*mut weir_emitter, group: *mut weir_batch, *const weir_result) -> c_int>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_poll {
    pub struct_size: u32,
    pub max_records: u32,
    pub max_bytes: u64,
    pub timeout_ms: u32,
    pub flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_commit {
    pub struct_size: u32,
    pub stride: u32,
    pub count: u32,
    pub reserved: u32,
    pub positions: *const c_void,
    pub source: *const c_char,
    pub token: weir_slice,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_ops {
    pub struct_size: u32,
    pub kind: u32,
    pub promises: u32,
    pub demands: u32,
    pub options: *const weir_options,
    pub metrics: *const weir_metrics,
    pub promise: Option<unsafe extern "C" fn(conf: *const c_void) -> u32>,
    pub check: Option<unsafe extern "C" fn(*mut weir_ctx, conf: *const c_void, *mut weir_problems) -> c_int>,
    pub probe: Option<unsafe extern "C" fn(*mut weir_ctx, conf: *const c_void, *mut weir_problems) -> c_int>,
    pub create: Option<unsafe extern "C" fn(*mut weir_ctx, conf: *const c_void, this: *mut *mut c_void) -> c_int>,
    pub open: Option<unsafe extern "C" fn(this: *mut c_void) -> c_int>,
    pub poll: Option<unsafe extern "C" fn(this: *mut c_void, *mut weir_emitter, *const weir_poll) -> c_int>,
    pub position: Option<unsafe extern "C" fn(this: *mut c_void, *const weir_shard, next: u64, out: *mut c_void, cap: usize, ret_len: *mut usize) -> c_int>,
    pub committed: Option<unsafe extern "C" fn(this: *mut c_void, *const weir_position, n: u32, stride: u32, r#final: u32) -> c_int>,
    pub revoked: Option<unsafe extern "C" fn(this: *mut c_void, *const weir_position, n: u32, stride: u32) -> c_int>,
    pub process: Option<unsafe extern "C" fn(this: *mut c_void, *const weir_batch, *mut weir_emitter) -> c_int>,
    pub write: Option<unsafe extern "C" fn(this: *mut c_void, *mut weir_batch) -> c_int>,
    pub service: Option<unsafe extern "C" fn(this: *mut c_void, why: u32) -> c_int>,
    pub flush: Option<unsafe extern "C" fn(this: *mut c_void) -> c_int>,
    pub commit: Option<unsafe extern "C" fn(this: *mut c_void, *const weir_commit) -> c_int>,
    pub interrupt: Option<unsafe extern "C" fn(this: *mut c_void)>,
    pub close: Option<unsafe extern "C" fn(this: *mut c_void)>,
    pub destroy: Option<unsafe extern "C" fn(this: *mut c_void)>,
    pub errors: *const weir_errors,
    pub pair: Option<unsafe extern "C" fn(*mut weir_ctx, conf: *const c_void, *const weir_around, *mut weir_problems) -> c_int>,
    pub token: Option<unsafe extern "C" fn(this: *mut c_void, out: *mut c_void, cap: usize, ret_len: *mut usize) -> c_int>,
    pub rewind: Option<unsafe extern "C" fn(this: *mut c_void) -> c_int>,
    pub abort: Option<unsafe extern "C" fn(this: *mut c_void) -> c_int>,
    pub release: Option<unsafe extern "C" fn(this: *mut c_void, *mut weir_emitter, group: *mut weir_batch, opaque: *mut c_void, why: u32) -> c_int>,
    pub serve: Option<unsafe extern "C" fn(this: *mut c_void, *mut weir_emitter, why: u32) -> c_int>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct weir_plugin {
    pub struct_size: u32,
    pub magic: u32,
    pub abi_major: u32,
    pub api: u32,
    pub reserved: u64,
    pub name: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub license: *const c_char,
    pub global_init: Option<unsafe extern "C" fn() -> c_int>,
    pub ops: *const *const weir_ops,
}

unsafe impl Sync for weir_slice {}
unsafe impl Sync for weir_header {}
unsafe impl Sync for weir_shard {}
unsafe impl Sync for weir_record {}
unsafe impl Sync for weir_view {}
unsafe impl Sync for weir_result {}
unsafe impl Sync for weir_run {}
unsafe impl Sync for weir_position {}
unsafe impl Sync for weir_list {}
unsafe impl Sync for weir_pair {}
unsafe impl Sync for weir_map {}
unsafe impl Sync for weir_paths {}
unsafe impl Sync for weir_field {}
unsafe impl Sync for weir_fields {}
unsafe impl Sync for weir_option {}
unsafe impl Sync for weir_options {}
unsafe impl Sync for weir_metric {}
unsafe impl Sync for weir_metrics {}
unsafe impl Sync for weir_error {}
unsafe impl Sync for weir_errors {}
unsafe impl Sync for weir_fault {}
unsafe impl Sync for weir_span {}
unsafe impl Sync for weir_edit {}
unsafe impl Sync for weir_ctx {}
unsafe impl Sync for weir_around {}
unsafe impl Sync for weir_instance {}
unsafe impl Sync for weir_host {}
unsafe impl Sync for weir_poll {}
unsafe impl Sync for weir_commit {}
unsafe impl Sync for weir_ops {}
unsafe impl Sync for weir_plugin {}
