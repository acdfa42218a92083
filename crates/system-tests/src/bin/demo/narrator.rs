//! How the story is printed: chapters, and lines with the time since it began.

use std::time::{Duration, Instant, SystemTime};

/// Prints the story as it happens.
pub struct Narrator {
    began: Instant,
    began_at: SystemTime,
}

impl Narrator {
    /// The story begins.
    pub fn begin(title: &str) -> Self {
        println!("{title}");
        println!("{}", "═".repeat(title.chars().count()));
        Self { began: Instant::now(), began_at: SystemTime::now() }
    }

    /// A new chapter.
    pub fn chapter(&self, title: &str) {
        println!("\n{title}");
    }

    /// Something happened just now.
    pub fn line(&self, text: impl AsRef<str>) {
        print_line(self.began.elapsed(), text.as_ref());
    }

    /// Something that happened when nobody was looking.
    pub fn line_at(&self, at: SystemTime, text: impl AsRef<str>) {
        print_line(at.duration_since(self.began_at).unwrap_or_default(), text.as_ref());
    }

    /// More about the last line.
    pub fn detail(&self, text: impl AsRef<str>) {
        println!("             {}", text.as_ref());
    }

    /// A checked expectation: printed when it holds, an error when it does not.
    pub fn check(&self, holds: bool, what: &str) -> anyhow::Result<()> {
        anyhow::ensure!(holds, "{what}");
        println!("           ✓ {what}");
        Ok(())
    }
}

fn print_line(since: Duration, text: &str) {
    println!("  {:>7.3} s  {text}", since.as_secs_f64());
}

/// A secret as a person may see it: its first letters.
pub fn masked(secret: &str) -> String {
    let shown: String = secret.chars().take(4).collect();
    format!("{shown}…({} characters)", secret.chars().count())
}
