//! Attribution's `PersonErased`.

use ::bus::{BatchHandler, HandleError, house::PAYOUT_PEOPLE};
use contracts::{ContractError, attribution::PersonErased, envelope::Envelope, open, read};
use hand_over::failure;
use kernel::{ClickId, TenantId};
use postgres_kit::Pool;

use crate::{flows::forget_people::forget_people, store::erased::ErasedClick};

/// Forgets people.
pub struct OnPersonErased {
    /// Payout's database.
    pub pool: Pool,
}

impl BatchHandler for OnPersonErased {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        let mut clicks = Vec::new();
        for item in items {
            clicks.extend(erased(item).map_err(|error| failure::of_contract(&error))?);
        }
        // One statement may not touch a row twice; the same click with the hash of its member is the better of two.
        clicks.sort_by(|one, other| {
            (one.tenant, one.click, &other.member).cmp(&(other.tenant, other.click, &one.member))
        });
        clicks.dedup_by_key(|one| (one.tenant, one.click));
        forget_people(&self.pool, &clicks).await.map_err(|error| failure::of_store(&error))
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        failure::bury(&self.pool, PAYOUT_PEOPLE, item, reason).await
    }
}

fn erased(item: &Envelope) -> Result<Vec<ErasedClick>, ContractError> {
    let fact: PersonErased = open(item)?;
    let tenant = read::tenant_id(item)?;
    if read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")? != tenant {
        return Err(read::field_error("tenant_id", "must be the envelope's"));
    }
    fact.clicks
        .into_iter()
        .map(|click| {
            let id = read::id(ClickId::from_slice, &click.gk_click_id, "clicks.gk_click_id")?;
            Ok(ErasedClick { tenant, click: id, member: click.member })
        })
        .collect()
}
