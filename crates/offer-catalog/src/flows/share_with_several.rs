//! Sharing with several publishers in one call: a shared offer belongs to one for ever, so each gets a clone. All or nothing.

use kernel::{LinkId, OfferId, PublisherId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Answer, Catalog, Conditions, FlowError, OfferView, Once,
    create_offer::save_version,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        problems::Problems,
        records::Offer,
        status::{Action, Share},
        version::Introductions,
    },
    store::{Conn, offers, publishers},
};

impl Catalog {
    /// Makes one clone of an offer for each publisher, created and shared; the offer itself stays as it is. Warnings that
    /// the caller means are accepted.
    ///
    /// A clone keeps no launch date that is over, but these are shared at once, so they launch now.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Invalid` for an unknown publisher, `NotReady` with the linter's errors, `NotAccepted`, `Conflict`
    /// when the offer could not be shared itself or its key is in use, `KeyReused`, `Store`. Nothing is shared then.
    pub async fn share_with_several(
        &self,
        (tenant, actor): (TenantId, TokenId),
        id: OfferId,
        with: &[PublisherId],
        on: &Conditions,
        once: &Once<Vec<OfferView>>,
    ) -> Result<Answer, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let original = lock_offer(conn, tenant, id, on.expected).await?;
            original.state.may_be_shared()?;
            check_publishers(conn, tenant, with).await?;
            let (mut open, mut views) = (Vec::new(), Vec::with_capacity(with.len()));
            for publisher in with {
                let (mut clone, share) = self.clone_for(&original, *publisher, change)?;
                offers::insert(conn, &clone).await?;
                // The same question for every clone; what the last ones alone would bring is asked as well.
                for finding in self.must_be_right(conn, change, &mut clone, &[], &on.codes).await? {
                    if !open.contains(&finding) {
                        open.push(finding);
                    }
                }
                offers::save(conn, &clone).await?;
                offers::insert_share(conn, &clone, &share).await?;
                let subject = clone.offer_id.as_uuid();
                let states = States::new(&clone.fields)?;
                change.audit(conn, AuditAction::OfferCloned, subject, states).await?;
                change.audit(conn, AuditAction::OfferCreated, subject, States::new(&clone.fields)?).await?;
                change.audit(conn, AuditAction::OfferShared, subject, States::new(&clone.state)?).await?;
                save_version(conn, change, &clone, &Introductions::new()).await?;
                views.push(self.view(conn, clone).await?);
            }
            if !open.is_empty() {
                return Err(FlowError::NotAccepted(open));
            }
            self.say(conn, once, views).await
        })
        .await
    }

    fn clone_for(
        &self,
        original: &Offer,
        publisher_id: PublisherId,
        change: &Change<'_>,
    ) -> Result<(Offer, Share), FlowError> {
        let mut clone = self.copy_of(original, change.at);
        clone.fields.launch_at = clone.fields.launch_at.or(Some(change.at));
        // The same fields, so what was accepted of the original is accepted of them.
        clone.accepted = original.accepted.clone();
        let link_id = LinkId::from_uuid(self.ids().uuid_v7());
        let share = Share { publisher_id, link_id, shared_at: change.at };
        clone.state = clone.state.apply(Action::Create, change.at)?.apply(Action::Share(share), change.at)?;
        Ok((clone, share))
    }
}

async fn check_publishers(conn: &mut Conn, tenant: TenantId, with: &[PublisherId]) -> Result<(), FlowError> {
    let mut problems = Problems::default();
    for (at, publisher) in with.iter().enumerate() {
        match publishers::find(conn, tenant, *publisher).await? {
            None => problems.add(format!("publisherIds[{at}]"), "there is no such publisher"),
            Some(publisher) if !publisher.active => problems
                .add(format!("publisherIds[{at}]"), "this publisher is inactive: make it active first"),
            Some(_) => {}
        }
    }
    Ok(problems.or(())?)
}
