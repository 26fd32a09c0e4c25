//! What a report says, before it is a page: sections of texts, tables, plots and pictures.

use super::plot::Drawn;
use crate::photograph::Picture;
use crate::records::Record;

/// A report.
pub(super) struct Document {
    pub(super) title: String,
    /// The machine and the day, in one line.
    pub(super) subtitle: String,
    /// What was found, in a few sentences.
    pub(super) lead: String,
    pub(super) sections: Vec<Section>,
}

/// A part of a report with a heading.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) blocks: Vec<Block>,
}

/// A piece of a section. Words between backticks are code.
pub(super) enum Block {
    Text(String),
    /// Numbered equations, a line each, their columns aligned.
    Equations(Vec<String>),
    Table(Table),
    Plots(Vec<(Drawn, String)>),
    Pictures(Gallery),
}

impl Block {
    pub(super) fn equations(lines: &[&str]) -> Self {
        Block::Equations(lines.iter().map(|line| (*line).to_owned()).collect())
    }
}

/// A table; the first column names the row, the others are aligned to the right.
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// Whether a cell is good news.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
}

/// The photograph and what the filters make of it.
pub(super) struct Gallery {
    pub(super) pictures: Vec<Picture>,
    /// All of them in one, for pages that cannot arrange pictures.
    pub(super) overview: Option<Picture>,
}

impl Document {
    /// Every plot of the report.
    pub(super) fn plots(&self) -> impl Iterator<Item = &Drawn> {
        self.sections.iter().flat_map(|section| &section.blocks).flat_map(|block| match block {
            Block::Plots(plots) => plots.iter().map(|(plot, _)| plot).collect::<Vec<_>>(),
            _ => Vec::new(),
        })
    }
}

pub(super) fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), tone: Tone::Plain }
}

pub(super) fn judged(text: String, good: bool) -> Cell {
    Cell { text, tone: if good { Tone::Good } else { Tone::Bad } }
}

pub(super) fn table(head: &[&str], rows: Vec<Vec<Cell>>) -> Block {
    Block::Table(Table { head: head.iter().map(|text| (*text).to_owned()).collect(), rows })
}

/// The records of a strategy in a group.
pub(super) fn of<'r>(records: &'r [Record], group: &str, strategy: &str) -> Vec<&'r Record> {
    records.iter().filter(|record| record.group == group && record.strategy == strategy).collect()
}
