//! Where and how a publisher is told, beside the global place that it may be made with: of an offer, of one event of it. Payout
//! takes the most specific one that there is.

use kernel::{EndpointId, PublisherId, TenantId, TokenId};
use postgres_kit::{Retries, transact};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Answer, Catalog, FlowError, Once,
    publishers::lock_publisher,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        partner::{EndpointScope, EnteredEndpoint, POSTBACKS_MAX},
        records::{Endpoint, OldSecret, Publisher, Revision},
    },
    facts::publisher_changed,
    store::{Conn, offer_versions, offers, publishers},
};

/// An endpoint and its new signing secret, which is shown once.
pub struct KeyedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// `whsec_…`.
    pub signing_secret: SecretString,
}

/// Where a body has the value of a custom header.
const HEADER_VALUE: &str = "customHeader.value";

impl Catalog {
    /// Adds a place where a publisher is told.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for an offer or event that it can not be for, `Conflict` when there is one for the same or too many,
    /// or its key is in use, `KeyReused`, `Store`; `Broken` when its secret can not be sealed.
    pub async fn add_postback(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: PublisherId,
        (scope, entered): (EndpointScope, EnteredEndpoint),
        once: &Once<KeyedEndpoint>,
    ) -> Result<Answer, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let (endpoint, secret) = &self.new_endpoint(tenant, scope, entered, HEADER_VALUE)?;
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let before = lock_publisher(conn, tenant, id, None).await?;
            check_scope(conn, &before, scope).await?;
            publishers::insert_endpoint(conn, &before, endpoint, change.at).await?;
            let mut endpoints = before.endpoints.clone();
            endpoints.push(endpoint.clone());
            let states = States::new(&logged(endpoint))?;
            save(conn, change, AuditAction::PostbackAdded, states, Publisher { endpoints, ..before }).await?;
            let added = KeyedEndpoint { endpoint: endpoint.clone(), signing_secret: secret.clone() };
            self.say(conn, once, added).await
        })
        .await
    }

    /// Replaces how a publisher is told in one place. Saving what is there changes nothing; the value of a custom header is
    /// sealed anew whenever it is sent.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for a global one that would also fire the global one and for a header without a value, `Store`;
    /// `Broken` when a value can not be sealed.
    pub async fn change_postback(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: PublisherId,
        endpoint: EndpointId,
        entered: EnteredEndpoint,
    ) -> Result<Endpoint, FlowError> {
        let (change, entered) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &entered);
        transact(self.pool(), Retries::default(), async |conn| {
            let publisher = lock_publisher(conn, tenant, id, None).await?;
            let before = endpoint_of(&publisher, endpoint)?.clone();
            let kept = before.custom_header.as_ref();
            let seal = |header| self.custom_header(tenant, endpoint, header, kept, HEADER_VALUE);
            let custom_header = entered.header.as_ref().map(seal).transpose()?;
            let fields = &entered.fields;
            if before.fields == *fields && before.custom_header == custom_header {
                return Ok(before);
            }
            if fields.also_global && before.scope == EndpointScope::Global {
                return Err(FlowError::field(
                    "alsoGlobal",
                    "goes only with the postback of an offer or event",
                ));
            }
            let after = Endpoint { fields: fields.clone(), custom_header, ..before.clone() };
            publishers::save_endpoint(conn, tenant, &after).await?;
            let states = States::changed(&logged(&before), &logged(&after))?;
            let changed = with(publisher, &after);
            save(conn, change, AuditAction::PostbackChanged, states, changed).await?;
            Ok(after)
        })
        .await
    }

    /// Takes away a place where a publisher is told.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn remove_postback(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: PublisherId,
        endpoint: EndpointId,
    ) -> Result<(), FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let mut publisher = lock_publisher(conn, tenant, id, None).await?;
            let states = States::new(&logged(endpoint_of(&publisher, endpoint)?))?;
            publishers::delete_endpoint(conn, tenant, endpoint).await?;
            publisher.endpoints.retain(|known| known.endpoint_id != endpoint);
            save(conn, change, AuditAction::PostbackRemoved, states, publisher).await
        })
        .await
    }

    /// Makes a new signing secret; postbacks carry signatures of both until the old one's time is over. Of three, the oldest
    /// ends at once.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` and `KeyReused` when its key is in use or was used, `Store`; `Broken` when it can not be sealed.
    pub async fn rotate_signing_secret(
        &self,
        tenant: TenantId,
        actor: TokenId,
        (id, endpoint): (PublisherId, EndpointId),
        overlap_hours: u16,
        once: &Once<KeyedEndpoint>,
    ) -> Result<Answer, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let (sealed_secret, signing_secret) = &self.new_secret(tenant, endpoint)?;
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let publisher = lock_publisher(conn, tenant, id, None).await?;
            let before = endpoint_of(&publisher, endpoint)?.clone();
            let until = change.at.saturating_add_seconds(i64::from(overlap_hours).saturating_mul(3_600));
            let old = OldSecret { sealed: before.sealed_secret.clone(), until };
            let after = Endpoint {
                sealed_secret: sealed_secret.clone(),
                old_secret: (overlap_hours > 0).then_some(old),
                ..before
            };
            publishers::save_endpoint(conn, tenant, &after).await?;
            let states = States::new(&json!({"endpointId": endpoint, "overlapHours": overlap_hours}))?;
            let changed = with(publisher, &after);
            save(conn, change, AuditAction::PostbackSecretRotated, states, changed).await?;
            let rotated = KeyedEndpoint { endpoint: after, signing_secret: signing_secret.clone() };
            self.say(conn, once, rotated).await
        })
        .await
    }
}

fn endpoint_of(publisher: &Publisher, id: EndpointId) -> Result<&Endpoint, FlowError> {
    let known = publisher.endpoints.iter().find(|endpoint| endpoint.endpoint_id == id);
    known.ok_or(FlowError::NotFound("postback"))
}

fn with(publisher: Publisher, changed: &Endpoint) -> Publisher {
    let endpoints = publisher.endpoints.into_iter();
    let endpoints = endpoints
        .map(|known| if known.endpoint_id == changed.endpoint_id { changed.clone() } else { known })
        .collect();
    Publisher { endpoints, ..publisher }
}

/// An endpoint is for what its publisher can hear of, and the only one for that.
async fn check_scope(conn: &mut Conn, publisher: &Publisher, scope: EndpointScope) -> Result<(), FlowError> {
    if publisher.endpoints.iter().any(|known| known.scope == scope) {
        return Err(FlowError::postback_exists());
    }
    if publisher.endpoints.len() >= POSTBACKS_MAX {
        return Err(FlowError::Conflict {
            code: "too_many_postbacks",
            detail: format!(
                "a publisher has at most {POSTBACKS_MAX} postbacks: remove one first, or use the global one"
            ),
            fields: Vec::new(),
        });
    }
    let Some(offer_id) = scope.offer() else { return Ok(()) };
    let offer = offers::find(conn, publisher.tenant_id, offer_id).await?;
    let offer = offer.ok_or_else(|| FlowError::field("offerId", "there is no such offer"))?;
    if offer.state.share.is_some_and(|share| share.publisher_id != publisher.publisher_id) {
        return Err(FlowError::field("offerId", "this offer is shared with another publisher, for ever"));
    }
    if let Some(event) = scope.event() {
        let events = offer_versions::introductions(conn, publisher.tenant_id, offer_id).await?;
        if !events.contains_key(&event) {
            return Err(FlowError::field("offerEventId", "is no event of a version of this offer"));
        }
    }
    Ok(())
}

async fn save(
    conn: &mut Conn,
    change: &Change<'_>,
    action: AuditAction,
    states: States,
    publisher: Publisher,
) -> Result<(), FlowError> {
    let after = Publisher { revision: Revision::next(publisher.revision), ..publisher };
    publishers::save(conn, &after).await?;
    change.audit(conn, action, after.publisher_id.as_uuid(), states).await?;
    change.tell(conn, &[change.stamper().outgoing(&publisher_changed(&after))]).await
}

/// Of a custom header its name, and a mark that is another one when a value was entered.
fn logged(endpoint: &Endpoint) -> Value {
    let header = endpoint.custom_header.as_ref();
    json!({
        "endpointId": endpoint.endpoint_id,
        "offerId": endpoint.scope.offer(),
        "offerEventId": endpoint.scope.event(),
        "postback": endpoint.fields,
        "customHeader": header.map(|header| json!({"name": header.name.as_str(), "value": header.mark()})),
    })
}
