//! How the story is printed: chapters, and lines with the time since it began.

use std::time::Instant;

/// Prints the story as it happens.
pub struct Narrator {
    began: Instant,
}

impl Narrator {
    /// The story begins.
    pub fn begin(title: &str) -> Self {
        println!("{title}");
        println!("{}", "═".repeat(title.chars().count()));
        Self { began: Instant::now() }
    }

    /// A new chapter.
    pub fn chapter(&self, title: &str) {
        println!("\n{title}");
    }

    /// Something happened just now.
    pub fn line(&self, text: impl AsRef<str>) {
        println!("  {:>7.3} s  {}", self.began.elapsed().as_secs_f64(), text.as_ref());
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

/// A secret as a person may see it: its first letters.
pub fn masked(secret: &str) -> String {
    let shown: String = secret.chars().take(4).collect();
    format!("{shown}…({} characters)", secret.chars().count())
}
