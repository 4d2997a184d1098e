//! The rows that a taker makes of one file, until the file has ended and its keys are known.

use crate::value::typed::Typed;

/// The most rows of one table that one file makes. A header at the usual limit of 64 MiB has at least 64 bytes for each of them.
pub const ROWS_LIMIT: u32 = 1 << 20;

/// The cells of one column, each with its row.
#[derive(Debug, Default)]
struct Cells {
    cells: Vec<(u32, Typed<'static>)>,
    /// Whether a cell came after one of a later row.
    unsorted: bool,
}

/// The rows of one file.
#[derive(Debug)]
pub struct FileRows {
    columns: Vec<Cells>,
    rows: u32,
    has_more: bool,
    has_repeats: bool,
}

impl FileRows {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns: std::iter::repeat_with(Cells::default).take(columns).collect(),
            rows: 0,
            has_more: false,
            has_repeats: false,
        }
    }

    /// Begins a row and answers its number; None where the file has made too many.
    pub fn add_row(&mut self) -> Option<u32> {
        if self.rows >= ROWS_LIMIT {
            self.has_more = true;
            return None;
        }
        let row = self.rows;
        self.rows = row.saturating_add(1);
        Some(row)
    }

    /// Sets a cell of a row that was begun; of several values of one cell the last one counts.
    pub fn set(&mut self, row: u32, column: usize, value: Typed<'static>) {
        if let Some(column) = self.columns.get_mut(column) {
            column.unsorted |= column.cells.last().is_some_and(|(last, _)| *last >= row);
            column.cells.push((row, value));
        }
    }

    /// Adds a row of cells, one for each column; answers whether the file may make it.
    pub fn add(&mut self, cells: impl IntoIterator<Item = Typed<'static>>) -> bool {
        let Some(row) = self.add_row() else {
            return false;
        };
        for (column, cell) in cells.into_iter().enumerate() {
            if cell != Typed::NULL {
                self.set(row, column, cell);
            }
        }
        true
    }

    /// Says that rows are left out.
    pub const fn cut(&mut self) {
        self.has_more = true;
    }

    /// Says that something has no row, since no number tells it apart.
    pub const fn repeat(&mut self) {
        self.has_repeats = true;
    }

    /// Whether something has no row, since no number tells it apart.
    #[must_use]
    pub const fn has_repeats(&self) -> bool {
        self.has_repeats
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether rows are left out because the file made too many.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.has_more
    }

    /// Leaves out the rows from a number on.
    pub fn truncate(&mut self, rows: u32) {
        if rows < self.rows {
            self.rows = rows;
            self.has_more = true;
        }
    }

    /// The cells of each column, in the order of rows, one for a row.
    pub(crate) fn sorted(&mut self) -> impl Iterator<Item = &[(u32, Typed<'static>)]> {
        self.columns.iter_mut().map(|column| {
            if std::mem::take(&mut column.unsorted) {
                // Stable, so that of the cells of one row the last that came stays the last; it is kept.
                column.cells.sort_by_key(|(row, _)| *row);
                column.cells.reverse();
                column.cells.dedup_by_key(|(row, _)| *row);
                column.cells.reverse();
            }
            column.cells.as_slice()
        })
    }

    pub(super) fn clear(&mut self) {
        // Memory of one file with many rows is not carried through all others.
        const KEPT_CAPACITY: usize = 1 << 12;
        for column in &mut self.columns {
            column.cells.clear();
            column.cells.shrink_to(KEPT_CAPACITY);
            column.unsorted = false;
        }
        self.rows = 0;
        self.has_more = false;
        self.has_repeats = false;
    }
}
