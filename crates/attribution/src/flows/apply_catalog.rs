//! Facts of the catalog into the read model. Idempotent by the version guards, so it needs no inbox. Journeys that a
//! change may decide anew are only noted here: see `rejudge`.

use contracts::{
    ContractError, Fact,
    catalog::{
        ApiTokenChanged, CredentialChanged, OfferChanged, OfferVersionCreated, TenantChanged, TokenRole,
    },
    envelope::Envelope,
    open, read,
};
use kernel::{CredentialId, OfferId, PublisherId, Role, TenantId, TokenId};
use postgres_kit::{
    DbError, Retries,
    tokens::{self, TokenRow},
    transact,
};

use super::{Attributor, FlowError};
use crate::{
    facts,
    store::{
        self,
        catalog::{self, CatalogRows, keep_newest},
        rejudgements,
    },
};

/// What a batch says.
#[derive(Debug, Default)]
struct Batch {
    rows: CatalogRows,
    tokens: Vec<TokenRow>,
}

impl Attributor {
    /// Applies a batch of the catalog's facts, in one transaction.
    ///
    /// # Errors
    /// [`FlowError`]; nothing was applied then.
    #[tracing::instrument(name = "apply catalog", skip_all, fields(batch.items = items.len()))]
    pub async fn apply_catalog(&self, items: &[Envelope]) -> Result<(), FlowError> {
        let mut batch = Batch::default();
        for item in items {
            collect(item, &mut batch)?;
        }
        let noted = transact(&self.pool, Retries::default(), async |connection| {
            tokens::apply(connection, &batch.tokens).await?;
            store::change_catalog(connection).await?;
            let changed = catalog::save(connection, &batch.rows).await?;
            Ok::<_, DbError>(rejudgements::note(connection, &changed).await?)
        })
        .await?;
        if noted > 0 {
            self.rejudge.notify_one();
        }
        Ok(())
    }
}

/// Everything is read to the last field before it is saved: a fact that can not be used is buried now, and not found
/// out by the first postback that needs it.
fn collect(item: &Envelope, batch: &mut Batch) -> Result<(), ContractError> {
    match item.fact.as_str() {
        TenantChanged::NAME => {
            let fact: TenantChanged = open(item)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            keep_newest(&mut batch.rows.tenants, tenant, facts::stored_version(fact.version), item);
        }
        ApiTokenChanged::NAME => batch.tokens.push(token(&open(item)?)?),
        CredentialChanged::NAME => {
            let fact: CredentialChanged = open(item)?;
            facts::credential(&fact)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            let credential = read::id(CredentialId::from_slice, &fact.credential_id, "credential_id")?;
            let version = facts::stored_version(fact.version);
            keep_newest(&mut batch.rows.credentials, (tenant, credential), version, item);
        }
        OfferChanged::NAME => {
            let fact: OfferChanged = open(item)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            let offer = read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?;
            keep_newest(&mut batch.rows.offers, (tenant, offer), facts::stored_version(fact.revision), item);
        }
        OfferVersionCreated::NAME => {
            let fact: OfferVersionCreated = open(item)?;
            facts::offer_version(&fact)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            let offer = read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?;
            let version = facts::stored_number(fact.version, "version")?;
            batch.rows.versions.insert((tenant, offer, version), item.body.to_vec());
        }
        // Advertisers' names and publishers' endpoints decide nothing here.
        other => tracing::debug!(fact = other, "a catalog fact that attribution does not follow"),
    }
    Ok(())
}

fn token(fact: &ApiTokenChanged) -> Result<TokenRow, ContractError> {
    let role = match read::enumeration(fact.role, "role")? {
        TokenRole::Owner => Role::Owner,
        TokenRole::Manager => Role::Manager,
        TokenRole::Analyst => Role::Analyst,
        TokenRole::Publisher => Role::Publisher,
        TokenRole::Unspecified => return Err(read::field_error("role", "is unspecified")),
    };
    let hash = fact.token_hash.as_slice().try_into();
    Ok(TokenRow {
        tenant_id: read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?,
        token_id: read::id(TokenId::from_slice, &fact.token_id, "token_id")?,
        token_hash: hash.map_err(|_wrong_length| read::field_error("token_hash", "must have 32 bytes"))?,
        role,
        publisher_id: read::optional_id(
            PublisherId::from_slice,
            fact.publisher_id.as_deref(),
            "publisher_id",
        )?,
        expires_at: fact.expires_at_micros.map(read::time),
        revoked: fact.revoked_at_micros.is_some(),
        scopes: contracts::scopes::from_message(&fact.scopes),
        version: facts::stored_version(fact.version),
    })
}
