//! What sections are made of, and the records that they are about.

pub(super) use super::block::{Block, Cell, Document, Gallery, Section, Table, cell, judged, table};
use crate::records::Record;

/// The records of a strategy in a group.
pub(super) fn of<'r>(records: &'r [Record], group: &str, strategy: &str) -> Vec<&'r Record> {
    records.iter().filter(|record| record.group == group && record.strategy == strategy).collect()
}
