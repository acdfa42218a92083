//! Takes the rows of an import in: each is read, hashed and stored in batches. The next bytes are asked for when a batch is
//! stored, so a fast caller waits for the database and not in our memory.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use actix_web::{Error, web::Payload};
use futures_util::StreamExt as _;
use http_kit::{Problem, auth::Caller};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    head,
    scanner::{Piece, Scanner, too_large},
};
use crate::{
    domain::import::{ROW_BYTES_MAX, ROWS_MAX},
    flows::{Catalog, NewRow, Received},
};

/// Rows that are stored at once.
const BATCH_ROWS: usize = 200;
/// Or as many as have so many bytes together.
const BATCH_BYTES: usize = 4 * ROW_BYTES_MAX;

/// Reads a whole import.
///
/// # Errors
/// 400, 408, 413 and 422 as the body deserves it; what was stored of it is forgotten.
pub async fn receive(catalog: &Catalog, caller: &Caller, mut payload: Payload) -> Result<Received, Error> {
    let import = catalog.begin_import(caller.tenant, caller.token).await.map_err(Problem::from)?;
    let mut receiver = Receiver::new(catalog, caller, import);
    let outcome = receiver.all(&mut payload).await;
    if outcome.is_err() {
        // When this fails as well, the sweep forgets it.
        if let Err(error) = catalog.forget_import(caller.tenant, import).await {
            tracing::warn!(
                error = telemetry::chain(&error),
                "the rows of a refused import stay until they are swept"
            );
        }
    }
    outcome
}

struct Receiver<'a> {
    catalog: &'a Catalog,
    caller: &'a Caller,
    import: Uuid,
    hash: Sha256,
    head: BTreeMap<String, Value>,
    batch: Vec<NewRow>,
    batch_bytes: usize,
    rows: usize,
    /// Which row has which external id: of the whole import the one thing that is kept here, 2 MB at the most when names are
    /// plain letters. The database would have to be asked for it by a join over rows that it has no statistics of yet.
    names: HashMap<String, usize>,
}

impl<'a> Receiver<'a> {
    fn new(catalog: &'a Catalog, caller: &'a Caller, import: Uuid) -> Self {
        let (hash, head, batch) = (Sha256::new(), BTreeMap::new(), Vec::new());
        Self { catalog, caller, import, hash, head, batch, batch_bytes: 0, rows: 0, names: HashMap::new() }
    }

    async fn all(&mut self, payload: &mut Payload) -> Result<Received, Error> {
        let (mut scanner, mut pieces) = (Scanner::new(), Vec::new());
        while let Some(chunk) = payload.next().await {
            scanner.push(&chunk?, &mut pieces)?;
            for piece in pieces.drain(..) {
                self.take(piece).await?;
            }
        }
        scanner.finish()?;
        self.store().await?;
        let head = std::mem::take(&mut self.head);
        // Canonical: white space and the order of fields are not content.
        self.hash.update(serde_json::to_vec(&head).map_err(Problem::internal)?);
        let request = head::read(head, scanner.had_rows(), self.rows)?;
        let hash: [u8; 32] = std::mem::take(&mut self.hash).finalize().into();
        let Self { catalog, caller, import, rows, .. } = self;
        let received = catalog.accept_import(caller.tenant, *import, &request, &hash, *rows).await;
        Ok(received.map_err(Problem::from)?)
    }

    async fn take(&mut self, piece: Piece) -> Result<(), Problem> {
        match piece {
            Piece::Head(key, value) => {
                let value = serde_json::from_slice(&value)
                    .map_err(|error| malformed(format!("the value of `{key}` is not JSON: {error}")))?;
                if self.head.contains_key(&key) {
                    return Err(malformed(format!("`{key}` is there twice")));
                }
                self.head.insert(key, value);
                Ok(())
            }
            Piece::Row(body) => self.row(body).await,
        }
    }

    async fn row(&mut self, body: Vec<u8>) -> Result<(), Problem> {
        self.rows = self.rows.saturating_add(1);
        let row = self.rows;
        if row > ROWS_MAX {
            return Err(too_large(format!(
                "an import may have {ROWS_MAX} offers; with more, send Insert in several calls"
            )));
        }
        let body =
            String::from_utf8(body).map_err(|_not_utf8| malformed(format!("row {row} is not UTF-8")))?;
        let value: Value = serde_json::from_str(&body)
            .map_err(|error| malformed(format!("row {row} is not JSON: {error}")))?;
        let canonical = serde_json::to_vec(&value).map_err(Problem::internal)?;
        self.hash.update(canonical);
        self.hash.update(b"\n");
        let external_id = value.get("externalId").and_then(Value::as_str).map(str::trim);
        // What can not be one is said when the row is read.
        let external_id = external_id
            .filter(|id| {
                !id.is_empty()
                    && id.chars().count() <= super::row::EXTERNAL_ID_CHARS_MAX
                    && !id.contains('\0')
            })
            .map(str::to_owned);
        let repeats = external_id.as_ref().and_then(|name| match self.names.entry(name.clone()) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(row);
                None
            }
        });
        self.batch_bytes = self.batch_bytes.saturating_add(body.len());
        let row_number = i32::try_from(row).unwrap_or(i32::MAX);
        self.batch.push(NewRow { row_number, external_id, body, repeats });
        if self.batch.len() >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES {
            self.store().await?;
        }
        Ok(())
    }

    async fn store(&mut self) -> Result<(), Problem> {
        if !self.batch.is_empty() {
            self.catalog.add_import_rows(self.caller.tenant, self.import, &self.batch).await?;
            self.batch.clear();
            self.batch_bytes = 0;
        }
        Ok(())
    }
}

fn malformed(detail: String) -> Problem {
    Problem::bad_request("malformed_json", detail)
}
