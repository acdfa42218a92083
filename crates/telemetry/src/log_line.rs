//! One event, one line of JSON.
//!
//! Wraps the JSON formatter of `tracing-subscriber` and adds what it lacks: the service, the trace, a limit, and escapes
//! for the characters that JSON allows as they are but that forge lines or hide text in a terminal (DEL, C1 controls, line
//! and paragraph separators, direction marks). Values in our events come from strangers.

use std::fmt::{self, Write};

use opentelemetry::{Context, trace::TraceContextExt};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
    },
    registry::LookupSpan,
};

/// A longer line is cut: log collectors split or drop such lines.
const LINE_BYTES_MAX: usize = 32 * 1024;
/// How much of a cut line is kept, before escaping.
const KEPT_BYTES: usize = 4 * 1024;

pub(crate) struct LogLine {
    service: &'static str,
    json: Format<Json>,
}

impl LogLine {
    pub(crate) fn of(service: &'static str) -> Self {
        let json = Format::default().json().flatten_event(true).with_current_span(false).with_span_list(true);
        Self { service, json }
    }
}

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(512);
        self.json.format_event(context, Writer::new(&mut line), event)?;
        let object = line.trim_end();

        write!(out, "{{\"service\":\"{}\",", self.service)?;
        let trace = Context::map_current(|current| current.span().span_context().clone());
        if trace.is_valid() {
            write!(out, "\"trace_id\":\"{}\",\"span_id\":\"{}\",", trace.trace_id(), trace.span_id())?;
        }
        if object.len() > LINE_BYTES_MAX {
            let level = event.metadata().level();
            write!(out, "\"level\":\"{level}\",\"cut_from_bytes\":{},\"start\":\"", object.len())?;
            let end = object.floor_char_boundary(KEPT_BYTES);
            write_escaped(&mut out, object.get(..end).unwrap_or_default(), Quotes::Escape)?;
            out.write_str("\"}")?;
        } else {
            write_escaped(&mut out, object.strip_prefix('{').unwrap_or(object), Quotes::Keep)?;
        }
        out.write_char('\n')
    }
}

/// Whether the text is JSON already or becomes the inside of a JSON string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Keep,
    Escape,
}

/// Outside ASCII, JSON has characters only inside strings, so an escape is right wherever one of them stands.
fn write_escaped(out: &mut impl Write, text: &str, quotes: Quotes) -> fmt::Result {
    let mut rest = text;
    while let Some((start, found)) = rest.char_indices().find(|(_, one)| must_escape(*one, quotes)) {
        let (clean, tail) = rest.split_at_checked(start).unwrap_or((rest, ""));
        out.write_str(clean)?;
        if matches!(found, '"' | '\\') {
            write!(out, "\\{found}")?;
        } else {
            // Every character of `must_escape` lies in the basic plane: one unit.
            write!(out, "\\u{:04x}", u32::from(found))?;
        }
        rest = tail.get(found.len_utf8()..).unwrap_or_default();
    }
    out.write_str(rest)
}

fn must_escape(one: char, quotes: Quotes) -> bool {
    one.is_control()
        || matches!(one, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || quotes == Quotes::Escape && matches!(one, '"' | '\\')
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::fmt::{MakeWriter, format::JsonFields};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Captured {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(LogLine::of("ingest"))
            .with_writer(captured.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_one_line_with_service_span_fields_and_message() {
        let text = logged(|| {
            let _entered = tracing::info_span!("receive", receipt = "r-1").entered();
            tracing::warn!(attempt = 3, "slow broker");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["service"], "ingest");
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "slow broker");
        assert_eq!(line["attempt"], 3);
        assert_eq!(line["spans"][0]["receipt"], "r-1");
    }

    #[test]
    fn nothing_a_stranger_sends_can_forge_a_line_or_colour_a_terminal() {
        let evil =
            "a\r\n{\"level\":\"FATAL\"}\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{202e}\u{2066}\u{feff}\0\"z";
        let text = logged(|| {
            let _entered = tracing::info_span!("receive", agent = evil).entered();
            tracing::info!(agent = %evil, debug = ?evil, "{evil}");
        });
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let line = text.strip_suffix('\n').unwrap();
        assert!(line.chars().all(|one| !must_escape(one, Quotes::Keep)), "{line}");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["agent"], evil, "escaped, not lost");
        assert_eq!(line["spans"][0]["agent"], evil);
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn a_line_has_a_limit() {
        let text = logged(|| tracing::error!(agent = "\u{1f600}\"".repeat(300_000), "long"));
        assert!(text.len() < LINE_BYTES_MAX, "{}", text.len());
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert!(line["start"].as_str().unwrap().contains("long"), "{text}");
    }
}
