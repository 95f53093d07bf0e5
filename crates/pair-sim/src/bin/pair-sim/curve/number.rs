//! Numbers as people read them.

/// A rate with two significant digits, thousands apart.
pub(crate) fn rate(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if magnitude < -5.0 {
        return format!("{value:.0e}");
    }
    let digits = (1.0 - magnitude).max(0.0);
    let unit = 10_f64.powf((magnitude - 1.0).max(0.0));
    let rounded = (value / unit).round() * unit;
    if digits == 0.0 {
        thousands(rounded as u64)
    } else {
        format!("{value:.0$}", digits as usize)
    }
}

/// A count with a comma every three digits.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_say_what_a_hundred_counts_can_say() {
        let read = [8_143.0, 151.0, 27.4, 1.26, 0.0075, 0.000_35, 2.2e-12, 0.0].map(rate);
        assert_eq!(read, ["8,100", "150", "27", "1.3", "0.0075", "0.00035", "2e-12", "0"]);
    }

    #[test]
    fn a_comma_stands_every_three_digits() {
        let read = [7, 999, 1_000, 12_345_678].map(thousands);
        assert_eq!(read, ["7", "999", "1,000", "12,345,678"]);
    }
}
