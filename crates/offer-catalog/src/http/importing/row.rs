//! One row: an offer as it is entered anywhere else, and which one it is.

use serde_json::Value;

use crate::{
    domain::{
        import::RowOffer,
        problems::{FieldProblem, Problems},
    },
    http::{
        json::OfferBody,
        reading::{Field, Reader},
    },
};

/// The longest name that a provider gives an offer.
pub const EXTERNAL_ID_CHARS_MAX: usize = 200;

/// Reads a row as it came.
///
/// # Errors
/// Every wrong field.
pub fn read_row(text: &str) -> Result<RowOffer, Vec<FieldProblem>> {
    let mut r = Reader::new();
    let whole = |detail: String| {
        let mut problems = Problems::default();
        problems.add("", detail);
        problems.into_vec()
    };
    let value: Value =
        serde_json::from_str(text).map_err(|error| whole(format!("can not be read: {error}")))?;
    let Value::Object(mut row) = value else {
        return Err(whole(String::from("a row must be an object, an offer with its externalId")));
    };
    let external_id = r.text("externalId", Field::from(row.remove("externalId")), EXTERNAL_ID_CHARS_MAX);
    let offer_id = r.id("offerId", Field::from(row.remove("offerId")));
    if offer_id.is_none() {
        r.required(
            "externalId",
            external_id.clone(),
            "what the provider calls this offer; or the offerId of one that is here",
        );
    }
    let body: OfferBody = serde_json::from_value(Value::Object(row))
        .map_err(|error| whole(format!("can not be read: {error}")))?;
    let (fields, codes) = body.read_with(&mut r);
    r.done(Some(RowOffer { external_id, offer_id, fields, codes })).map_err(Problems::into_vec)
}
