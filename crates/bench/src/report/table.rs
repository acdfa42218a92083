//! The table at the end.

/// Whether an aim was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Reached,
    /// It was not; the run says so and does not fail for it.
    Missed,
    /// The run was smaller than the aim: it says nothing of it.
    TooSmall,
    /// There is no aim: it shows what limits.
    NoAim,
}

impl Verdict {
    /// Of an aim that only a whole run can tell of.
    pub const fn of(holds: bool, is_whole: bool) -> Self {
        match (is_whole, holds) {
            (false, _) => Self::TooSmall,
            (true, true) => Self::Reached,
            (true, false) => Self::Missed,
        }
    }
}

/// One line.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Our figure.
    pub ours: String,
    /// Whose figure beside it.
    pub beside: String,
    /// Ours of theirs.
    pub ratio: String,
    /// What it should be.
    pub aim: String,
    /// What it is.
    pub verdict: Verdict,
}

/// The rows as text, columns aligned. What is said once is not repeated.
pub fn table(rows: &[Row]) -> String {
    let head = ["", "measured", "beside", "ratio", "aim", ""].map(str::to_owned);
    let mut lines = vec![head];
    let mut last = "";
    for row in rows {
        let (what, ours) = if row.what == last {
            (String::new(), String::new())
        } else {
            (row.what.clone(), row.ours.clone())
        };
        last = &row.what;
        let verdict = match row.verdict {
            Verdict::Reached => "reached",
            Verdict::Missed => "MISSED",
            Verdict::TooSmall => "run too small to tell",
            Verdict::NoAim => "",
        };
        lines.push([what, ours, row.beside.clone(), row.ratio.clone(), row.aim.clone(), verdict.to_owned()]);
    }
    let widths: Vec<usize> = (0..6)
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default())
        .collect();
    lines
        .iter()
        .map(|line| {
            let cells: Vec<String> =
                line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("  {}\n", cells.join("  ").trim_end())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let row = |what: &str, beside: &str, verdict| Row {
            what: what.to_owned(),
            ours: "9 µs".to_owned(),
            beside: beside.to_owned(),
            ratio: "1".to_owned(),
            aim: "2".to_owned(),
            verdict,
        };
        let text = table(&[row("a", "long name", Verdict::Missed), row("a", "b", Verdict::Reached)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "     measured  beside     ratio  aim");
        assert_eq!(lines[1], "  a  9 µs      long name  1      2    MISSED");
        assert_eq!(lines[2], "               b          1      2    reached");
    }
}
