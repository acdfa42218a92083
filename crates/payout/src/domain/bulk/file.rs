//! Reads a file of wanted statuses.

use kernel::ClickId;
use uuid::Uuid;

use super::Wanted;

/// Lines of one file: what a person can look through, and what one dry run judges within a request.
pub const LINES_MAX: usize = 10_000;
/// Bytes of one file: 10 000 lines with a reason of four hundred characters each.
pub const BYTES_MAX: usize = 4 * 1_024 * 1_024;
/// Characters of a reason: a sentence or two, as for a single decision.
const REASON_CHARS_MAX: usize = 1_000;
/// Faults that are named: whoever made so many made the same one.
const FAULTS_MAX: usize = 100;
/// The columns, in any order; the Event ID may be left out.
const CLICK: &str = "gk_click_id";
const EVENT: &str = "EventId";
const STATUS: &str = "status";
const REASON: &str = "reason";

/// A line that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In the file; the header is line 1.
    pub number: u32,
    /// Of which click.
    pub click: ClickId,
    /// Of which event; empty for every conversion of the click.
    pub event_id: String,
    /// What it shall be.
    pub wanted: Wanted,
    /// Why, for people.
    pub reason: String,
}

/// What is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In the file; 1 is the header.
    pub line: u64,
    /// The column; empty when it is the line as a whole.
    pub column: &'static str,
    /// What would be right.
    pub right: String,
}

/// Reads a whole file.
///
/// # Errors
/// The first hundred faults, in the order of the lines.
pub fn read(file: &[u8]) -> Result<Vec<Line>, Vec<Fault>> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    let columns = match reader.headers() {
        Ok(header) => Columns::of(header)?,
        Err(_not_text) => return Err(vec![unreadable(1)]),
    };
    let mut lines = Vec::new();
    let mut faults = Vec::new();
    let mut numbers = Numbers { rest: file, at: 0, line: 1 };
    for record in reader.records() {
        if lines.len() >= LINES_MAX {
            return Err(vec![fault(
                1,
                "",
                format!("at most {LINES_MAX} lines: send the rest as another file"),
            )]);
        }
        match record {
            Ok(record) => match columns.line(numbers.of(record.position()), &record) {
                Ok(line) => lines.push(line),
                Err(found) => faults.extend(found),
            },
            Err(error) => faults.push(unreadable(numbers.of(error.position()))),
        }
        if faults.len() >= FAULTS_MAX {
            break;
        }
    }
    faults.truncate(FAULTS_MAX);
    if !faults.is_empty() {
        return Err(faults);
    }
    if lines.is_empty() {
        return Err(vec![fault(1, "", String::from("at least one line below the header"))]);
    }
    Ok(lines)
}

/// Where each column is.
struct Columns {
    click: usize,
    event: Option<usize>,
    status: usize,
    reason: usize,
    count: usize,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, Vec<Fault>> {
        let mut faults: Vec<Fault> = header
            .iter()
            .enumerate()
            .filter(|(at, name)| {
                let is_known = [CLICK, EVENT, STATUS, REASON].contains(name);
                !is_known || header.iter().take(*at).any(|earlier| earlier == *name)
            })
            .map(|(_, name)| {
                let right =
                    "the columns gk_click_id, EventId (may be left out), status and reason, each once";
                fault(1, "", format!("{right}; not {name:?}"))
            })
            .take(FAULTS_MAX)
            .collect();
        let mut place = |wanted: &'static str| {
            let found = header.iter().position(|name| name == wanted);
            if found.is_none() {
                faults.push(fault(1, wanted, String::from("this column is missing")));
            }
            found
        };
        let columns = place(CLICK).zip(place(STATUS)).zip(place(REASON));
        match columns {
            Some(((click, status), reason)) if faults.is_empty() => {
                let event = header.iter().position(|name| name == EVENT);
                Ok(Self { click, event, status, reason, count: header.len() })
            }
            Some(_) | None => Err(faults),
        }
    }

    fn line(&self, number: u64, record: &csv::StringRecord) -> Result<Line, Vec<Fault>> {
        if record.len() != self.count {
            let right = format!("{} fields as in the header, not {}", self.count, record.len());
            return Err(vec![fault(number, "", right)]);
        }
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let mut faults = Vec::new();
        let click = Uuid::try_parse(cell(self.click)).ok();
        if click.is_none() {
            faults.push(fault(number, CLICK, String::from("a click id as GoKart gave it: a UUID")));
        }
        let wanted = Wanted::ALL.into_iter().find(|wanted| wanted.word() == cell(self.status));
        if wanted.is_none() {
            faults.push(fault(number, STATUS, String::from("Success, Rejected or Pending")));
        }
        let reason = cell(self.reason);
        if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            let right = format!("1 to {REASON_CHARS_MAX} characters, not only white space");
            faults.push(fault(number, REASON, right));
        }
        match (click, wanted, u32::try_from(number)) {
            (Some(click), Some(wanted), Ok(number)) if faults.is_empty() => Ok(Line {
                number,
                click: ClickId::from_uuid(click),
                event_id: self.event.map(|at| String::from(cell(at))).unwrap_or_default(),
                wanted,
                reason: String::from(reason),
            }),
            _ => Err(faults),
        }
    }
}

fn fault(line: u64, column: &'static str, right: String) -> Fault {
    Fault { line, column, right }
}

fn unreadable(line: u64) -> Fault {
    fault(line, "", String::from("text in UTF-8"))
}

/// Numbers of lines as an editor shows them. The reader's own do not count the second half of a line's end in time.
struct Numbers<'a> {
    rest: &'a [u8],
    at: u64,
    line: u64,
}

impl Numbers<'_> {
    /// The line of a record behind those that were asked for before.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let place = position.map_or(self.at, csv::Position::byte);
        // A record's place is behind the last one's field; the breaks before its own first letter belong to it.
        while let Some((first, rest)) = self.rest.split_first() {
            let is_break = *first == b'\n' || *first == b'\r' && rest.first() != Some(&b'\n');
            if self.at >= place && !matches!(first, b'\n' | b'\r') {
                break;
            }
            self.rest = rest;
            self.at = self.at.saturating_add(1);
            self.line = self.line.saturating_add(u64::from(is_break));
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e";

    fn faults(file: &str) -> Vec<(u64, &'static str)> {
        read(file.as_bytes()).unwrap_err().into_iter().map(|fault| (fault.line, fault.column)).collect()
    }

    #[test]
    fn columns_stand_in_any_order_and_the_event_may_be_missing() {
        let file = format!(
            "\u{feff}status, reason ,gk_click_id\r\nSuccess,\"fine, and\nso on\",{ID}\r\nRejected,no,{ID}\r\n"
        );
        let lines = read(file.as_bytes()).unwrap();
        let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((first.number, first.wanted, first.event_id.as_str()), (2, Wanted::Success, ""));
        assert_eq!(first.reason, "fine, and\nso on");
        // The quoted break is a line of its own.
        assert_eq!((second.number, second.wanted), (4, Wanted::Rejected));
    }

    #[test]
    fn every_wrong_cell_is_named() {
        let long = "x".repeat(1_001);
        let file = format!(
            "gk_click_id,EventId,status,reason\nnope,,Success,\n{ID},,success,{long}\n{ID},Success\n"
        );
        let wrong = [(2, CLICK), (2, REASON), (3, STATUS), (3, REASON), (4, "")];
        assert_eq!(faults(&file), wrong);
    }

    #[test]
    fn headers_are_checked() {
        assert_eq!(faults(""), [(1, CLICK), (1, STATUS), (1, REASON)]);
        assert_eq!(faults("gk_click_id,status,reason\n"), [(1, "")]);
        assert_eq!(faults("gk_click_id,status,status,reason,x\n"), [(1, ""), (1, "")]);
        assert_eq!(faults("gk_click_id;status;reason\n").len(), 4);
    }

    #[test]
    fn other_encodings_and_too_many_lines_are_refused() {
        let mut file = b"gk_click_id,status,reason\n".to_vec();
        file.extend_from_slice(b"\xff\xfe,Success,x\n");
        assert_eq!(read(&file).unwrap_err(), [fault(2, "", String::from("text in UTF-8"))]);
        let many = format!("{ID},Success,x\n").repeat(LINES_MAX + 1);
        assert!(
            read(format!("gk_click_id,status,reason\n{many}").as_bytes()).unwrap_err()[0]
                .right
                .contains("10000")
        );
    }
}
