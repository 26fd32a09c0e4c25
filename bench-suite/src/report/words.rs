//! Numbers as a person reads them.

use tapwise::Shape;

use super::block::{Cell, cell};
use crate::contenders;
use crate::problems::group;
use crate::records::Record;
use crate::statistics::spread;

/// Seconds: `12.3 µs`.
pub(super) fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", three(value))
}

/// Three digits, no more: `0.12`, `1.23`, `12.3`, `123`.
pub(super) fn three(value: f64) -> String {
    match value.abs() {
        v if !v.is_finite() => "–".to_owned(),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A number in a table, whatever its size: `0.25`, `12.3`, `3996001`, `1.23·10⁻⁷`.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if !(1e-2..1e7).contains(&v) => scientific(value, 2),
        _ if value.fract() == 0.0 => format!("{value}"),
        _ => three(value),
    }
}

/// A part in percent: `0.6 %`, `12 %`.
pub(super) fn percent(part: f64) -> String {
    let digits = usize::from(part < 0.0995);
    format!("{:.digits$}\u{a0}%", 100.0 * part)
}

/// A number of one digit: `0.05`, `2`, `200`.
pub(super) fn plain(value: f64) -> String {
    let digits = (-value.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

/// Bytes in powers of two: `48 KiB`.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        b if b < 1 << 10 => format!("{b} B"),
        b if b < 1 << 20 => format!("{} KiB", short(b as f64 / f64::from(1 << 10))),
        b if b < 1 << 30 => format!("{} MiB", short(b as f64 / f64::from(1 << 20))),
        b => format!("{} GiB", short(b as f64 / f64::from(1 << 30))),
    }
}

fn short(value: f64) -> String {
    if value >= 9.95 || (value - value.round()).abs() < 0.05 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// A share of the peak: `0.93`; never rounded up to a target that was not reached.
pub(super) fn share(value: f64) -> String {
    format!("{:.2}", (value * 100.0 + 1e-9).floor() / 100.0)
}

/// An error over the root mean square: `1.2·10⁻⁷`.
pub(super) fn error(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { scientific(value, 1) }
}

fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    match text.split_once('e') {
        Some((digits, power)) => format!("{digits}·10{}", superscript(power)),
        None => text,
    }
}

/// A power of ten: `10⁶`.
pub(super) fn power(exponent: i32) -> String {
    format!("10{}", superscript(&exponent.to_string()))
}

/// A power as a number on an axis: `0.25`, `4`, `1024`.
pub(super) fn plain_power(base: f64, exponent: i32) -> String {
    format!("{}", base.powi(exponent))
}

fn superscript(digits: &str) -> String {
    digits
        .chars()
        .map(|digit| match digit {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '0' | '4'..='9' => char::from_u32(0x2070 + digit as u32 - '0' as u32).unwrap_or(digit),
            other => other,
        })
        .collect()
}

/// The name of a strategy in plots and tables.
pub(super) fn strategy(name: &str) -> String {
    let rows = contenders::ALL.iter().chain([&contenders::FFT]);
    let row = rows.into_iter().find(|row| row.strategy.name() == name);
    row.map_or_else(|| name.to_owned(), |row| row.label.to_owned())
}

/// The time of a record as a cell, with a mark where the core was slowed down meanwhile.
pub(super) fn took(record: &Record) -> Cell {
    cell(time(record.median_s) + if record.slowed { " †" } else { "" })
}

/// A record in three short lines: what ran, on what, how fast and how sure that is.
pub(super) fn record(record: &Record) -> String {
    let tapwise = record.contender == "tapwise";
    let mut ran = match (tapwise, record.strategy.as_str()) {
        (true, "auto") => "tapwise".to_owned(),
        (true, name) => strategy(name),
        (false, form) if form == record.contender => form.to_owned(),
        (false, form) => format!("{} · {form}", record.contender),
    };
    if !record.kernel.is_empty() && record.group != group::FILTERS {
        ran.push_str(&format!(" · {}", record.kernel));
    }
    let mut on = shape(&record.shape);
    if record.threads > 1 {
        on.push_str(&format!(", {} threads", record.threads));
    }
    let mut reached = time(record.median_s);
    if record.gflops > 0.0 {
        let (speed, part) = (three(record.gflops), share(record.fraction_of_peak));
        reached = format!("{speed} GFLOP/s, {part} of the peak, {reached}");
    }
    let mut sure = format!("{} sample{}", record.samples, if record.samples == 1 { "" } else { "s" });
    if record.slowed {
        sure.push_str(", while the core was slowed down");
    }
    if record.rounds.len() > 1 {
        sure.push_str(&format!(", {} between quartiles", percent(spread(&record.rounds))));
    }
    format!("{ran}\n{on}\n{reached}\n{sure}")
}

/// A descriptor in words: `56 × 56, 64 → 64 channels, 3 × 3`; without a picture, from the channels on.
pub(super) fn shape(descriptor: &str) -> String {
    let pictured = descriptor.contains('h');
    let whole = if pictured { descriptor.to_owned() } else { format!("h99w99 {descriptor}") };
    let Ok(Shape { batch, input: [height, width], spec }) = whole.parse::<Shape>() else {
        return descriptor.to_owned();
    };
    let mut text = if pictured { format!("{height} × {width}, ") } else { String::new() };
    if batch > 1 {
        text.insert_str(0, &format!("{batch} of "));
    }
    let [rows, columns] = spec.kernel;
    text.push_str(&format!("{} → {} channels, {rows} × {columns}", spec.c_in, spec.c_out));
    if spec.stride != [1, 1] {
        text.push_str(&format!(", stride {} × {}", spec.stride[0], spec.stride[1]));
    }
    if spec.dilation != [1, 1] {
        text.push_str(&format!(", dilation {} × {}", spec.dilation[0], spec.dilation[1]));
    }
    if spec.groups > 1 {
        text.push_str(&format!(", {} groups", spec.groups));
    }
    // Lines break between the parts, not inside of them.
    text.replace(" × ", "\u{a0}×\u{a0}").replace(" → ", "\u{a0}→\u{a0}")
}

/// A descriptor in few words, for the rows of a chart: `56×56, 64→64, 3×3`; with a stride `3×3/2`, with a dilation
/// `3×3 d2`.
pub(super) fn short_shape(descriptor: &str) -> String {
    let Ok(Shape { batch, input: [height, width], spec }) = descriptor.parse::<Shape>() else {
        return descriptor.to_owned();
    };
    let pair = |[a, b]: [usize; 2]| if a == b { a.to_string() } else { format!("{a}×{b}") };
    let mut text = if batch > 1 { format!("{batch} of ") } else { String::new() };
    let depthwise = spec.groups > 1 && spec.groups == spec.c_in && spec.c_in == spec.c_out;
    let channels = match depthwise {
        true => format!("{} depthwise", spec.c_in),
        false => format!("{}→{}", spec.c_in, spec.c_out),
    };
    text.push_str(&format!("{height}×{width}, {channels}, {}×{}", spec.kernel[0], spec.kernel[1]));
    if spec.stride != [1, 1] {
        text.push_str(&format!("/{}", pair(spec.stride)));
    }
    if spec.dilation != [1, 1] {
        text.push_str(&format!(" d{}", pair(spec.dilation)));
    }
    if spec.groups > 1 && !depthwise {
        text.push_str(&format!(", {} groups", spec.groups));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_short_beside_a_chart() {
        assert_eq!(short_shape("h56w56 c64x32 k3x3 p0,0,0,0"), "56×56, 64→32, 3×3");
        assert_eq!(short_shape("h9w8 c6x6 k3x3 s2x2 g6"), "9×8, 6 depthwise, 3×3/2");
        assert_eq!(short_shape("h9w8 c6x8 k3x1 d1x2 g2"), "9×8, 6→8, 3×1 d1×2, 2 groups");
        assert_eq!(short_shape("a riddle"), "a riddle");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(time(1.234e-8), "12.3 ns");
        assert_eq!(time(0.5), "500 ms");
        assert_eq!(time(2.0), "2.00 s");
        assert_eq!(bytes(48 << 10), "48 KiB");
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(error(1.23e-7), "1.2·10⁻⁷");
        assert_eq!(power(12), "10¹²");
    }

    #[test]
    fn shapes_are_said_in_words() {
        let plain = |descriptor: &str| shape(descriptor).replace('\u{a0}', " ");
        assert_eq!(plain("h56w60 c64x32 k3x5"), "56 × 60, 64 → 32 channels, 3 × 5");
        assert_eq!(plain("c3x64 k7x7 s2x2"), "3 → 64 channels, 7 × 7, stride 2 × 2");
        assert_eq!(shape("a riddle"), "a riddle");
    }

    #[test]
    fn a_share_is_never_rounded_up() {
        assert_eq!(share(0.8999), "0.89");
        assert_eq!(share(0.90), "0.90");
        assert_eq!(share(1.0), "1.00");
    }
}
