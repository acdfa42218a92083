//! What people call a picture. It is shown and never a path: the stored file is named by its content. A name that looks
//! like a way out of a folder is refused all the same: it is an attack, or a program that sends paths for names.

use super::limits::NAME_CHARS_MAX;
use crate::domain::problems::Problems;

/// The name a person gave, trimmed; an empty one is none.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<Option<String>, Problems> {
    let name = name.trim();
    let mut problems = Problems::default();
    let length = name.chars().count();
    if length > NAME_CHARS_MAX {
        problems.add("name", format!("must be at most {NAME_CHARS_MAX} characters, has {length}"));
    }
    if name.chars().any(char::is_control) {
        problems.add("name", "must not hold control characters");
    }
    if name.contains(['/', '\\']) || matches!(name, "." | "..") {
        problems.add("name", "must be a plain name such as golfin.png, without folders");
    }
    problems.or((!name.is_empty()).then(|| String::from(name)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("golfin.png", Some("golfin.png"))]
    #[case("  Golf, 18 holes  ", Some("Golf, 18 holes"))]
    #[case("", None)]
    fn a_plain_name_is_taken(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!(check_name(name), Ok(expected.map(String::from)));
    }

    #[rstest]
    fn a_path_is_no_name(
        #[values("../../etc/passwd", "/etc/passwd", "..", "a\\b.png", "a/b.png", "a\0.png", "a\r\nX: y")]
        name: &str,
    ) {
        assert!(check_name(name).is_err());
    }

    #[test]
    fn a_name_has_an_end() {
        assert!(check_name(&"ä".repeat(200)).is_ok());
        assert!(check_name(&"ä".repeat(201)).is_err());
    }
}
