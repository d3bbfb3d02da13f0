#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portproof_fuzz::recognisers(data));
