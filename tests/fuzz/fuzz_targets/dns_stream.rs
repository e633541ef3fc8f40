//! TCP streams that `dns --watch` sees.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netperf_sys::capture::fuzz_stream(bytes));
