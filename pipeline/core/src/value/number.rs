//! Numbers and texts written as Python writes them: `repr(float)` and `json.dumps(text, ensure_ascii=False)`.

use std::fmt::Write;

/// Write a number as Python's `repr`: the fewest digits that read back as it, as in `0.1`, `1e-05`, `1e+16`, `-0.0`.
pub fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("nan");
        return;
    }
    let start = out.len();
    // Writing into a String can't fail. Rust and Python agree on the number of digits, and on when there is an
    // exponent: below 1e-4, and from 1e16 on.
    let _ = write!(out, "{value:?}");
    let shape = Shape::of(out.get(start..).unwrap_or_default());
    if shape.may_be_halfway(value) {
        round_half_to_even(out, start, &shape, value);
    }
    if let Some(exponent) = shape.exponent_at {
        // Python's has a sign and at least two digits.
        let at = start.saturating_add(exponent);
        match out.as_bytes().get(at..) {
            Some([b'-', _]) => out.insert(at.saturating_add(1), '0'),
            Some([b'-', ..]) | None => {}
            Some(_) => out.insert(at, '+'),
        }
    }
}

/// The text of a number as Rust writes it.
struct Shape {
    /// How many digits stand between the point and the exponent.
    decimals: usize,
    /// Where the exponent begins, behind `e`.
    exponent_at: Option<usize>,
    /// The exponent.
    exponent: i32,
}

impl Shape {
    fn of(written: &str) -> Self {
        let (significand, exponent) = written.split_once('e').unwrap_or((written, ""));
        Self {
            decimals: significand.split_once('.').map_or(0, |(_, decimals)| decimals.len()),
            exponent_at: (!exponent.is_empty()).then(|| written.len().saturating_sub(exponent.len())),
            exponent: exponent.parse().unwrap_or(0),
        }
    }

    /// Whether the value may lie in the middle of two decimals of this shape.
    ///
    /// A number with n bits behind its point has n decimals, of which the last is 5: it lies in the middle where one
    /// less is written. For numbers without such bits the answer means nothing.
    fn may_be_halfway(&self, value: f64) -> bool {
        let decimals = i64::try_from(self.decimals).unwrap_or(0).saturating_sub(i64::from(self.exponent));
        decimals.saturating_add(1) == bits_behind_point(value)
    }
}

/// How many bits a number has behind its point; of an even whole number, a negative count of zeros before it.
fn bits_behind_point(value: f64) -> i64 {
    const HIDDEN_BIT: u64 = 1 << 52;
    let bits = value.to_bits();
    let exponent = i64::try_from(bits >> 52 & 0x7FF).unwrap_or(0);
    let fraction = bits & (HIDDEN_BIT - 1);
    let significand = if exponent == 0 { fraction } else { fraction | HIDDEN_BIT };
    1075_i64.saturating_sub(exponent.max(1)).saturating_sub(i64::from(significand.trailing_zeros()))
}

/// Write anew from `start` on a number that lies in the middle of the two nearest decimals of its shape.
///
/// Of the two, Rust's shortest form is the one farther from 0, and Python's the even one, unless that reads back as
/// another number.
#[cold]
fn round_half_to_even(out: &mut String, start: usize, shape: &Shape, value: f64) {
    let decimals = shape.decimals;
    let even = if shape.exponent_at.is_some() { format!("{value:.decimals$e}") } else { format!("{value:.decimals$}") };
    if even.parse() == Ok(value) {
        out.truncate(start);
        out.push_str(&even);
    }
}

/// Write a text as a JSON string (RFC 8259, 7), escaping only what has to be.
pub fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // What is escaped is ASCII, so that the cuts are between characters.
    while let Some((plain, from_escaped)) =
        rest.bytes().position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')).and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut characters = from_escaped.chars();
        if let Some(escaped) = characters.next() {
            push_escaped(out, escaped);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cold]
fn push_escaped(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        control => {
            let _ = write!(out, "\\u{:04x}", u32::from(control));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_written_as_by_python() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (0.0001, "0.0001"),
            (0.000_099, "9.9e-05"),
            (1e-5, "1e-05"),
            (-1.5e-10, "-1.5e-10"),
            (1e-300, "1e-300"),
            (5e-324, "5e-324"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1e22, "1e+22"),
            // In the middle of two decimals of 17 digits, of two of 16, and with an exponent.
            (1_833_073_549_882_961.2, "1833073549882961.2"),
            (513.0 / 1_048_576.0, "0.0004892349243164062"),
            (1.0 / 33_554_432.0, "2.9802322387695312e-08"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = String::from("e");
            push_float(&mut out, value);
            assert_eq!(out, format!("e{text}"));
        }
    }

    #[test]
    fn a_json_string_escapes_only_what_it_has_to() {
        for (text, json) in [
            ("", "\"\""),
            ("plain", "\"plain\""),
            ("a\"b\\c/d", "\"a\\\"b\\\\c/d\""),
            ("\u{8}\u{c}\n\r\t", "\"\\b\\f\\n\\r\\t\""),
            ("\u{0}\u{1b}\u{1f}\u{7f}", "\"\\u0000\\u001b\\u001f\u{7f}\""),
            ("Grün\u{2028}日本\u{10ffff}", "\"Grün\u{2028}日本\u{10ffff}\""),
        ] {
            let mut out = String::from("[");
            push_json_string(&mut out, text);
            assert_eq!(out, format!("[{json}"));
        }
    }
}
