//! Postback credentials: issued, shown, rotated, revoked.

use std::collections::BTreeMap;

use kernel::{AdvertiserId, CredentialId, Days, TenantId, TokenId};
use postgres_kit::{Retries, Snapshot, transact};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use signing::credential as signed;

use super::{
    Answer, Catalog, CredentialView, FlowError, Once,
    catalog::tenant_of,
    credential_uses::views,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        credential::{self, CredentialConflict, Generation},
        listing::{Slice, Sort, Window},
        public_url,
        records::{Credential, IssuedGeneration, Revision},
        tenant::TenantDomain,
    },
    facts::credential_changed,
    store::{Conn, advertisers, credential_uses, credentials},
};

/// What the eye icon shows: the whole URL and the three values to paste into AppsFlyer.
pub struct Revealed {
    /// Whose.
    pub credential: Credential,
    /// The domain as its owner writes it.
    pub domain: TenantDomain,
    /// Three tokens, each followed by a slash.
    pub segment: String,
    /// 43 characters.
    pub signature: SecretString,
    /// All of it.
    pub postback_url: SecretString,
}

impl Catalog {
    /// Issues a credential: the tenant's, or one of its advertisers'.
    ///
    /// # Errors
    /// `Invalid` for an unknown advertiser, `Conflict` and `KeyReused` when its key is in use or was used, `Store`.
    pub async fn issue_credential(
        &self,
        tenant: TenantId,
        actor: TokenId,
        advertiser: Option<AdvertiserId>,
        once: &Once<CredentialView>,
    ) -> Result<Answer, FlowError> {
        let now = self.now();
        let credential_id = CredentialId::from_uuid(self.ids().uuid_v7());
        let nonce = self.random();
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), now);
        let issued = transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            if let Some(advertiser) = advertiser
                && advertisers::find(conn, tenant, advertiser).await?.is_none()
            {
                return Err(FlowError::field("advertiserId", "there is no such advertiser"));
            }
            let generation = Generation { number: 1, issued_at: now, valid_until: None };
            let credential = Credential {
                tenant_id: tenant,
                credential_id,
                advertiser_id: advertiser,
                generations: vec![self.under_current_key(generation, nonce)],
                revision: Revision::FIRST,
                created_at: now,
            };
            credentials::insert(conn, &credential).await?;
            let states = States::new(&logged(&credential))?;
            change.audit(conn, AuditAction::CredentialIssued, credential_id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&credential_changed(&credential))]).await?;
            self.say(conn, once, CredentialView { credential, uses: BTreeMap::new() }).await
        })
        .await?;
        self.tell_generations();
        Ok(issued)
    }

    /// Shows a credential. That somebody looked is in the audit log before anything is shown.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when it is revoked or its server key was retired, `Store`.
    pub async fn reveal_credential(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: CredentialId,
    ) -> Result<Revealed, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let domain = tenant_of(conn, tenant).await?.domain;
            let credential =
                credentials::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("credential"))?;
            let shown = *credential.current().ok_or(CredentialConflict::Revoked)?;
            let segment = signed::segment_of(id, tenant, shown.generation.number, shown.key_id, shown.nonce);
            // First: what can not be shown was not looked at.
            let signature = signed::signature_of(&self.parts.credential_keys, domain.as_str(), &segment)
                .map_err(|_the_segment_is_ours_so_its_key_is_gone| {
                    tracing::warn!(
                        credential.id = %id,
                        key.id = shown.key_id,
                        "a credential can not be shown: its server key is not in credentials.keys"
                    );
                    CredentialConflict::KeyRetired
                })?;
            change.audit(conn, AuditAction::CredentialRevealed, id.as_uuid(), States::none()).await?;
            let postback_url =
                public_url::postback(&self.parts.postback_base, &domain, &segment, signature.expose_secret())
                    .into();
            Ok::<_, FlowError>(Revealed { credential, domain, segment, signature, postback_url })
        })
        .await
    }

    /// Issues a new generation; the old one works on for `overlap`.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when it is revoked or its key is in use, `KeyReused`, `Store`.
    pub async fn rotate_credential(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: CredentialId,
        overlap: Days,
        once: &Once<CredentialView>,
    ) -> Result<Answer, FlowError> {
        let nonce = self.random();
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let rotated = transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let before =
                credentials::lock(conn, tenant, id).await?.ok_or(FlowError::NotFound("credential"))?;
            let generations = credential::rotate(&before.plain_generations(), change.at, overlap)?;
            let issued = |generation: Generation| {
                let known =
                    before.generations.iter().find(|known| known.generation.number == generation.number);
                known.map_or_else(
                    || self.under_current_key(generation, nonce),
                    |known| IssuedGeneration { generation, ..*known },
                )
            };
            let after = Credential {
                generations: generations.into_iter().map(issued).collect(),
                revision: before.revision.next(),
                ..before.clone()
            };
            credentials::save(conn, &after).await?;
            let states = States::changed(&logged(&before), &logged(&after))?;
            change.audit(conn, AuditAction::CredentialRotated, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&credential_changed(&after))]).await?;
            let rotated = view(conn, after).await?;
            self.say(conn, once, rotated).await
        })
        .await?;
        self.tell_generations();
        Ok(rotated)
    }

    /// Ends every generation at once. Revoking it again changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn revoke_credential(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: CredentialId,
    ) -> Result<CredentialView, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let revoked = transact(self.pool(), Retries::default(), async |conn| {
            let before =
                credentials::lock(conn, tenant, id).await?.ok_or(FlowError::NotFound("credential"))?;
            if before.current().is_none() {
                return view(conn, before).await;
            }
            let ended = credential::revoke(&before.plain_generations(), change.at);
            let generations = ended.into_iter().zip(&before.generations);
            let after = Credential {
                generations: generations
                    .map(|(generation, known)| IssuedGeneration { generation, ..*known })
                    .collect(),
                revision: before.revision.next(),
                ..before.clone()
            };
            credentials::save(conn, &after).await?;
            let states = States::changed(&logged(&before), &logged(&after))?;
            change.audit(conn, AuditAction::CredentialRevoked, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&credential_changed(&after))]).await?;
            view(conn, after).await
        })
        .await?;
        self.tell_generations();
        Ok(revoked)
    }

    /// A page of a tenant's credentials.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_credentials(
        &self,
        tenant: TenantId,
        advertiser: Option<AdvertiserId>,
        sort: Sort,
        window: Window,
    ) -> Result<Slice<CredentialView>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            let Slice { items, total } = credentials::list(conn, tenant, advertiser, sort, window).await?;
            Ok::<_, FlowError>(Slice { items: views(conn, tenant, items).await?, total })
        })
        .await
    }

    /// A new generation: its values will always be derived under the server key that is the current one now.
    fn under_current_key(&self, generation: Generation, nonce: [u8; 4]) -> IssuedGeneration {
        IssuedGeneration { generation, key_id: self.parts.credential_keys.current_id(), nonce }
    }
}

async fn view(conn: &mut Conn, credential: Credential) -> Result<CredentialView, FlowError> {
    let uses =
        credential_uses::of_credentials(conn, credential.tenant_id, &[credential.credential_id]).await?;
    Ok(CredentialView { uses: uses.into_values().next().unwrap_or_default(), credential })
}

fn logged(credential: &Credential) -> serde_json::Value {
    let generations = credential.plain_generations();
    let generations: Vec<_> = generations
        .iter()
        .map(|generation| {
            json!({
                "generation": generation.number,
                "issuedAtMicros": generation.issued_at,
                "validUntilMicros": generation.valid_until,
            })
        })
        .collect();
    json!({ "advertiserId": credential.advertiser_id, "generations": generations })
}
