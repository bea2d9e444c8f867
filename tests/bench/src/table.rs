//! Tables that read well on a terminal and are Markdown as they stand.

use demo::Console;

pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        let head = head.map(str::to_owned).to_vec();
        Self { rows: vec![head] }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// A row of what was measured beside its limit, in a table of four columns.
    pub fn at_most(&mut self, what: &str, measured: f64, limit: f64, unit: &str) {
        let verdict = if measured <= limit { "met" } else { "MISSED" };
        self.row([
            what.to_owned(),
            format!("{measured:.1} {unit}"),
            format!("at most {limit} {unit}"),
            verdict.to_owned(),
        ]);
    }

    pub fn show(&self, console: &Console) {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            let cells: Vec<_> = cells.collect();
            console.line(&format!("| {} |", cells.join(" | ")));
            if number == 0 {
                let rules = widths.iter().enumerate();
                let rules = rules.map(|(column, width)| match column {
                    0 => "-".repeat(*width),
                    _ => format!("{}:", "-".repeat(width.saturating_sub(1))),
                });
                let rules: Vec<_> = rules.collect();
                console.line(&format!("| {} |", rules.join(" | ")));
            }
        }
    }
}
