//! Any page token: no panic, and one that is accepted is the one that is made for its place.
//!
//! The input is the name of a list and a token, separated by a zero byte.
#![no_main]

use eventyard_core::page::{decode_token, encode_token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((list, token)) = text.split_once('\0') else { return };
    assert_eq!(decode_token(list, &encode_token(list, token)).expect("a good token"), token);
    if let Ok(behind) = decode_token(list, token) {
        assert!(encode_token(list, &behind).eq_ignore_ascii_case(token));
    }
});
