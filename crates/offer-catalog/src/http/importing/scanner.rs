//! Cuts the body of an import into its fields and rows while it arrives. It finds where values end, no more: whether a piece
//! is JSON is decided when it is read, one at a time, with serde's bound on depth.

use http_kit::Problem;

use crate::domain::import::ROW_BYTES_MAX;

/// The field that holds the rows.
const ROWS: &str = "offers";
/// Everything else of an import is short; the accepted warnings are the longest.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// A part of the body.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A field and its value.
    Head(String, Vec<u8>),
    /// The next offer.
    Row(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    KeyOrEnd,
    Key,
    InKey,
    Colon,
    Value,
    InValue { is_row: bool },
    AfterValue,
    RowOrEnd,
    Row,
    AfterRow,
    End,
}

/// Where in the body we are.
#[derive(Debug)]
pub struct Scanner {
    state: State,
    key: String,
    piece: Vec<u8>,
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    had_rows: bool,
    rows: usize,
    heads: usize,
}

impl Scanner {
    /// Before the first byte.
    pub const fn new() -> Self {
        Self {
            state: State::Start,
            key: String::new(),
            piece: Vec::new(),
            depth: 0,
            in_text: false,
            is_escaped: false,
            had_rows: false,
            rows: 0,
            heads: 0,
        }
    }

    /// Reads on; what is whole goes to `pieces`.
    ///
    /// # Errors
    /// 400 when it is not an object as it should be, 413 when a piece is too large.
    pub fn push(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Problem> {
        bytes.iter().try_for_each(|byte| self.step(*byte, pieces))
    }

    /// After the last byte.
    ///
    /// # Errors
    /// 400 when the body ends too early.
    pub fn finish(&self) -> Result<(), Problem> {
        if self.state == State::End {
            Ok(())
        } else {
            Err(self.not_json("the body ends before its object does"))
        }
    }

    /// Whether there was a list of offers.
    pub const fn had_rows(&self) -> bool {
        self.had_rows
    }

    fn step(&mut self, byte: u8, pieces: &mut Vec<Piece>) -> Result<(), Problem> {
        if let State::InValue { is_row } = self.state {
            return self.in_value(byte, is_row, pieces);
        }
        if self.state == State::InKey {
            return self.in_key(byte);
        }
        if byte.is_ascii_whitespace() {
            return Ok(());
        }
        self.state = match (self.state, byte) {
            (State::Start, b'{') => State::KeyOrEnd,
            (State::KeyOrEnd | State::AfterValue, b'}') => State::End,
            (State::KeyOrEnd | State::Key, b'"') => {
                self.piece.clear();
                self.piece.push(byte);
                State::InKey
            }
            (State::Colon, b':') => State::Value,
            (State::Value, b'[') if self.key == ROWS => {
                if self.had_rows {
                    return Err(self.not_json("`offers` is there twice"));
                }
                self.had_rows = true;
                State::RowOrEnd
            }
            (State::AfterValue, b',') => State::Key,
            (State::RowOrEnd | State::AfterRow, b']') => State::AfterValue,
            (State::AfterRow, b',') => State::Row,
            (State::Value, _) => return self.begin(byte, false, pieces),
            (State::RowOrEnd | State::Row, _) => {
                self.rows = self.rows.saturating_add(1);
                return self.begin(byte, true, pieces);
            }
            (State::Start, _) => return Err(self.not_json("the body must be an object")),
            _ => return Err(self.not_json("a comma, a colon, a field or a bracket is missing")),
        };
        Ok(())
    }

    fn in_key(&mut self, byte: u8) -> Result<(), Problem> {
        self.keep(byte, false)?;
        if self.is_escaped {
            self.is_escaped = false;
        } else if byte == b'\\' {
            self.is_escaped = true;
        } else if byte == b'"' {
            self.key =
                serde_json::from_slice(&self.piece).map_err(|error| self.not_json(&error.to_string()))?;
            self.piece.clear();
            self.state = State::Colon;
        }
        Ok(())
    }

    fn begin(&mut self, byte: u8, is_row: bool, pieces: &mut Vec<Piece>) -> Result<(), Problem> {
        if matches!(byte, b',' | b']' | b'}' | b':') {
            return Err(self.not_json("a value is missing"));
        }
        self.piece.clear();
        (self.depth, self.in_text, self.is_escaped) = (0, false, false);
        self.state = State::InValue { is_row };
        self.in_value(byte, is_row, pieces)
    }

    fn in_value(&mut self, byte: u8, is_row: bool, pieces: &mut Vec<Piece>) -> Result<(), Problem> {
        if !self.in_text && self.depth == 0 && !self.piece.is_empty() {
            // A number or a word goes on until something that can not be a part of it.
            if byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}') {
                self.end(is_row, pieces);
                return self.step(byte, pieces);
            }
        }
        self.keep(byte, is_row)?;
        if self.in_text {
            if self.is_escaped {
                self.is_escaped = false;
            } else if byte == b'\\' {
                self.is_escaped = true;
            } else if byte == b'"' {
                self.in_text = false;
                if self.depth == 0 {
                    self.end(is_row, pieces);
                }
            }
            return Ok(());
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end(is_row, pieces);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, is_row: bool, pieces: &mut Vec<Piece>) {
        let piece = std::mem::take(&mut self.piece);
        if is_row {
            pieces.push(Piece::Row(piece));
            self.state = State::AfterRow;
        } else {
            pieces.push(Piece::Head(std::mem::take(&mut self.key), piece));
            self.state = State::AfterValue;
        }
    }

    fn keep(&mut self, byte: u8, is_row: bool) -> Result<(), Problem> {
        if is_row && self.piece.len() >= ROW_BYTES_MAX {
            return Err(too_large(format!("row {} is larger than {ROW_BYTES_MAX} bytes", self.rows)));
        }
        if !is_row {
            self.heads = self.heads.saturating_add(1);
            if self.heads > HEAD_BYTES_MAX {
                return Err(too_large(format!(
                    "all fields beside `{ROWS}` may have {HEAD_BYTES_MAX} bytes together"
                )));
            }
        }
        self.piece.push(byte);
        Ok(())
    }

    fn not_json(&self, what: &str) -> Problem {
        let place = if self.rows == 0 { String::new() } else { format!(", at or after row {}", self.rows) };
        Problem::bad_request("malformed_json", format!("the body is not JSON as it should be: {what}{place}"))
    }
}

/// 413.
pub fn too_large(detail: String) -> Problem {
    Problem::of_status(actix_web::http::StatusCode::PAYLOAD_TOO_LARGE).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(body: &str, step: usize) -> Result<Vec<Piece>, u16> {
        let (mut scanner, mut pieces) = (Scanner::new(), Vec::new());
        for chunk in body.as_bytes().chunks(step) {
            scanner.push(chunk, &mut pieces).map_err(|problem| problem.status().as_u16())?;
        }
        scanner.finish().map_err(|problem| problem.status().as_u16())?;
        Ok(pieces)
    }

    #[test]
    fn a_body_is_cut_the_same_wherever_its_chunks_end() {
        let body = r#" {"a" : 1, "offers":[ {"x":"}\"]","y":[{}]} , 7,"t" ,null],"b\"":["c"], "d":true} "#;
        let head = |key: &str, value: &str| Piece::Head(key.to_owned(), value.as_bytes().to_vec());
        let row = |value: &str| Piece::Row(value.as_bytes().to_vec());
        let expected = [
            head("a", "1"),
            row(r#"{"x":"}\"]","y":[{}]}"#),
            row("7"),
            row(r#""t""#),
            row("null"),
            head("b\"", r#"["c"]"#),
            head("d", "true"),
        ];
        for step in 1..body.len() {
            assert_eq!(scan(body, step).unwrap(), expected, "{step}");
        }
        assert_eq!(scan("{}", 1).unwrap(), []);
        assert_eq!(scan(r#"{"offers":[]}"#, 1).unwrap(), []);
        assert_eq!(scan(r#"{"offers":5}"#, 1).unwrap(), [head("offers", "5")]);
    }

    #[test]
    fn what_is_cut_off_or_not_an_object_is_refused() {
        for body in [
            "",
            " ",
            "[]",
            "5",
            "{",
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":1"#,
            r#"{"a":1,}"#,
            r#"{"a":,}"#,
            "{}{}",
            r#"{"a" 1}"#,
            r#"{"offers":[1"#,
            r#"{"offers":[1,]}"#,
            r#"{"offers":[1 2]}"#,
            r#"{"offers":[],"offers":[]}"#,
            r#"{"offers":[{]"#,
            r#"{"offers":["x"#,
            r"{a:1}",
        ] {
            assert_eq!(scan(body, 3), Err(400), "{body}");
        }
    }

    #[test]
    fn no_piece_grows_without_end() {
        let large = "x".repeat(ROW_BYTES_MAX);
        assert_eq!(scan(&format!(r#"{{"offers":["{large}"]}}"#), 9_999), Err(413));
        assert_eq!(scan(&format!(r#"{{"{large}":1}}"#), 9_999), Err(413));
        let many = r#","k":1"#.repeat(HEAD_BYTES_MAX);
        assert_eq!(scan(&format!(r#"{{"a":1{many}}}"#), 9_999), Err(413));
    }
}
