//! Answers to the probes of `path`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netperf_probe::path::fuzz(bytes));
