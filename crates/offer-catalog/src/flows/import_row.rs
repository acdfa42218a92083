//! One row of an import: a new offer, a new version of one, or nothing new. The same rules as for a person's changes.

use kernel::OfferId;

use super::{
    Catalog, FlowError,
    create_offer::save_version,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::Accepted,
        audit::{Actor, AuditAction},
        budget::Budget,
        identity::{KnownEvents, identify},
        import::{Import, Outcome, RowOffer, RowProblem},
        lint::Finding,
        records::{Offer, Revision},
        status::{Action, Conflict, OfferState, OfferStatus},
        version::Introductions,
    },
    facts::offer_changed,
    store::{
        Conn, offers,
        provider_offers::{self, Known},
    },
};

/// What a row's fault of ours is called for the caller; the log says more.
const BROKEN: &str =
    "a fault of GoKart's: the log of offer-catalog says which; send this offer again by hand";

impl Catalog {
    /// What a row says comes true.
    pub(super) async fn import_row(
        &self,
        conn: &mut Conn,
        import: &Import,
        mut row: RowOffer,
    ) -> Result<(Outcome, OfferId), FlowError> {
        let (tenant, provider) = (import.tenant_id, import.request.provider.as_str());
        let change = Change::new(self.ids(), tenant, Actor::Token(import.imported_by), self.now());
        row.codes.extend(import.request.codes.iter().copied());
        let known = match &row.external_id {
            Some(external_id) => provider_offers::find(conn, tenant, provider, external_id).await?,
            None => None,
        };
        match (row.offer_id, known) {
            (None, None) => self.import_new(conn, &change, import, row).await,
            (Some(id), Some(known)) if known.offer_id != id => Err(FlowError::field(
                "offerId",
                "is not the offer that this provider calls by this externalId",
            )),
            (Some(id), known) => self.import_changed(conn, &change, import, (id, known), row).await,
            (None, Some(known)) => {
                self.import_changed(conn, &change, import, (known.offer_id, Some(known)), row).await
            }
        }
    }

    async fn import_new(
        &self,
        conn: &mut Conn,
        change: &Change<'_>,
        import: &Import,
        row: RowOffer,
    ) -> Result<(Outcome, OfferId), FlowError> {
        let (tenant, mut fields) = (import.tenant_id, row.fields);
        self.resolve_references(conn, tenant, &mut fields).await?;
        fields.events = identify(fields.events, &KnownEvents::default(), || self.new_event_id())?;
        let id = OfferId::from_uuid(self.ids().uuid_v7());
        let mut offer = Offer {
            tenant_id: tenant,
            offer_id: id,
            state: OfferState::draft(None).apply(Action::Create, change.at)?,
            fields,
            accepted: Accepted::default(),
            budget: Budget::default(),
            revision: Revision::FIRST,
            created_at: change.at,
            updated_at: change.at,
        };
        self.must_pass(conn, change, &mut offer, &[], &row.codes).await?;
        offers::insert(conn, &offer).await?;
        change.audit(conn, AuditAction::OfferCreated, id.as_uuid(), States::new(&offer.fields)?).await?;
        save_version(conn, change, &offer, &Introductions::new()).await?;
        if let Some(external_id) = &row.external_id {
            provider_offers::insert(conn, tenant, &import.request.provider, external_id, id).await?;
        }
        Ok((Outcome::Created, id))
    }

    async fn import_changed(
        &self,
        conn: &mut Conn,
        change: &Change<'_>,
        import: &Import,
        (id, known): (OfferId, Option<Known>),
        row: RowOffer,
    ) -> Result<(Outcome, OfferId), FlowError> {
        let tenant = import.tenant_id;
        let before = match lock_offer(conn, tenant, id, None).await {
            Err(FlowError::NotFound(_)) => return Err(FlowError::field("offerId", "there is no such offer")),
            before => before?,
        };
        if before.state.status == OfferStatus::Draft {
            return Err(Conflict::StillDraft.into());
        }
        if let (Some(external_id), None) = (&row.external_id, known) {
            self.adopt(conn, import, id, external_id).await?;
        }
        let mut after = self.changed(conn, &before, &row.fields, || self.new_event_id()).await?;
        let paused = known.and_then(|known| known.paused_revision);
        if paused.is_some() {
            provider_offers::set_paused(conn, tenant, &import.request.provider, id, None).await?;
        }
        // With another revision a person has been at it since: then it is theirs to let it go on.
        if before.state.status == OfferStatus::Paused && paused == Some(before.revision) {
            after.state = before.state.apply(Action::Resume, change.at)?;
        }
        let (has_new_fields, has_new_state) = (after.fields != before.fields, after.state != before.state);
        if !has_new_fields && !has_new_state {
            return Ok((Outcome::Unchanged, id));
        }
        after.revision = before.revision.next();
        after.updated_at = change.at;
        if has_new_state {
            let states = States::changed(&before.state, &after.state)?;
            change.audit(conn, AuditAction::OfferResumed, id.as_uuid(), states).await?;
        }
        if has_new_fields {
            self.add_version(conn, change, &before, &mut after, &row.codes).await?;
        } else {
            offers::save(conn, &after).await?;
            change.tell(conn, &[change.stamper().outgoing(&offer_changed(&after))]).await?;
        }
        Ok((Outcome::Changed, id))
    }

    /// An offer of the tenant becomes one of the provider's, unless it is already, by another name.
    async fn adopt(
        &self,
        conn: &mut Conn,
        import: &Import,
        id: OfferId,
        external_id: &str,
    ) -> Result<(), FlowError> {
        let (tenant, provider) = (import.tenant_id, import.request.provider.as_str());
        let names = provider_offers::external_ids(conn, tenant, provider, &[id]).await?;
        if let Some((_, name)) = names.first() {
            let detail = format!("the offer of this offerId is `{name}` of this provider, for ever");
            return Err(FlowError::field("externalId", detail));
        }
        Ok(provider_offers::insert(conn, tenant, provider, external_id, id).await?)
    }
}

/// Of a row about an offer that another row of its import is about.
pub(super) fn named_twice() -> FlowError {
    let detail = "another row of this import is about the same offer; an import names each offer once";
    FlowError::field("offerId", detail)
}

/// Everything that is wrong with a row, for the one who sent it.
pub(super) fn problems(error: FlowError) -> Vec<RowProblem> {
    let whole = |detail: String| RowProblem { field: String::new(), detail };
    let finding = |finding: Finding| RowProblem {
        detail: format!("{}: {}", finding.code.as_str(), finding.detail),
        field: finding.field,
    };
    match error {
        FlowError::Invalid(fields) => fields.into_iter().map(RowProblem::from).collect(),
        FlowError::NotReady(findings) => findings.into_iter().map(finding).collect(),
        FlowError::NotAccepted(findings) => {
            let mut problems: Vec<_> = findings.into_iter().map(finding).collect();
            problems.push(whole(String::from(
                "mend these warnings, or say in acceptedWarnings, of the row or of the import, that they are meant",
            )));
            problems
        }
        FlowError::Conflict { code, detail, fields } => {
            let mut problems = vec![whole(format!("{code}: {detail}"))];
            problems.extend(fields.into_iter().map(RowProblem::from));
            problems
        }
        error @ (FlowError::NotFound(_) | FlowError::KeyReused | FlowError::Stale) => {
            vec![whole(error.to_string())]
        }
        error @ (FlowError::Store(_) | FlowError::Broken(..) | FlowError::Files(_) | FlowError::Busy) => {
            tracing::error!(
                error = telemetry::chain(&error),
                "a row of an import could not be worked off: it failed"
            );
            vec![whole(String::from(BROKEN))]
        }
    }
}
