//! Saving an offer's fields: a draft is overwritten, a created offer gets a new immutable version.

use std::collections::BTreeSet;

use kernel::{OfferEventId, OfferId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Catalog, Conditions, FlowError, OfferView,
    accept_warnings::accept,
    create_offer::save_version,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::judge,
        audit::{Actor, AuditAction},
        identity::{KnownEvents, identify},
        lint::Code,
        offer::OfferFields,
        records::Offer,
        status::OfferStatus,
        version::check_unchangeable,
    },
    store::{Conn, offer_versions, offers},
};

impl Catalog {
    /// Saves the fields of an offer. Warnings that the caller means are accepted. What is not in them is cleared; saving what is there already changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Invalid`, `NotReady` when a created offer would no longer pass the linter, `NotAccepted` when
    /// it would bring new warnings, `Conflict` when it has ended or an Event ID belongs to another event, `Store`.
    pub async fn change_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        fields: OfferFields,
        on: &Conditions,
    ) -> Result<OfferView, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let fields = &fields;
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_offer(conn, tenant, id, on.expected).await?;
            let is_draft = before.state.status == OfferStatus::Draft;
            let mut after = self.changed(conn, &before, fields, || self.new_event_id()).await?;
            let has_news = if is_draft {
                let findings = self.findings(conn, &after).await?;
                let judged = judge(&findings, &before.accepted, &[], &on.codes);
                let is_accepting = !judged.newly.is_empty();
                accept(conn, change, &mut after, judged).await?;
                is_accepting
            } else {
                false
            };
            if after.fields == before.fields && !has_news {
                return self.view(conn, before).await;
            }
            after.revision = before.revision.next();
            after.updated_at = change.at;
            if is_draft {
                offers::save(conn, &after).await?;
                let states = States::changed(&before.fields, &after.fields)?;
                change.audit(conn, AuditAction::OfferDraftSaved, id.as_uuid(), states).await?;
            } else {
                self.add_version(conn, change, &before, &mut after, &on.codes).await?;
            }
            self.view(conn, after).await
        })
        .await
    }

    /// The offer with other fields, if it may have them.
    pub(super) async fn changed(
        &self,
        conn: &mut Conn,
        before: &Offer,
        fields: &OfferFields,
        fresh: impl FnMut() -> OfferEventId + Send,
    ) -> Result<Offer, FlowError> {
        before.state.may_be_edited()?;
        let mut fields = fields.clone();
        self.resolve_references(conn, before.tenant_id, &mut fields).await?;
        let known = if before.state.status == OfferStatus::Draft {
            KnownEvents::of_draft(&before.fields)
        } else {
            check_unchangeable(&before.fields, &fields)?;
            offer_versions::known_events(conn, before.tenant_id, before.offer_id).await?
        };
        let mut after = before.clone();
        fields.events = identify(fields.events, &known, fresh)?;
        after.fields = fields;
        Ok(after)
    }

    /// Makes the next version, if the linter lets it pass.
    pub(super) async fn add_version(
        &self,
        conn: &mut Conn,
        change: &Change<'_>,
        before: &Offer,
        after: &mut Offer,
        codes: &BTreeSet<Code>,
    ) -> Result<(), FlowError> {
        // A change answers for what it brings; what was there before, or came with time, is not asked again.
        let known = self.findings(conn, before).await?;
        self.must_pass(conn, change, after, &known, codes).await?;
        self.write_version(conn, change, before, after).await
    }

    /// Makes the next version of an offer that passed.
    pub(super) async fn write_version(
        &self,
        conn: &mut Conn,
        change: &Change<'_>,
        before: &Offer,
        after: &mut Offer,
    ) -> Result<(), FlowError> {
        after.state.newest_version = before.state.newest_version.saturating_add(1);
        offers::save(conn, after).await?;
        let states = States::changed(&before.fields, &after.fields)?;
        change.audit(conn, AuditAction::OfferVersioned, after.offer_id.as_uuid(), states).await?;
        let known = offer_versions::introductions(conn, after.tenant_id, after.offer_id).await?;
        save_version(conn, change, after, &known).await
    }
}
