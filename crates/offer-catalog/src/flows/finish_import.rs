//! The end of an import: absent offers are paused, but only when every row has succeeded.

use kernel::OfferId;
use postgres_kit::{Retries, transact};
use serde_json::json;

use super::{
    Catalog, FlowError,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        import::{Import, ImportState, Operation},
        records::Offer,
        status::{Action, OfferStatus},
    },
    facts::offer_changed,
    failpoints,
    store::{Conn, import_rows, imports, offers, provider_offers},
};

/// Absent offers of one look.
const OFFERS_MAX: i64 = 50;

impl Catalog {
    /// The next step after the last row; whether there was one. Rows that others hold are not done: then there is none.
    pub(super) async fn finish_import(&self, import: &Import) -> Result<bool, FlowError> {
        let absent = transact(self.pool(), Retries::default(), async |conn| {
            let Some(import) = imports::lock_free(conn, import.tenant_id, import.import_id).await? else {
                return Ok(None);
            };
            if import.finished_at.is_some() || !import_rows::open(conn, &import, 0, 1).await?.is_empty() {
                return Ok(None);
            }
            let counts = import_rows::counts(conn, import.tenant_id, import.import_id).await?;
            let mut absent = Vec::new();
            if import.request.operation == Operation::Synchronize && counts.failed == 0 {
                absent = provider_offers::absent(conn, &import, OFFERS_MAX).await?;
            }
            if absent.is_empty() {
                self.end_import(conn, &import).await?;
            } else if import.state != ImportState::Pausing {
                imports::move_to(conn, &import, ImportState::Pausing, None).await?;
            }
            Ok::<_, FlowError>(Some(absent))
        })
        .await?;
        let Some(absent) = absent else { return Ok(false) };
        for offer in absent {
            failpoints::import_pausing();
            self.pause_absent(import, offer).await?;
        }
        Ok(true)
    }

    /// Pauses an offer that was absent when this replica looked, unless others have ended the import meanwhile: then a later one
    /// of the provider may have said that the offer goes on.
    async fn pause_absent(&self, import: &Import, id: OfferId) -> Result<(), FlowError> {
        let tenant = import.tenant_id;
        let change = &Change::new(self.ids(), tenant, Actor::Token(import.imported_by), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            if !imports::lock_open(conn, import).await? {
                return Ok(());
            }
            let before = lock_offer(conn, tenant, id, None).await?;
            if before.state.status != OfferStatus::Ready {
                return Ok(());
            }
            let state = before.state.apply(Action::Pause { stop_events: false }, change.at)?;
            let states = States::changed(&before.state, &state)?;
            let revision = before.revision.next();
            let paused = Offer { state, revision, updated_at: change.at, ..before };
            offers::save(conn, &paused).await?;
            provider_offers::set_paused(conn, tenant, &import.request.provider, id, Some(revision)).await?;
            change.audit(conn, AuditAction::OfferPaused, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&offer_changed(&paused))]).await?;
            Ok(imports::count_paused(conn, import).await?)
        })
        .await
    }

    async fn end_import(&self, conn: &mut Conn, import: &Import) -> Result<(), FlowError> {
        let counts = import_rows::counts(conn, import.tenant_id, import.import_id).await?;
        let state = if counts.failed == 0 { ImportState::Succeeded } else { ImportState::Partial };
        let change = Change::new(self.ids(), import.tenant_id, Actor::Token(import.imported_by), self.now());
        imports::move_to(conn, import, state, Some(change.at)).await?;
        let codes: Vec<_> = import.request.codes.iter().map(|code| code.as_str()).collect();
        let states = States::new(&json!({
            "provider": import.request.provider,
            "concurrencyRequestId": import.request.concurrency_request_id,
            "operation": import.request.operation.as_str(),
            "acceptedWarnings": codes,
            "rows": import.rows,
            "counts": counts,
            "paused": import.paused,
        }))?;
        change.audit(conn, AuditAction::OffersImported, import.import_id, states).await
    }
}
