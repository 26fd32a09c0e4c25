//! Rows as files for other programs: JSON Lines, and CSV of RFC 4180.

pub mod command;

use clap::ValueEnum;

use crate::Error;
use crate::rows::{COLUMNS, Row};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON Lines: an object a line, null for what is not known, rounds as a list.
    Jsonl,
    /// CSV with a line of names: an empty field for what is not known, rounds with spaces between.
    Csv,
}

/// Rows as text, each with the interval of its median.
///
/// ```
/// use tapwise_bench::export::{Format, text};
/// use tapwise_bench::rows::Row;
///
/// let row = Row { shape: "h9w9 c1x1 k3x3".to_owned(), median_s: 1e-6, ..Row::default() };
/// let csv = text(&[row], Format::Csv)?;
/// assert!(csv.starts_with("group,shape,contender,"));
/// assert!(csv.contains("\r\n,h9w9 c1x1 k3x3,,"));
/// # Ok::<(), tapwise_bench::Error>(())
/// ```
///
/// # Errors
/// [`Error::Json`] and [`Error::Csv`]; neither is known to happen to rows that were read.
pub fn text(rows: &[Row], format: Format) -> Result<String, Error> {
    let rows = rows.iter().map(|row| row.clone().with_interval());
    match format {
        Format::Jsonl => lines(rows),
        Format::Csv => csv(rows),
    }
}

fn lines(rows: impl Iterator<Item = Row>) -> Result<String, Error> {
    let mut text = String::new();
    for row in rows {
        let line =
            serde_json::to_string(&row).map_err(|source| Error::Json { what: "a measurement", source })?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

fn csv(rows: impl Iterator<Item = Row>) -> Result<String, Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS.map(|(name, _)| name)).map_err(Error::Csv)?;
    for row in rows {
        let fields =
            serde_json::to_value(&row).map_err(|source| Error::Json { what: "a measurement", source })?;
        let fields = COLUMNS.map(|(name, _)| fields.get(name).map(field).unwrap_or_default());
        writer.write_record(fields).map_err(Error::Csv)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Csv(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A value of JSON as a field.
fn field(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(values) => values.iter().map(field).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            group: "targets".to_owned(),
            shape: "h9w9 c1x1 k3x3 p1,1,1,1".to_owned(),
            strategy: "a \"quoted\" one\nof two lines".to_owned(),
            threads: Some(2),
            median_s: 1.25e-7,
            rounds_s: vec![1.25e-7, 1.5e-7, 1.25e-7],
            ..Row::default()
        }
    }

    #[test]
    fn lines_are_read_back_as_they_were() {
        let text = text(&[row(), row()], Format::Jsonl).unwrap();
        let read: Vec<Row> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, [row().with_interval(), row().with_interval()]);
    }

    #[test]
    fn csv_is_read_back_field_by_field() {
        let text = text(&[row()], Format::Csv).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), COLUMNS.map(|(name, _)| name).as_slice());
        let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(records.len(), 1);
        let get = |column: &str| &records[0][COLUMNS.iter().position(|(name, _)| *name == column).unwrap()];
        assert_eq!(get("shape"), row().shape);
        assert_eq!(get("strategy"), row().strategy);
        assert_eq!(get("threads"), "2");
        assert_eq!(get("kernel"), "");
        assert_eq!(get("median_s").parse(), Ok(row().median_s));
        let rounds: Vec<f64> = get("rounds_s").split(' ').map(|round| round.parse().unwrap()).collect();
        assert_eq!(rounds, row().rounds_s);
    }
}
