//! Any text as a value of each type, and back.
#![no_main]

use dicomlake_core::value::number::{push_float, push_json_string};
use dicomlake_core::value::parse::{
    Integer, is_uid, parse_date, parse_date_time, parse_decimal, parse_integer, parse_time,
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some(bytes) = input.first_chunk() {
        float(f64::from_le_bytes(*bytes));
    }
    let Ok(text) = str::from_utf8(input) else { return };
    if let (Some(integer), _) = parse_integer(text) {
        match integer {
            Integer::Small(number) => assert_eq!(parse_integer(&number.to_string()).0, Some(Integer::Small(number))),
            Integer::Large(digits) => {
                assert!(digits.parse::<i64>().is_err());
                assert_eq!(parse_integer(&digits).0, Some(Integer::Large(digits)));
            }
        }
    }
    if let (Some(number), _) = parse_decimal(text) {
        float(number);
    }
    if let Some(time) = parse_time(text) {
        assert_eq!(parse_time(time.as_str()), Some(time));
    }
    let days = parse_date(text);
    assert!(days.is_none_or(|days| (-719_162..=2_932_896).contains(&days)));
    if let Some(instant) = parse_date_time(text) {
        assert!((-719_162..=2_932_896).contains(&instant.div_euclid(86_400_000_000)));
    }
    let _ = is_uid(text);
    let mut json = String::new();
    push_json_string(&mut json, text);
    assert_eq!(serde_json::from_str::<String>(&json).expect("a JSON string"), text);
});

fn float(number: f64) {
    let mut text = String::new();
    push_float(&mut text, number);
    let read: f64 = text.parse().expect("a number");
    assert!(read == number || (read.is_nan() && number.is_nan()), "{number:?} is written as {text}");
}
