//! Answers to the questions of `--resolve`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netperf_probe::reverse::fuzz(bytes));
