//! What a page is made of: a first screen, sections, texts, tables, figures and pictures.

use super::drawn::Drawn;
use crate::photograph::Picture;

/// A report.
pub(super) struct Document {
    pub(super) title: String,
    /// The machine and the day, in one line.
    pub(super) subtitle: String,
    /// What was found, in a few sentences.
    pub(super) lead: String,
    /// What is seen before anything is scrolled.
    pub(super) first: FirstScreen,
    pub(super) sections: Vec<Section>,
}

/// What is seen first: facts, a few large figures and one plot; parts that are empty are left out.
#[derive(Default)]
pub(super) struct FirstScreen {
    /// The machine, the day, the version, the command: a label and what it is.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) figures: Vec<Figure>,
    pub(super) plot: Option<Drawn>,
}

/// A large figure. Words between backticks are code in its explanation.
pub(super) struct Figure {
    /// The number; none where it was not measured, which the explanation tells the reason of.
    pub(super) value: Option<String>,
    /// What stands behind the number, smaller: `×`, `GFLOP/s`, `of the peak`.
    pub(super) unit: &'static str,
    /// What it is, in a few words.
    pub(super) label: String,
    /// Of what, against whom, measured how: a sentence or two.
    pub(super) explanation: String,
    pub(super) tone: Tone,
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
    /// What something is called, and what it is.
    Terms(Vec<(&'static str, String)>),
    Table(Table),
    /// Plots beside one another, each with its caption.
    Plots(Vec<(Drawn, String)>),
    Pictures(Gallery),
}

impl Block {
    pub(super) fn equations(lines: &[&str]) -> Self {
        Block::Equations(lines.iter().map(|line| (*line).to_owned()).collect())
    }
}

/// A table; the first column names the row, the others are aligned to the right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
    /// What its column is sorted by; where there is none, the first number of the text, or the text.
    pub(super) key: Option<f64>,
}

/// Whether a cell is good news.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
}

impl Tone {
    /// Good where something holds, else bad.
    pub(super) fn of(good: bool) -> Self {
        if good { Tone::Good } else { Tone::Bad }
    }
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
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        let plots = blocks.flat_map(|block| match block {
            Block::Plots(plots) => plots.as_slice(),
            _ => &[],
        });
        self.first.plot.iter().chain(plots.map(|(plot, _)| plot))
    }
}

pub(super) fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), tone: Tone::Plain, key: None }
}

pub(super) fn judged(text: String, good: bool) -> Cell {
    Cell { text, tone: Tone::of(good), key: None }
}

/// A cell whose text says a number with a unit that changes from row to row.
pub(super) fn number(text: impl Into<String>, key: f64) -> Cell {
    Cell { text: text.into(), tone: Tone::Plain, key: Some(key) }
}

pub(super) fn table(head: &[&str], rows: Vec<Vec<Cell>>) -> Block {
    Block::Table(Table { head: head.iter().map(|text| (*text).to_owned()).collect(), rows })
}
