//! Publishers, with the one place where they are told.

use kernel::{EndpointId, PublisherId, TenantId, TokenId};
use postgres_kit::{Retries, transact};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use signing::{seal, webhook::WebhookSecret};

use super::{
    Answer, Catalog, FlowError, Once,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        listing::{PartnerFilter, Slice, Sort, Window},
        partner::{EndpointFields, PublisherFields},
        records::{Endpoint, Publisher, Revision},
    },
    facts::publisher_changed,
    store::publishers,
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
        endpoint: Option<EndpointFields>,
        once: &Once<CreatedPublisher>,
    ) -> Result<Answer, FlowError> {
        let now = self.now();
        let (endpoint, signing_secret) = match endpoint {
            None => (None, None),
            Some(fields) => {
                let (endpoint, secret) = self.new_endpoint(tenant, fields)?;
                (Some(endpoint), Some(secret))
            }
        };
        let publisher = Publisher {
            tenant_id: tenant,
            publisher_id: PublisherId::from_uuid(self.ids().uuid_v7()),
            fields,
            endpoint,
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
                "postback": saved.endpoint.as_ref().map(|endpoint| &endpoint.fields),
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
        transact(self.pool(), Retries::default(), async |conn| {
            Ok(publishers::list(conn, tenant, filter, sort, window).await?)
        })
        .await
    }

    fn new_endpoint(
        &self,
        tenant: TenantId,
        fields: EndpointFields,
    ) -> Result<(Endpoint, SecretString), FlowError> {
        let endpoint_id = EndpointId::from_uuid(self.ids().uuid_v7());
        let secret = WebhookSecret::generate(self.random()).to_text();
        let sealed_secret = seal::seal(
            &self.parts.sealing_keys,
            self.random(),
            &seal::endpoint_signing_secret(tenant, endpoint_id),
            secret.expose_secret().as_bytes(),
        )
        .map_err(|error| FlowError::Broken("a secret can not be sealed", error.into()))?;
        Ok((Endpoint { endpoint_id, fields, sealed_secret, active: true }, secret))
    }
}
