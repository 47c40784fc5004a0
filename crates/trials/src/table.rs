//! Tables, as Markdown.

use std::fmt;

/// A table with a head, as Markdown prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line =
            |f: &mut fmt::Formatter<'_>, cells: &[String]| writeln!(f, "| {} |", cells.join(" | "));
        line(f, &self.head)?;
        line(f, &vec!["---".to_owned(); self.head.len()])?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_markdown() {
        let mut table = Table::new(&["operation", "p50"]);
        table.row(["list".to_owned(), "1 ms".to_owned()]);
        assert_eq!(
            table.to_string(),
            "| operation | p50 |\n| --- | --- |\n| list | 1 ms |\n"
        );
    }
}
