//! Answers to the questions of `dns` and `http`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netperf_probe::dns::fuzz(bytes));
