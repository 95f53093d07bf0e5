//! Durations as people write them: a whole number and a unit, `"200ms"`, `"3s"`, `"5m"`, `"1h"`.

use std::time::Duration;

/// The units, longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Parses a duration; the error is what is wrong with the text.
///
/// # Errors
/// When the text is not a whole number directly followed by `ms`, `s`, `m` or `h`, or is beyond what 64 bits of
/// milliseconds hold.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("{text:?} does not begin with a whole number"));
    }
    if unit.is_empty() {
        return Err(format!("{text:?} has no unit"));
    }
    let Some((_, unit_ms)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("{text:?} has the unknown unit {unit:?}"));
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(*unit_ms))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("{text:?} is too long to count"))
}

/// Writes a duration in the longest unit that shows it exactly, so that [`parse`] reads it back; parts of a
/// millisecond are cut off.
#[must_use]
pub fn format(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms == 0 {
        return "0ms".to_owned();
    }
    let (unit, unit_ms) = UNITS
        .iter()
        .find(|(_, unit_ms)| ms.is_multiple_of(*unit_ms))
        .expect("one millisecond divides every count of milliseconds");
    format!("{}{unit}", ms / unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        assert_eq!(parse("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(parse("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3_600)));
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "\"\" does not begin with a whole number"),
            ("fast", "\"fast\" does not begin with a whole number"),
            ("-1s", "\"-1s\" does not begin with a whole number"),
            ("200", "\"200\" has no unit"),
            ("1.5s", "\"1.5s\" has the unknown unit \".5s\""),
            ("1 s", "\"1 s\" has the unknown unit \" s\""),
            ("2weeks", "\"2weeks\" has the unknown unit \"weeks\""),
            (
                "99999999999999999999s",
                "\"99999999999999999999s\" is too long to count",
            ),
            ("9999999999999999999h", "\"9999999999999999999h\" is too long to count"),
        ] {
            assert_eq!(parse(text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn durations_are_written_in_the_longest_exact_unit() {
        for text in ["0ms", "10ms", "1500ms", "2s", "90s", "1m", "1h"] {
            assert_eq!(format(parse(text).expect("literal")), text);
        }
    }
}
