//! What AppsFlyer sends, file by file, and what we make of it: see the README for the format and how to add one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, SecondsFormat};
use kernel::Timestamp;
use percent_encoding::percent_decode_str;
use postback_parser::{ClickReference, EventSource, Postback, Request, scrub};

/// Fewer would leave a shape out that AppsFlyer is known to send.
const FEWEST: usize = 65;
/// Set by people who add or change fixtures; see the README.
const WRITE: &str = "GOKART_WRITE_EXPECTED";
/// More unknown parameters than this are counted, not listed.
const LISTED: usize = 30;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A request, read from its file.
struct Fixture {
    query: Vec<u8>,
    content_type: Option<String>,
    body: Vec<u8>,
}

impl Fixture {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines().filter(|line| !line.starts_with('#'));
        let start = lines.next().unwrap();
        let (method, query) = start.split_once(" ?").unwrap_or((start, ""));
        assert!(matches!(method, "GET" | "POST"), "the first line is `GET ?query` or `POST ?query`: {start}");
        let mut query = String::from(query);
        let mut content_type = None;
        let mut body = String::from(body.strip_suffix('\n').unwrap_or(body)).into_bytes();
        for line in lines {
            if let Some(more) = line.strip_prefix("    ") {
                query.push_str(more);
                continue;
            }
            match line.split_once(": ") {
                Some(("Content-Type", value)) => content_type = Some(String::from(value)),
                Some(("Fixture-Repeat", value)) => {
                    let (times, part) = value.split_once(' ').unwrap();
                    for number in 0..times.parse::<u32>().unwrap() {
                        query.push_str(&part.replace("{n}", &number.to_string()));
                    }
                }
                Some(("Fixture-Body", "percent-decoded")) => {
                    body = percent_decode_str(std::str::from_utf8(&body).unwrap()).collect();
                }
                _ => panic!("what is `{line}`?"),
            }
        }
        assert!(method == "POST" || content_type.is_none() && body.is_empty(), "a GET has no body");
        Self { query: query.into_bytes(), content_type, body }
    }

    fn rendered(&self) -> String {
        let content_type = self.content_type.as_deref();
        let (query, body) = (scrub::query(&self.query), scrub::body(content_type, &self.body));
        // As it arrives where postbacks are read: ingest has scrubbed it before.
        let mut text = render(&Postback::parse(&Request { query: &query, content_type, body: &body }));
        for (part, raw, scrubbed) in [("query", &self.query, &query), ("body", &self.body, &body)] {
            if **raw != **scrubbed {
                writeln!(text, "scrubbed {part}\n    {:?}", String::from_utf8_lossy(scrubbed)).unwrap();
            }
        }
        text
    }
}

fn time(at: Timestamp) -> String {
    DateTime::from_timestamp_micros(at.as_micros()).unwrap().to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn flag(flag: Option<bool>) -> String {
    flag.map_or_else(|| String::from("-"), |flag| String::from(if flag { "yes" } else { "no" }))
}

fn render(postback: &Postback) -> String {
    let click = match &postback.click {
        ClickReference::Absent => String::from("-"),
        ClickReference::Unreadable(text) => format!("unreadable {text:?}"),
        ClickReference::Id(id) => id.to_string(),
    };
    let (event, source) = postback.event.resolve(|_configured| false);
    let source = match source {
        EventSource::EventId => "event id",
        EventSource::EventName => "event name",
        EventSource::InstallByDefault => "by default",
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| String::from("-"));
    let mut lines = vec![
        format!("click         {click}"),
        format!("event         {event:?} ({source})"),
        format!("amount        {}", or_dash(postback.amount.map(|amount| amount.to_string()))),
        format!("currency      {}", or_dash(postback.currency.map(|currency| currency.to_string()))),
        format!("amount usd    {}", or_dash(postback.amount_usd.map(|amount| amount.to_string()))),
        format!("event time    {}", or_dash(postback.event_time.map(time))),
        format!("install time  {}", or_dash(postback.install_time.map(time))),
        format!("primary       {}", flag(postback.is_primary_attribution)),
        format!("retargeting   {}", flag(postback.is_retargeting)),
        format!(
            "rejected      {}, flagged {}",
            flag(postback.is_rejected),
            flag(Some(postback.is_flagged()))
        ),
    ];
    if postback.event.candidates.len() > 1 {
        lines.push(format!("event ids     {:?}", postback.event.candidates));
    }
    let named = |name: &str, value: &str| format!("    {name} = {value:?}");
    lines.push(String::from("known"));
    lines.extend(postback.fields.iter().map(|(field, value)| named(field.canonical(), value)));
    lines.push(String::from("unknown"));
    lines
        .extend(postback.unknown.iter().take(LISTED).map(|(name, value)| named(&format!("{name:?}"), value)));
    if let Some(more) = postback.unknown.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!("    and {more} more"));
    }
    lines.push(String::from("notes"));
    lines.extend(postback.notes.iter().map(|note| format!("    {}: {note}", note.code())));
    lines.push(String::new());
    lines.join("\n")
}

/// The lines that differ, the expected ones with `-`, the found ones with `+`.
fn difference(expected: &str, found: &str) -> String {
    let mut text = String::new();
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    for line in expected.iter().filter(|line| !found.contains(line)) {
        writeln!(text, "    - {line}").unwrap();
    }
    for line in found.iter().filter(|line| !expected.contains(line)) {
        writeln!(text, "    + {line}").unwrap();
    }
    if text.is_empty() { String::from("    the same lines in another order\n") } else { text }
}

#[test]
fn every_fixture_has_its_normal_form() {
    let names: BTreeSet<(String, String)> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let part = |part: Option<&std::ffi::OsStr>| String::from(part.unwrap().to_str().unwrap());
            (part(path.file_stem()), part(path.extension()))
        })
        .collect();
    let stems: BTreeSet<&String> = names.iter().map(|(stem, _)| stem).collect();
    let writing = std::env::var_os(WRITE).is_some();
    let mut problems = String::new();
    for stem in &stems {
        let has = |extension: &str| names.contains(&((*stem).clone(), String::from(extension)));
        if !has("request") {
            writeln!(problems, "{stem}: there is no {stem}.request").unwrap();
            continue;
        }
        let request = fs::read_to_string(folder().join(format!("{stem}.request"))).unwrap();
        let found = Fixture::read(&request).rendered();
        let path = folder().join(format!("{stem}.expected"));
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected && writing {
            fs::write(&path, &found).unwrap();
            writeln!(problems, "{stem}: written").unwrap();
        } else if !has("expected") {
            writeln!(problems, "{stem}: there is no {stem}.expected").unwrap();
        } else if found != expected {
            writeln!(problems, "{stem}:\n{}", difference(&expected, &found)).unwrap();
        }
    }
    assert!(
        problems.is_empty(),
        "\n{problems}\n{}",
        if writing {
            "Read what was written (git diff), then run the test again."
        } else {
            "See the README."
        }
    );
    assert!(!writing, "{WRITE} is set, and nothing was left to write");
    assert!(stems.len() >= FEWEST, "{} fixtures, fewer than {FEWEST}", stems.len());
}
