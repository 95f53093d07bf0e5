#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| paird_fuzz::witness(bytes));
