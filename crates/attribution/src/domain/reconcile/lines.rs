//! Cuts a report into lines while it arrives: never more than one line is held.

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use thiserror::Error;

/// What one line may be long. AppsFlyer's have some 80 columns and 1 to 4 KiB; without a bound, one quote that is never
/// closed would be a line of a gigabyte.
pub const LINE_BYTES_MAX: usize = 262_144;
/// How many columns a line may have.
pub const COLUMNS_MAX: usize = 512;

/// A report that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LineError {
    /// A line is longer than [`LINE_BYTES_MAX`].
    #[error(
        "line {0} is longer than {LINE_BYTES_MAX} bytes: is a quotation mark not closed, or is it another kind of file?"
    )]
    TooLong(u64),
    /// A line has more than [`COLUMNS_MAX`] columns.
    #[error("line {0} has more than {COLUMNS_MAX} columns; send the report as AppsFlyer exports it")]
    TooManyColumns(u64),
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number as a spreadsheet shows it: from 1, a line break within quotes counts nothing. Empty lines neither.
    pub number: u64,
    /// Its values; what is no UTF-8 is replaced.
    pub fields: Vec<Cow<'a, str>>,
}

/// Reads lines out of chunks.
pub struct Lines {
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    filled: usize,
    fields: usize,
    number: u64,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Lines").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Default for Lines {
    fn default() -> Self {
        let (text, ends) = (vec![0; LINE_BYTES_MAX], vec![0; COLUMNS_MAX]);
        Self { reader: ReaderBuilder::new().build(), text, ends, filled: 0, fields: 0, number: 1 }
    }
}

impl Lines {
    /// The next line that is whole, taking from `chunk` what it read; none when the chunk is used up. An empty chunk means
    /// that the report ends here.
    ///
    /// # Errors
    /// [`LineError`] when it can not be a report. Nothing can be read after that.
    pub fn next(&mut self, chunk: &mut &[u8]) -> Result<Option<Line<'_>>, LineError> {
        let free = self.text.get_mut(self.filled..).unwrap_or_default();
        let free_ends = self.ends.get_mut(self.fields..).unwrap_or_default();
        let (result, read, written, ended) = self.reader.read_record(chunk, free, free_ends);
        *chunk = chunk.get(read..).unwrap_or_default();
        self.filled = self.filled.saturating_add(written);
        self.fields = self.fields.saturating_add(ended);
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(None),
            ReadRecordResult::OutputFull => return Err(LineError::TooLong(self.number)),
            ReadRecordResult::OutputEndsFull => return Err(LineError::TooManyColumns(self.number)),
            ReadRecordResult::Record => {}
        }
        let number = self.number;
        self.number = number.saturating_add(1);
        let count = std::mem::take(&mut self.fields);
        self.filled = 0;
        let mut start = 0;
        let fields = self.ends.iter().take(count).map(|end| {
            let field = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            String::from_utf8_lossy(field)
        });
        Ok(Some(Line { number, fields: fields.collect() }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (u64, Vec<String>);

    fn read(chunks: &[&[u8]]) -> Result<Vec<Owned>, LineError> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks.iter().copied().filter(|chunk| !chunk.is_empty()).chain([&b""[..]]) {
            let mut rest = chunk;
            while let Some(line) = lines.next(&mut rest)? {
                found.push((line.number, line.fields.into_iter().map(Cow::into_owned).collect()));
            }
        }
        Ok(found)
    }

    const REPORT: &[u8] = b"a,b\r\n1,\"x, \"\"y\"\"\nz\"\n\n2,\xff\n3,last";

    #[test]
    fn quotes_line_ends_and_bytes_that_are_no_text() {
        let found = read(&[REPORT]).unwrap();
        let fields: Vec<_> =
            found.iter().map(|(_, fields)| fields.iter().map(String::as_str).collect::<Vec<_>>()).collect();
        assert_eq!(
            fields,
            [vec!["a", "b"], vec!["1", "x, \"y\"\nz"], vec!["2", "\u{fffd}"], vec!["3", "last"]]
        );
        assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_bounded() {
        let endless = vec![b'x'; LINE_BYTES_MAX];
        assert_eq!(read(&[b"a\n\"", &endless, &endless]), Err(LineError::TooLong(2)));
        assert_eq!(read(&[&vec![b','; COLUMNS_MAX + 1]]), Err(LineError::TooManyColumns(1)));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_body_is_cut(cuts in prop::collection::vec(0..REPORT.len(), 0..6)) {
            let mut cuts = cuts;
            cuts.extend([0, REPORT.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &REPORT[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&chunks), read(&[REPORT]));
        }
    }
}
