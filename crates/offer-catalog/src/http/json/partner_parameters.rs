//! What lists of advertisers and of publishers are asked.

use http_kit::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::NAME_PART_CHARS_MAX;
use crate::{
    domain::listing::{PartnerFilter, Sort, SortKey},
    http::reading::{Field, Reader, Unknown},
};

const SORT_KEYS: [(&str, SortKey); 2] = [("name", SortKey::Name), ("createdAt", SortKey::CreatedAt)];

/// Which ones, and in which order.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct PartnerParameters {
    /// Only with this in its name, in any case.
    #[param(value_type = Option<String>, example = "golf", min_length = 1, max_length = 200, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    name_contains: Field,
    /// true: only those that take part; false: only those that do not.
    #[param(value_type = Option<bool>)]
    active: Field,
    /// name, -name, createdAt or -createdAt; name when left out. A minus: the greatest first.
    #[param(value_type = Option<String>, example = "-createdAt", pattern = "^-?(name|createdAt)$")]
    sort: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

impl PartnerParameters {
    /// Reads them.
    ///
    /// # Errors
    /// 400 with every wrong parameter.
    pub fn read(self) -> Result<(PartnerFilter, Sort), Problem> {
        let mut r = Reader::new();
        r.refuse_unknown_parameters(&self.unknown, "nameContains, active, sort, page and page_size");
        let filter = PartnerFilter {
            name_contains: r.text("nameContains", self.name_contains, NAME_PART_CHARS_MAX),
            active: r.switch("active", self.active),
        };
        let sort = r.sort(self.sort, &SORT_KEYS, Sort::up(SortKey::Name));
        r.finish_parameters((filter, sort))
    }
}
