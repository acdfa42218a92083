//! That secrets are compared in constant time, and only in this crate, is held by the shape of the code and not by a
//! stopwatch. What the types can not do, the compiler tells (`src/structure.rs`); the rest is read from the sources here,
//! and each check is shown to find what it looks for.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What holds a secret, as a field's type.
const SECRET_TYPES: [&str; 9] = [
    "SecretString",
    "SecretSlice",
    "SecretBox",
    "Zeroizing",
    "MacKey",
    "Mac",
    "Hmac",
    "Keyring",
    "WebhookSecret",
];
/// What a derived trait would do with it.
const COMPARING: [&str; 5] = ["PartialEq", "Eq", "Hash", "PartialOrd", "Ord"];
const PRINTING: [&str; 2] = ["Debug", "Serialize"];
/// Names that hold a secret inside of this crate.
const SECRET_NAMES: [&str; 6] = ["signature", "expected", "mac", "secret", "reveal", "given"];
/// How a secret could be compared in a time that tells.
const COMPARISONS: [&str; 7] = ["==", "!=", ".eq(", ".ne(", ".cmp(", "starts_with(", "matches!("];
/// What could leave `verify`, or skip a part of its work, before everything is done.
const SHORTCUTS: [&str; 15] = [
    "return", "?", "if", "match", "&&", "||", "for", "while", "loop", "break", "panic!", "unwrap", "expect",
    "and_then", "then",
];

/// The part of a source that ships: up to the tests, without comments.
fn live(source: &str) -> String {
    let tests = ["\n#[cfg(test)]\nmod ", "\n#[cfg(test)]\npub(crate) mod "];
    let ends = tests.iter().flat_map(|head| source.match_indices(head)).map(|(at, _)| at);
    // A module in a file of its own, `mod structure;`, ends nothing.
    let end =
        ends.filter(|at| source[*at..].lines().nth(2).is_some_and(|line| line.ends_with(['{', '}']))).min();
    source[..end.unwrap_or(source.len())]
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .fold(String::new(), |text, line| text + line + "\n")
}

/// Everything between two ends of statements or blocks, on one line.
fn pieces(live: &str) -> impl Iterator<Item = String> {
    live.split([';', '{', '}']).map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether `word` stands in `text` by itself. What is no word is looked for anywhere.
fn mentions(text: &str, word: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        let begins = !word.starts_with(is_letter) || !text[..at].ends_with(is_letter);
        let ends = !word.ends_with(is_letter) || !text[at + word.len()..].starts_with(is_letter);
        begins && ends
    })
}

/// Comparisons of secrets outside of this crate.
fn compares_elsewhere(source: &str) -> Vec<String> {
    let live = live(source);
    let by_hand = pieces(&live).filter(|piece| {
        mentions(piece, "expose_secret") && COMPARISONS.iter().any(|comparison| piece.contains(comparison))
    });
    let alone = pieces(&live).filter(|piece| mentions(piece, "subtle") || mentions(piece, "ct_eq"));
    by_hand.chain(alone).collect()
}

/// Comparisons of secrets inside of this crate that do not go through `subtle`.
fn compares_by_hand(source: &str) -> Vec<String> {
    pieces(&live(source))
        .filter(|piece| SECRET_NAMES.iter().any(|name| mentions(piece, name)))
        .filter(|piece| COMPARISONS.iter().any(|comparison| piece.contains(comparison)))
        .collect()
}

/// Types that hold a secret and derive one of `traits`.
fn derives(source: &str, traits: &[&str]) -> Vec<String> {
    let live = live(source);
    let mut found = Vec::new();
    for (at, _) in live.match_indices("#[derive(") {
        let rest = &live[at..];
        let (derived, item) = rest.split_once(")]").unwrap_or((rest, ""));
        // A tuple struct ends with a semicolon before any brace opens.
        let end = match (item.find('{'), item.find(';')) {
            (Some(brace), semicolon) if semicolon.is_none_or(|semicolon| brace < semicolon) => {
                brace + item[brace..].find("\n}").unwrap_or(item.len() - brace)
            }
            (_, Some(semicolon)) => semicolon,
            _ => item.len(),
        };
        let item = &item[..end];
        let holds = SECRET_TYPES.iter().any(|secret| mentions(item, secret));
        if holds && traits.iter().any(|name| mentions(derived, name)) {
            found.push(item.split_whitespace().take(4).collect::<Vec<_>>().join(" "));
        }
    }
    found
}

/// The body of a function.
fn body<'a>(live: &'a str, head: &str) -> Option<&'a str> {
    let start = live.find(head)?;
    let open = start + live[start..].find(" {\n")? + 1;
    let mut depth = 0;
    for (at, letter) in live[open..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&live[open..=open + at]);
        }
    }
    None
}

/// What is wrong with how `verify` is written: everything is computed, then compared, once, then one decision is made.
fn shape_of_verify(source: &str) -> Vec<String> {
    let live = live(source);
    let Some(body) = body(&live, "pub fn verify(") else { return vec!["there is no `verify`".to_owned()] };
    let mut problems = Vec::new();
    let Some((work, decision)) = body.rsplit_once("if bool::from(genuine) {") else {
        return vec!["`verify` does not end with its one decision".to_owned()];
    };
    for shortcut in SHORTCUTS {
        if mentions(work, shortcut) {
            problems.push(format!("`{shortcut}` before all work is done"));
        }
    }
    let comparisons = work.matches(".begins_with(").count();
    if comparisons != 1 {
        problems.push(format!("{comparisons} comparisons instead of one"));
    }
    if !work.split(';').nth_back(1).is_some_and(|last| last.contains("let genuine = expected.begins_with(")) {
        problems.push("the comparison is not the last of the work".to_owned());
    }
    let arms: String = decision.split_whitespace().collect();
    if !arms.starts_with("Ok(")
        || !arms.ends_with("}else{Err(Refused)}}")
        || arms.matches("else").count() != 1
    {
        problems.push("the decision has more than two ends".to_owned());
    }
    problems
}

/// What is wrong with the one comparison.
fn shape_of_the_comparison(source: &str) -> Vec<String> {
    let live = live(source);
    let Some(body) = body(&live, "pub(crate) fn begins_with") else {
        return vec!["there is no `begins_with`".to_owned()];
    };
    let mut problems = compares_by_hand(body);
    if body.matches(".ct_eq(").count() != 1 {
        problems.push("it does not compare with `subtle`".to_owned());
    }
    problems
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The sources of every crate, or of this one.
fn shipped(own: bool) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(crates()).unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("src").is_dir() && folder.ends_with("signing") == own {
            sources(&folder.join("src"), &mut found);
        }
    }
    assert!(found.len() > if own { 5 } else { 300 }, "{} sources: were they moved?", found.len());
    found
}

fn nothing_in(files: &[(PathBuf, String)], check: impl Fn(&str) -> Vec<String>) {
    let problems: Vec<_> = files
        .iter()
        .map(|(path, source)| (path.display(), check(source)))
        .filter(|(_, problems)| !problems.is_empty())
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn verify_decides_once_after_all_work() {
    let source = fs::read_to_string(crates().join("signing/src/credential.rs")).unwrap();
    assert_eq!(shape_of_verify(&source), Vec::<String>::new());
    let source = fs::read_to_string(crates().join("signing/src/mac.rs")).unwrap();
    assert_eq!(shape_of_the_comparison(&source), Vec::<String>::new());
}

#[test]
fn nobody_else_compares_secrets() {
    nothing_in(&shipped(false), compares_elsewhere);
    for entry in fs::read_dir(crates()).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap_or_default();
        let may = manifest.ends_with("signing/Cargo.toml");
        assert!(may || !text.contains("\nsubtle"), "{} compares by itself", manifest.display());
    }
}

#[test]
fn secrets_are_compared_through_subtle() {
    nothing_in(&shipped(true), compares_by_hand);
}

#[test]
fn what_holds_a_secret_derives_no_comparison_and_no_print() {
    nothing_in(&shipped(true), |source| derives(source, &PRINTING));
    nothing_in(&shipped(true), |source| derives(source, &COMPARING));
    nothing_in(&shipped(false), |source| derives(source, &COMPARING));
}

/// The checks themselves: each finds what it is for.
mod checks {
    use super::*;

    const VERIFY: &str = "pub fn verify(keyring: &Keyring) -> Result<Verified, Refused> {
    let (segment, segment_is_well_formed) = or_decoy(read(segment), NONE);
    let expected = sign(key, &segment);
    let genuine = expected.begins_with(&signature)
        & segment_is_well_formed;
    if bool::from(genuine) {
        Ok(Verified { tenant_id: parts.tenant_id })
    } else {
        Err(Refused)
    }
}
";

    fn verify_with(from: &str, to: &str) -> String {
        assert!(VERIFY.contains(from));
        VERIFY.replace(from, to)
    }

    #[test]
    fn a_right_verify_passes() {
        assert_eq!(shape_of_verify(VERIFY), Vec::<String>::new());
    }

    #[test]
    fn every_short_cut_is_found() {
        let early = "or_decoy(read(segment), NONE)";
        for (from, to) in [
            (early, "read(segment).ok_or(Refused)?"),
            (early, "match read(segment) { Some(it) => it, None => return Err(Refused) }"),
            (early, "if known { sign() } else { decoy() }"),
            ("& segment_is_well_formed", "&& bool::from(segment_is_well_formed)"),
            ("expected.begins_with(&signature)", "Choice::from(u8::from(expected == signature))"),
            ("let expected", "for tenant in tenants { find(tenant); }\n    let expected"),
            (
                "    if bool::from(genuine) {",
                "    if segment.is_old() {\n        Err(Refused)\n    } else if bool::from(genuine) {",
            ),
            ("    if bool::from(genuine) {", "    let more = work();\n    if bool::from(genuine) {"),
            ("        Err(Refused)\n", "        if late { Ok(late) } else { Err(Refused) }\n"),
            ("pub fn verify(", "pub fn check("),
        ] {
            let wrong = verify_with(from, to);
            assert!(!shape_of_verify(&wrong).is_empty(), "not found:\n{wrong}");
        }
    }

    #[test]
    fn a_comparison_that_tells_is_found() {
        let right =
            "pub(crate) fn begins_with(&self, given: &[u8]) -> Choice {\n    self.0.ct_eq(given)\n}\n";
        assert_eq!(shape_of_the_comparison(right), Vec::<String>::new());
        assert!(
            !shape_of_the_comparison(&right.replace("self.0.ct_eq(given)", "self.0 == given")).is_empty()
        );
        assert!(!shape_of_the_comparison(&right.replace(".ct_eq(given)", ".starts_with(given)")).is_empty());
        for wrong in [
            "fn f() { let ok = expected == signature; }",
            "fn f() { if mac\n    .reveal() != other {} }",
            "fn f() { secret.as_bytes().eq(other) }",
        ] {
            assert!(!compares_by_hand(wrong).is_empty(), "{wrong}");
        }
        assert!(compares_by_hand("fn f() { let same = known.id == key.id; }").is_empty());
        assert!(compares_by_hand("// a comment on signature == signature\nfn f() {}").is_empty());
    }

    #[test]
    fn a_comparison_elsewhere_is_found() {
        for wrong in [
            "use subtle::ConstantTimeEq as _;",
            "fn f() -> bool { one.ct_eq(&other).into() }",
            "fn f() -> bool { token.expose_secret() == given }",
            "\n#[cfg(test)]\nmod outside;\nfn f() -> bool { token.expose_secret() == given }",
            "fn f() -> bool {\n    token\n        .expose_secret()\n        .as_bytes()\n        .eq(given)\n}",
        ] {
            assert!(!compares_elsewhere(wrong).is_empty(), "{wrong}");
        }
        assert!(compares_elsewhere("fn f() { parse(token.expose_secret()) }").is_empty());
        assert!(compares_elsewhere("\n#[cfg(test)]\nmod tests { use subtle::Choice; }").is_empty());
    }

    #[test]
    fn a_derived_trait_of_a_secret_is_found() {
        for (wrong, traits) in [
            (
                "#[derive(Clone, Debug)]\npub struct Token {\n    text: SecretString,\n}\n",
                PRINTING.as_slice(),
            ),
            ("#[derive(PartialEq)]\nstruct Key(MacKey);\n", &COMPARING),
            ("#[derive(Debug, Eq)]\nenum Either {\n    Key(Keyring),\n    Nothing,\n}\n", &COMPARING),
            ("#[derive(Debug)]\n#[serde(x)]\nstruct Secret(SecretSlice<u8>);\n", &PRINTING),
        ] {
            assert_eq!(derives(wrong, traits).len(), 1, "{wrong}");
        }
        let right = "#[derive(Debug)]\nstruct Plain(u8);\n\nstruct Key(MacKey);\n\n#[derive(Clone)]\nstruct Copied {\n    key: MacKey,\n}\n";
        assert!(derives(right, &PRINTING).is_empty() && derives(right, &COMPARING).is_empty());
    }
}
