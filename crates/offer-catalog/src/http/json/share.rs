//! With whom an offer is shared.

use std::collections::BTreeSet;

use http_kit::Problem;
use kernel::PublisherId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfferJson, ticks::read_ticks};
use crate::{
    domain::lint::Code,
    flows::OfferView,
    http::reading::{Field, Reader, Unknown},
};

/// The most publishers of one call.
const PUBLISHERS_MAX: usize = 50;

/// With whom an offer is shared: `publisherId` binds the offer itself, `publisherIds` makes a clone for each.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"publisherId": "0193a1f0-0000-7000-8000-000000000002"}))]
pub struct ShareBody {
    /// A publisher of the tenant.
    #[schema(value_type = Option<uuid::Uuid>)]
    publisher_id: Field,
    /// Publishers of the tenant, at most 50: one clone each, all or nothing.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, max_items = 50)]
    publisher_ids: Field,
    /// Codes of warnings that are meant.
    #[schema(value_type = Option<Vec<String>>)]
    accepted_warnings: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// With whom.
pub enum ShareWith {
    /// The offer itself.
    One(PublisherId),
    /// A clone for each.
    Several(Vec<PublisherId>),
}

impl ShareBody {
    /// Reads with whom, and which warnings are meant.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<(ShareWith, BTreeSet<Code>), Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let one = r.id::<PublisherId>("publisherId", self.publisher_id);
        let several = r.list("publisherIds", self.publisher_ids, PUBLISHERS_MAX, |r, item| r.id("", item));
        let several = several.filter(|ids| !ids.is_empty());
        let codes = read_ticks(&mut r, self.accepted_warnings);
        let mut seen = BTreeSet::new();
        for (at, id) in several.iter().flatten().enumerate() {
            if !seen.insert(*id) {
                r.wrong(&format!("publisherIds[{at}]"), "is given twice");
            }
        }
        let with = match (one, several) {
            (Some(_), Some(_)) => {
                r.wrong(
                    "publisherIds",
                    "goes without publisherId: that binds the offer itself, this makes clones",
                );
                None
            }
            (None, Some(several)) => Some(ShareWith::Several(several)),
            (one, None) => {
                let one = r.required("publisherId", one, "the publisher it is to belong to for ever");
                one.map(ShareWith::One)
            }
        };
        r.finish(with.map(|with| (with, codes)))
    }
}

/// The clones that were shared, one for each publisher, in their order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = SharedOffers)]
pub struct SharedJson {
    /// The clones.
    offers: Vec<OfferJson>,
}

impl From<Vec<OfferView>> for SharedJson {
    fn from(views: Vec<OfferView>) -> Self {
        Self { offers: views.into_iter().map(OfferJson::from).collect() }
    }
}
