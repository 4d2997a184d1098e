//! Texts into typed values, one function for each type (PS3.5 6.2).
//!
//! Each answers the value, nothing where the text is none of that type; most also whether it is one without leniency.
//! Dates are days and timestamps microseconds since 1970, as Arrow has them.
//!
//! Every form is of ASCII alone, so that bytes can stand for characters wherever a text is accepted. Arithmetic wraps
//! where digits were counted before: it never does.

const UID_LIMIT: usize = 64;
const INTEGER_LIMIT: usize = 12;
const DECIMAL_LIMIT: usize = 16;
/// No number has more characters than this; longer texts are not even tried.
const DIGITS_LIMIT: usize = 400;

/// Of the Julian year.
const DAYS_A_YEAR: f64 = 365.25;
const SECONDS_A_DAY: i64 = 86_400;
const MICROSECONDS_A_SECOND: i64 = 1_000_000;
/// From 0001-01-01 to 1970-01-01.
const DAYS_TO_EPOCH: i32 = 719_162;
const DAYS_BEFORE_MONTH: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_OF_MONTH: [i32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A whole number of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integer {
    /// One that 64 bits hold.
    Small(i64),
    /// Another: its digits, without leading zeros, behind `-` where it is negative.
    Large(String),
}

/// A time of day as `HH:MM:SS.ffffff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeText([u8; 15]);

impl TimeText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It is of digits, colons and a point: what `default` stands for can't be.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// IS, and whether it is typed as it should be: of 12 characters and 32 bits at most (PS3.5 6.2). A whole number written as a decimal is one, leniently; but not one beyond
/// 64 bits, which no column holds, and which six characters could make hundreds of digits of (`1e+300`).
#[must_use]
pub fn parse_integer(text: &str) -> (Option<Integer>, bool) {
    let bytes = text.as_bytes();
    if bytes.len() > DIGITS_LIMIT {
        return (None, false);
    }
    let digits = without_sign(bytes);
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        let value = integer_of_digits(digits, bytes.first() == Some(&b'-'));
        let fits = matches!(value, Integer::Small(value) if i32::try_from(value).is_ok());
        return (Some(value), bytes.len() <= INTEGER_LIMIT && fits);
    }
    match parse_decimal(text) {
        (Some(value), _) if value.trunc() == value => (integer_of_whole(value).map(Integer::Small), false),
        _ => (None, false),
    }
}

/// DS, neither infinite nor NaN, and whether it is typed as it should be.
#[must_use]
pub fn parse_decimal(text: &str) -> (Option<f64>, bool) {
    if text.len() > DIGITS_LIMIT || !is_decimal(text.as_bytes()) {
        return (None, false);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => (Some(value), text.len() <= DECIMAL_LIMIT),
        _ => (None, false),
    }
}

/// DA, also in the form of ACR-NEMA 2 (`YYYY.MM.DD`).
#[must_use]
pub fn parse_date(text: &str) -> Option<i32> {
    let &([y1, y2, y3, y4, m1, m2, d1, d2] | [y1, y2, y3, y4, b'.', m1, m2, b'.', d1, d2]) = text.as_bytes() else {
        return None;
    };
    days_of(number([y1, y2, y3, y4])?, number([m1, m2])?, number([d1, d2])?)
}

/// TM, also in the form of ACR-NEMA 2 (`HH:MM:SS`).
///
/// PS3.5 allows second 60 for a leap second, which no time of day of Arrow or SQL can hold: it becomes 59.
#[must_use]
pub fn parse_time(text: &str) -> Option<TimeText> {
    let time = time_of(text.as_bytes())?;
    let mut out = *b"00:00:00.000000";
    let [h1, h2, _, m1, m2, _, s1, s2, _, fraction @ ..] = &mut out;
    [*h1, *h2] = time.hour;
    [*m1, *m2] = time.minute;
    let is_leap = time.second == *b"60";
    [*s1, *s2] = if is_leap { *b"59" } else { time.second };
    fraction.iter_mut().zip(time.fraction).for_each(|(digit, &written)| *digit = written);
    Some(TimeText(out))
}

/// DT: microseconds of the wall clock as written; an offset from UTC is read over. For second 60 see `parse_time`.
#[must_use]
pub fn parse_date_time(text: &str) -> Option<i64> {
    date_time_of(text.as_bytes())
}

/// AS in years: three digits and D, W, M or Y (PS3.5 6.2).
#[must_use]
pub fn parse_age(text: &str) -> Option<f64> {
    let &[d1, d2, d3, unit] = text.as_bytes() else {
        return None;
    };
    let count = f64::from(number([d1, d2, d3])?);
    match unit {
        b'D' => Some(count / DAYS_A_YEAR),
        b'W' => Some(count * 7.0 / DAYS_A_YEAR),
        b'M' => Some(count / 12.0),
        b'Y' => Some(count),
        _ => None,
    }
}

/// Whether nobody is so old: below 0 or above 130 years.
#[must_use]
pub fn is_implausible_age(years: f64) -> bool {
    !(0.0..=130.0).contains(&years)
}

/// The age in years by the days of birth and study.
#[must_use]
pub fn age_between(birth: i32, study: i32) -> f64 {
    (f64::from(study) - f64::from(birth)) / DAYS_A_YEAR
}

/// Whether a text is a UID (PS3.5 9.1).
#[must_use]
pub fn is_uid(text: &str) -> bool {
    text.len() <= UID_LIMIT
        && text.as_bytes().split(|&byte| byte == b'.').all(|component| match component {
            [] => false,
            [b'0', more @ ..] => more.is_empty(),
            digits => digits.iter().all(u8::is_ascii_digit),
        })
}

fn without_sign(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'+' | b'-', rest @ ..] => rest,
        _ => bytes,
    }
}

fn integer_of_digits(digits: &[u8], is_negative: bool) -> Integer {
    // Downwards, since the least of i64 has no counterpart above.
    let negated = digits
        .iter()
        .try_fold(0_i64, |value, &digit| value.checked_mul(10)?.checked_sub(i64::from(digit.wrapping_sub(b'0'))));
    match negated {
        Some(value) if is_negative => Integer::Small(value),
        Some(value) if value != i64::MIN => Integer::Small(value.wrapping_neg()),
        _ => {
            let sign = is_negative.then_some('-');
            let significant = digits.iter().skip_while(|&&digit| digit == b'0').map(|&digit| char::from(digit));
            Integer::Large(sign.into_iter().chain(significant).collect())
        }
    }
}

fn integer_of_whole(value: f64) -> Option<i64> {
    const FIRST_TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;
    (-FIRST_TOO_LARGE..FIRST_TOO_LARGE).contains(&value).then_some(value as i64)
}

/// Whether a text is `[+-]?(digits[.digits?] | .digits)([eE][+-]?digits)?`.
fn is_decimal(bytes: &[u8]) -> bool {
    let unsigned = without_sign(bytes);
    let behind_whole = behind_digits(unsigned);
    let has_whole = behind_whole.len() < unsigned.len();
    let (has_digits, exponent) = match behind_whole {
        [b'.', fraction @ ..] => {
            let exponent = behind_digits(fraction);
            (has_whole || exponent.len() < fraction.len(), exponent)
        }
        _ => (has_whole, behind_whole),
    };
    has_digits
        && match exponent {
            [] => true,
            [b'e' | b'E', power @ ..] => {
                let digits = without_sign(power);
                !digits.is_empty() && behind_digits(digits).is_empty()
            }
            _ => false,
        }
}

fn behind_digits(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    rest
}

fn number<const COUNT: usize>(digits: [u8; COUNT]) -> Option<i32> {
    digits.iter().try_fold(0_i32, |value, digit| {
        digit.is_ascii_digit().then(|| value.wrapping_mul(10).wrapping_add(i32::from(digit.wrapping_sub(b'0'))))
    })
}

/// Days from 1970-01-01 to a date of the years 1 to 9999, where there is one.
fn days_of(year: i32, month: i32, day: i32) -> Option<i32> {
    let years = year.checked_sub(1).filter(|&years| years >= 0)?;
    let month_index = usize::try_from(month.wrapping_sub(1)).ok()?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = DAYS_OF_MONTH.get(month_index)?.wrapping_add(i32::from(is_leap && month == 2));
    if !(1..=last).contains(&day) {
        return None;
    }
    let days_before_year =
        years.wrapping_mul(365).wrapping_add(years / 4).wrapping_sub(years / 100).wrapping_add(years / 400);
    let days_before_month = DAYS_BEFORE_MONTH.get(month_index)?.wrapping_add(i32::from(is_leap && month > 2));
    let days = days_before_year.wrapping_add(days_before_month).wrapping_add(day.wrapping_sub(1));
    Some(days.wrapping_sub(DAYS_TO_EPOCH))
}

/// A time of day as written; what is not is 0.
struct WrittenTime<'text> {
    hour: [u8; 2],
    minute: [u8; 2],
    second: [u8; 2],
    fraction: &'text [u8],
}

/// `HH[MM[SS[.[F]]]]` or `HH:MM[:SS[.[F]]]`, with 1 to 6 digits of a fraction.
fn time_of(bytes: &[u8]) -> Option<WrittenTime<'_>> {
    let (&hour, rest) = bytes.split_first_chunk::<2>()?;
    let mut time = WrittenTime { hour, minute: *b"00", second: *b"00", fraction: &[] };
    let (has_colons, minutes) = match rest {
        [b':', minutes @ ..] => (true, minutes),
        _ => (false, rest),
    };
    if !is_hour(hour) {
        return None;
    }
    if rest.is_empty() {
        return Some(time);
    }
    let (&minute, rest) = minutes.split_first_chunk::<2>()?;
    if !is_minute(minute) {
        return None;
    }
    time.minute = minute;
    let seconds = match rest {
        [] => return Some(time),
        [b':', seconds @ ..] if has_colons => seconds,
        _ if has_colons => return None,
        _ => rest,
    };
    let (&second, rest) = seconds.split_first_chunk::<2>()?;
    if !is_second(second) {
        return None;
    }
    time.second = second;
    match rest {
        [] => Some(time),
        [b'.', fraction @ ..] if fraction.len() <= 6 && behind_digits(fraction).is_empty() => {
            time.fraction = fraction;
            Some(time)
        }
        _ => None,
    }
}

fn is_hour(digits: [u8; 2]) -> bool {
    matches!(digits, [b'0' | b'1', b'0'..=b'9'] | [b'2', b'0'..=b'3'])
}

fn is_minute(digits: [u8; 2]) -> bool {
    matches!(digits, [b'0'..=b'5', b'0'..=b'9'])
}

fn is_second(digits: [u8; 2]) -> bool {
    is_minute(digits) || digits == *b"60"
}

/// `YYYY[MM[DD[time]]]`, where the time is `HH[MM[SS[.F]]]`; and behind it `+ZZZZ` or `-ZZZZ`, or nothing.
fn date_time_of(bytes: &[u8]) -> Option<i64> {
    let written = without_offset(bytes);
    let (&year, rest) = written.split_first_chunk::<4>()?;
    let (month, rest) = if rest.is_empty() { (*b"01", rest) } else { two(rest)? };
    let (day, rest) = if rest.is_empty() { (*b"01", rest) } else { two(rest)? };
    let days = days_of(number(year)?, number(month)?, number(day)?)?;
    // Unlike TM, DT has no colons, and no point without a fraction.
    if matches!(rest, [_, _, b':', ..] | [.., b'.']) {
        return None;
    }
    let midnight = WrittenTime { hour: *b"00", minute: *b"00", second: *b"00", fraction: &[] };
    let time = if rest.is_empty() { midnight } else { time_of(rest)? };
    let minutes = number(time.hour)?.wrapping_mul(60).wrapping_add(number(time.minute)?);
    let second = number(time.second)?;
    let seconds = minutes.wrapping_mul(60).wrapping_add(second.min(59));
    let mut fraction = *b"000000";
    fraction.iter_mut().zip(time.fraction).for_each(|(digit, &written)| *digit = written);
    let microseconds = i64::from(days)
        .wrapping_mul(SECONDS_A_DAY)
        .wrapping_add(i64::from(seconds))
        .wrapping_mul(MICROSECONDS_A_SECOND)
        .wrapping_add(i64::from(number(fraction)?));
    Some(microseconds)
}

fn without_offset(bytes: &[u8]) -> &[u8] {
    match bytes {
        [written @ .., b'+' | b'-', z1, z2, z3, z4] if behind_digits(&[*z1, *z2, *z3, *z4]).is_empty() => written,
        _ => bytes,
    }
}

fn two(bytes: &[u8]) -> Option<([u8; 2], &[u8])> {
    bytes.split_first_chunk::<2>().map(|(&digits, rest)| (digits, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(value: i64, is_strict: bool) -> (Option<Integer>, bool) {
        (Some(Integer::Small(value)), is_strict)
    }

    fn large(digits: &str) -> (Option<Integer>, bool) {
        (Some(Integer::Large(digits.to_owned())), false)
    }

    #[test]
    fn an_integer_is_of_any_size_and_form() {
        for (text, answer) in [
            ("123", small(123, true)),
            ("+0012", small(12, true)),
            ("-000", small(0, true)),
            ("0000000000012", small(12, false)),
            ("12.0", small(12, false)),
            ("-1.5e1", small(-15, false)),
            ("1e-400", small(0, false)),
            ("2147483647", small(2_147_483_647, true)),
            ("-2147483648", small(-2_147_483_648, true)),
            ("2147483648", small(2_147_483_648, false)),
            ("-2147483649", small(-2_147_483_649, false)),
            ("9223372036854775807", small(i64::MAX, false)),
            ("-9223372036854775808", small(i64::MIN, false)),
            ("9223372036854775808", large("9223372036854775808")),
            ("-009223372036854775809", large("-9223372036854775809")),
            ("-9223372036854775808.", small(i64::MIN, false)),
            ("9223372036854775807.", (None, false)),
            ("1e23", (None, false)),
            ("", (None, false)),
            ("+", (None, false)),
            ("--1", (None, false)),
            ("1.5", (None, false)),
            ("1 ", (None, false)),
            ("1_0", (None, false)),
            ("\u{663}", (None, false)),
        ] {
            assert_eq!(parse_integer(text), answer, "{text}");
        }
        assert_eq!(parse_integer(&"0".repeat(400)), small(0, false));
        assert_eq!(parse_integer(&"0".repeat(401)), (None, false));
    }

    #[test]
    fn a_decimal_has_digits_and_is_finite() {
        for (text, answer) in [
            ("0.742188", (Some(0.742_188), true)),
            ("1.", (Some(1.0), true)),
            (".5", (Some(0.5), true)),
            ("+1e5", (Some(1e5), true)),
            ("-1.5E-03", (Some(-1.5e-3), true)),
            ("1.00000000000000", (Some(1.0), true)),
            ("1.000000000000000", (Some(1.0), false)),
            ("1e-400", (Some(0.0), true)),
            ("1e400", (None, false)),
            ("1e99999999999999999999", (None, false)),
            (".", (None, false)),
            ("-", (None, false)),
            ("e5", (None, false)),
            ("1e", (None, false)),
            ("1e+", (None, false)),
            ("1.5.", (None, false)),
            ("1,5", (None, false)),
            ("inf", (None, false)),
            ("NaN", (None, false)),
            ("", (None, false)),
        ] {
            assert_eq!(parse_decimal(text), answer, "{text}");
        }
    }

    #[test]
    fn a_date_is_of_the_calendar() {
        for (text, days) in [
            ("19700101", Some(0)),
            ("1970.01.02", Some(1)),
            ("19691231", Some(-1)),
            ("00010101", Some(-719_162)),
            ("99991231", Some(2_932_896)),
            ("20000229", Some(11_016)),
            ("20000301", Some(11_017)),
            ("19000229", None),
            ("00000101", None),
            ("20201301", None),
            ("20200001", None),
            ("20200100", None),
            ("20200431", None),
            ("2020.0101", None),
            ("2020-01-01", None),
            ("202001", None),
            ("+2020101", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text), days, "{text}");
        }
    }

    #[test]
    fn a_time_is_of_one_form_throughout() {
        for (text, time) in [
            ("12", "12:00:00.000000"),
            ("1230", "12:30:00.000000"),
            ("123045", "12:30:45.000000"),
            ("123045.", "12:30:45.000000"),
            ("123045.5", "12:30:45.500000"),
            ("235959.123456", "23:59:59.123456"),
            ("12:30", "12:30:00.000000"),
            ("12:30:45.25", "12:30:45.250000"),
            ("235960", "23:59:59.000000"),
            ("235960.75", "23:59:59.750000"),
        ] {
            let found = parse_time(text);
            assert_eq!(found.as_ref().map(TimeText::as_str), Some(time), "{text}");
        }
        for text in
            ["", "1", "24", "12:", "1:30", "1260", "12:3045", "1230:45", "12:30:", "123061", "1230.5", "123045.1234567"]
        {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_time_may_end_after_each_part() {
        for (text, microseconds) in [
            ("1970", 0),
            ("197002", 2_678_400_000_000),
            ("19700102", 86_400_000_000),
            ("1970010201", 90_000_000_000),
            ("197001020102", 90_120_000_000),
            ("19700102010203", 90_123_000_000),
            ("19700102010203.5", 90_123_500_000),
            ("19691231235959.999999", -1),
            ("19700102010203.5+0530", 90_123_500_000),
            ("1970-0500", 0),
            ("19700101000060", 59_000_000),
        ] {
            assert_eq!(parse_date_time(text), Some(microseconds), "{text}");
        }
        for text in [
            "",
            "197",
            "19701",
            "197013",
            "19700230",
            "1970010124",
            "1970010112:30",
            "19700101123045.",
            "19700101123045.1234567",
            "1970+053",
            "1970.01.01",
            "+0530",
            "1970+0530+0530",
        ] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn an_age_is_three_digits_and_a_unit() {
        for (text, years) in [("042Y", 42.0), ("000D", 0.0), ("018M", 1.5), ("999Y", 999.0)] {
            assert_eq!(parse_age(text), Some(years), "{text}");
        }
        for text in ["42", "3Y", "42Y", "0042Y", "042y", "042", "Y042", "+42Y", "4 2Y", ""] {
            assert_eq!(parse_age(text), None, "{text}");
        }
        assert!(!is_implausible_age(130.0) && is_implausible_age(131.0) && is_implausible_age(-0.1));
    }

    #[test]
    fn a_uid_is_of_numbers_without_leading_zeros() {
        for text in ["1", "0", "1.2.840.10008.1.2", "0.0.0", "2.25.0"] {
            assert!(is_uid(text), "{text}");
        }
        for text in ["", ".", "1.", ".1", "1..2", "01", "1.02", "1.a", "1.2 ", "1.2\n"] {
            assert!(!is_uid(text), "{text}");
        }
        assert!(is_uid(&"1".repeat(64)));
        assert!(!is_uid(&"1".repeat(65)));
    }
}
