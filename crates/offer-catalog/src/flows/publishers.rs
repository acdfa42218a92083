//! Publishers, with the places where they are told.

use kernel::{EndpointId, PublisherId, TenantId, TokenId};
use postgres_kit::{Retries, Snapshot, transact};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use signing::{seal, webhook::WebhookSecret};

use super::{
    Answer, Catalog, FlowError, Once,
    users::change_tokens,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        custom_header::{CustomHeader, EnteredHeader},
        listing::{PartnerFilter, Slice, Sort, Window},
        partner::{EndpointScope, EnteredEndpoint, PublisherFields},
        records::{Endpoint, Publisher, Revision, Token},
    },
    facts::publisher_changed,
    store::{Conn, publishers, tokens},
};

/// A new publisher and, when it has an endpoint, the endpoint's signing secret, which is shown once.
pub struct CreatedPublisher {
    /// The publisher.
    pub publisher: Publisher,
    /// `whsec_…`.
    pub signing_secret: Option<SecretString>,
}

impl Catalog {
    /// Makes a publisher.
    ///
    /// # Errors
    /// `Conflict` and `KeyReused` when its key is in use or was used, `Store`; `Broken` when its secret can not be sealed.
    pub async fn create_publisher(
        &self,
        tenant: TenantId,
        actor: TokenId,
        fields: PublisherFields,
        endpoint: Option<EnteredEndpoint>,
        once: &Once<CreatedPublisher>,
    ) -> Result<Answer, FlowError> {
        let now = self.now();
        let (endpoint, signing_secret) = match endpoint {
            None => (None, None),
            Some(entered) => {
                let field = "postback.customHeader.value";
                let (endpoint, secret) = self.new_endpoint(tenant, EndpointScope::Global, entered, field)?;
                (Some(endpoint), Some(secret))
            }
        };
        let publisher = Publisher {
            tenant_id: tenant,
            publisher_id: PublisherId::from_uuid(self.ids().uuid_v7()),
            fields,
            endpoints: endpoint.into_iter().collect(),
            active: true,
            revision: Revision::FIRST,
            created_at: now,
        };
        let change = Change::new(self.ids(), tenant, Actor::Token(actor), now);
        let (saved, signing_secret, change) = (&publisher, &signing_secret, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            publishers::insert(conn, saved).await?;
            let logged = json!({
                "name": saved.fields.name,
                "maxConcurrency": saved.fields.pace.max_concurrency,
                "maxPerSecond": saved.fields.pace.max_per_second,
                "postback": saved.global_endpoint().map(|endpoint| &endpoint.fields),
                "customHeader": saved
                    .global_endpoint()
                    .and_then(|endpoint| endpoint.custom_header.as_ref())
                    .map(|header| header.name.as_str()),
            });
            let states = States::new(&logged)?;
            change.audit(conn, AuditAction::PublisherCreated, saved.publisher_id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&publisher_changed(saved))]).await?;
            let created =
                CreatedPublisher { publisher: saved.clone(), signing_secret: signing_secret.clone() };
            self.say(conn, once, created).await
        })
        .await
    }

    /// One publisher.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn publisher(&self, tenant: TenantId, id: PublisherId) -> Result<Publisher, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            publishers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("publisher"))
        })
        .await
    }

    /// A page of a tenant's publishers.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_publishers(
        &self,
        tenant: TenantId,
        filter: &PartnerFilter,
        sort: Sort,
        window: Window,
    ) -> Result<Slice<Publisher>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            Ok(publishers::list(conn, tenant, filter, sort, window).await?)
        })
        .await
    }

    /// Replaces a publisher's name, pace and status. While it is inactive its tokens open nothing, nothing more is shared with it,
    /// and payout tells it nothing. Saving what is there changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Store`.
    pub async fn change_publisher(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: PublisherId,
        (fields, active): (PublisherFields, bool),
        expected: Option<Revision>,
    ) -> Result<Publisher, FlowError> {
        let (change, fields) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &fields);
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_publisher(conn, tenant, id, expected).await?;
            if (&before.fields, before.active) == (fields, active) {
                return Ok(before);
            }
            let revision = before.revision.next();
            let after = Publisher { fields: fields.clone(), active, revision, ..before.clone() };
            publishers::save(conn, &after).await?;
            let states = States::changed(&logged(&before), &logged(&after))?;
            change.audit(conn, AuditAction::PublisherChanged, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&publisher_changed(&after))]).await?;
            if before.active != active {
                let suspended_at = (!active).then_some(change.at);
                let held = tokens::lock_of_publisher(conn, tenant, id).await?;
                let opened_or_closed =
                    |token: Token| Token { suspended_at, revision: token.revision.next(), ..token };
                change_tokens(conn, change, held, opened_or_closed).await?;
            }
            Ok(after)
        })
        .await
    }

    /// `field` is the body's name of the custom header's value.
    pub(super) fn new_endpoint(
        &self,
        tenant: TenantId,
        scope: EndpointScope,
        entered: EnteredEndpoint,
        field: &str,
    ) -> Result<(Endpoint, SecretString), FlowError> {
        let endpoint_id = EndpointId::from_uuid(self.ids().uuid_v7());
        let (sealed_secret, secret) = self.new_secret(tenant, endpoint_id)?;
        let header = entered.header.as_ref();
        let custom_header =
            header.map(|header| self.custom_header(tenant, endpoint_id, header, None, field)).transpose()?;
        let fields = entered.fields;
        let endpoint = Endpoint {
            endpoint_id,
            scope,
            fields,
            sealed_secret,
            old_secret: None,
            custom_header,
            active: true,
        };
        Ok((endpoint, secret))
    }

    /// A custom header as it is kept: with the value that was entered, else with the one that is `kept` under its name.
    pub(super) fn custom_header(
        &self,
        tenant: TenantId,
        endpoint: EndpointId,
        entered: &EnteredHeader,
        kept: Option<&CustomHeader>,
        field: &str,
    ) -> Result<CustomHeader, FlowError> {
        let name = entered.name.clone();
        let sealed_value = match (&entered.value, kept.filter(|kept| kept.name == name)) {
            (Some(value), _) => seal::seal(
                &self.parts.sealing_keys,
                self.random(),
                &seal::endpoint_header_value(tenant, endpoint),
                value.expose_bytes(),
            )
            .map_err(|error| FlowError::Broken("the value of a header can not be sealed", error.into()))?,
            (None, Some(kept)) => kept.sealed_value.clone(),
            (None, None) => {
                return Err(FlowError::field(field, "is required: no value is kept under this name yet"));
            }
        };
        Ok(CustomHeader { name, sealed_value })
    }

    /// A signing secret, sealed and as the publisher is given it.
    pub(super) fn new_secret(
        &self,
        tenant: TenantId,
        endpoint_id: EndpointId,
    ) -> Result<(Vec<u8>, SecretString), FlowError> {
        let secret = WebhookSecret::generate(self.random()).to_text();
        let sealed_secret = seal::seal(
            &self.parts.sealing_keys,
            self.random(),
            &seal::endpoint_signing_secret(tenant, endpoint_id),
            secret.expose_secret().as_bytes(),
        )
        .map_err(|error| FlowError::Broken("a secret can not be sealed", error.into()))?;
        Ok((sealed_secret, secret))
    }
}

/// A publisher for a change.
pub(super) async fn lock_publisher(
    conn: &mut Conn,
    tenant: TenantId,
    id: PublisherId,
    expected: Option<Revision>,
) -> Result<Publisher, FlowError> {
    let publisher = publishers::lock(conn, tenant, id).await?.ok_or(FlowError::NotFound("publisher"))?;
    if expected.is_some_and(|expected| expected != publisher.revision) {
        return Err(FlowError::Stale);
    }
    Ok(publisher)
}

fn logged(publisher: &Publisher) -> serde_json::Value {
    json!({
        "name": publisher.fields.name,
        "active": publisher.active,
        "maxConcurrency": publisher.fields.pace.max_concurrency,
        "maxPerSecond": publisher.fields.pace.max_per_second,
    })
}
