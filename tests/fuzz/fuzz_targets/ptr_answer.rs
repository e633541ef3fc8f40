//! Answers to the questions of `--resolve`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netperf::resolve::fuzz(bytes));
