//! One measured thing beside what it is compared with.

use super::{Contestant, Row, Verdict, limit, numbers::grouped, percent};

/// What the ratio should be.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// At least this share of the other's rate.
    Share(f64),
    /// At least this many times the other's rate.
    Times(f64),
    /// None: the share says what limits.
    Told,
}

/// The subject, and everything beside it.
#[derive(Debug)]
pub struct Comparison {
    /// What an event is.
    pub title: &'static str,
    /// Ours.
    pub subject: Contestant,
    /// The others.
    pub beside: Vec<(Contestant, Aim)>,
    /// Sentences that belong to it.
    pub notes: Vec<String>,
}

impl Aim {
    fn ratio(self, ratio: f64) -> String {
        match self {
            Self::Share(_) | Self::Told => percent(ratio),
            Self::Times(_) => format!("{ratio:.1} ×"),
        }
    }

    fn verdict(self, ratio: f64) -> Verdict {
        match self {
            Self::Share(least) | Self::Times(least) if ratio < least => Verdict::Missed,
            Self::Share(_) | Self::Times(_) => Verdict::Reached,
            Self::Told => Verdict::NoAim,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Share(least) => format!("≥ {}", percent(least)),
            Self::Times(least) => format!("≥ {least} ×"),
            Self::Told => String::new(),
        }
    }
}

impl Comparison {
    /// All figures.
    pub fn print(&self) {
        println!("\n{}", self.title);
        println!("    {:<24} {:>10}  {:>9} … {:<9} CPU µs each", "", "median/s", "slowest", "fastest");
        println!("{}", self.subject.line());
        for (contestant, _aim) in &self.beside {
            println!("{}", contestant.line());
        }
        println!("    limited by {}", limit(&self.subject));
        for note in &self.notes {
            println!("    {note}");
        }
    }

    /// Lines of the table at the end.
    pub fn rows(&self) -> Vec<Row> {
        let ours = self.subject.rate();
        let row = |(other, aim): &(Contestant, Aim)| {
            let ratio = ours / other.rate().max(f64::EPSILON);
            Row {
                what: self.title.to_owned(),
                ours: format!("{}/s", grouped(ours)),
                beside: format!("{} {}/s", other.name, grouped(other.rate())),
                ratio: aim.ratio(ratio),
                aim: aim.words(),
                verdict: aim.verdict(ratio),
            }
        };
        self.beside.iter().map(row).collect()
    }
}
