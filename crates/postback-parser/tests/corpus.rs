//! Inputs worth keeping: written by hand, or found by the fuzzer and made small. Each once broke something, or nearly.
mod invariants;

use std::{fs, path::Path};

#[test]
fn what_was_found_once_holds_for_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        // Printed when the test fails.
        println!("{}", path.display());
        let (label, query, body) = invariants::split(&input);
        invariants::check(label.as_deref(), query, body);
        files += 1;
    }
    assert!(files >= 20, "{files} files: is the corpus gone?");
    assert!(invariants::known_names().contains(&"gk_click_id"));
}
