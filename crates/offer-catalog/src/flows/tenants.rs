//! Tenants: made by the operator, each with its first user, an owner, and the token that everything else begins with.

use kernel::{Role, Scopes, TenantId, TokenId};
use postgres_kit::{Retries, transact};
use secrecy::SecretString;

use super::{
    Catalog, FlowError, TokenRequest,
    catalog::tenant_of,
    tokens::{Holder, IssuedToken, Rights},
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        rate::{self, Rate},
        records::{Revision, Tenant, Token},
        tenant::{TenantDomain, TenantProfile},
        user::UserFields,
    },
    facts::{api_token_changed, tenant_changed},
    store::{Conn, tenants, tokens, users},
};

/// A new tenant and its owner's token, which is shown once.
pub struct CreatedTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// The owner's token.
    pub token: Token,
    /// Its text.
    pub secret: SecretString,
}

impl Catalog {
    /// Makes a tenant.
    ///
    /// # Errors
    /// `Invalid` for an unknown time zone, `Conflict` when the domain is taken, `Store`.
    pub async fn create_tenant(
        &self,
        domain: TenantDomain,
        profile: TenantProfile,
    ) -> Result<CreatedTenant, FlowError> {
        let now = self.now();
        let tenant_id = TenantId::from_uuid(self.ids().uuid_v7());
        let rates = Vec::new();
        let tenant = Tenant { tenant_id, domain, profile, rates, revision: Revision::FIRST, created_at: now };
        let owner =
            UserFields { name: String::from("owner"), email: None, role: Role::Owner, publisher_id: None };
        let owner = self.new_user(tenant_id, owner, now);
        let request = TokenRequest {
            label: Some(String::from("owner")),
            holder: Holder::User(owner.user_id),
            scopes: Scopes::FULL,
            expires_at: None,
        };
        let rights = Rights { user_id: Some(owner.user_id), role: Role::Owner, publisher_id: None };
        let IssuedToken { token, secret } = self.new_token(tenant_id, request, rights, now);
        let change = Change::new(self.ids(), tenant_id, Actor::Operator, now);

        let (tenant_ref, owner_ref, token_ref, change_ref) = (&tenant, &owner, &token, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            check_zone(conn, &tenant_ref.profile.time_zone).await?;
            if !tenants::insert(conn, tenant_ref).await? {
                return Err(FlowError::domain_taken(&tenant_ref.domain.to_string()));
            }
            users::insert(conn, owner_ref).await?;
            tokens::insert(conn, token_ref).await?;
            let states = States::new(&tenant_ref.profile)?;
            change_ref
                .audit(conn, AuditAction::TenantCreated, tenant_ref.tenant_id.as_uuid(), states)
                .await?;
            let stamper = change_ref.stamper();
            let facts = [
                stamper.outgoing(&tenant_changed(tenant_ref)),
                stamper.outgoing(&api_token_changed(token_ref)),
            ];
            change_ref.tell(conn, &facts).await
        })
        .await?;
        Ok(CreatedTenant { tenant, token, secret })
    }

    /// Replaces what is stated of a tenant. Saving what is there changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Invalid` for an unknown time zone, `Store`.
    pub async fn change_tenant(
        &self,
        tenant: TenantId,
        actor: TokenId,
        profile: TenantProfile,
        expected: Option<Revision>,
    ) -> Result<Tenant, FlowError> {
        let (change, profile) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &profile);
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_tenant(conn, tenant, expected).await?;
            if before.profile == *profile {
                return Ok(before);
            }
            check_zone(conn, &profile.time_zone).await?;
            let states = States::changed(&before.profile, profile)?;
            let revision = before.revision.next();
            let after = Tenant { profile: profile.clone(), revision, ..before };
            save(conn, change, AuditAction::TenantChanged, states, &after).await?;
            Ok(after)
        })
        .await
    }

    /// Replaces a tenant's rate table. Saving what is there changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Invalid` for a table that says two things of a pair, `Store`.
    pub async fn change_rates(
        &self,
        tenant: TenantId,
        actor: TokenId,
        rates: Vec<Rate>,
        expected: Option<Revision>,
    ) -> Result<Tenant, FlowError> {
        rate::check(&rates)?;
        let (change, rates) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &rates);
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_tenant(conn, tenant, expected).await?;
            if before.rates == *rates {
                return Ok(before);
            }
            let states = States::changed(&before.rates, rates)?;
            let revision = before.revision.next();
            let after = Tenant { rates: rates.clone(), revision, ..before };
            save(conn, change, AuditAction::TenantRatesChanged, states, &after).await?;
            Ok(after)
        })
        .await
    }

    /// The caller's tenant.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn tenant(&self, tenant: TenantId) -> Result<Tenant, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| tenant_of(conn, tenant).await).await
    }
}

/// The tenant of a change, which nobody else changes until the transaction ends.
pub(super) async fn lock_tenant(
    conn: &mut Conn,
    tenant: TenantId,
    expected: Option<Revision>,
) -> Result<Tenant, FlowError> {
    let tenant = tenants::lock(conn, tenant).await?.ok_or(FlowError::NotFound("tenant"))?;
    if expected.is_some_and(|expected| expected != tenant.revision) {
        return Err(FlowError::Stale);
    }
    Ok(tenant)
}

async fn save(
    conn: &mut Conn,
    change: &Change<'_>,
    action: AuditAction,
    states: States,
    after: &Tenant,
) -> Result<(), FlowError> {
    tenants::save(conn, after).await?;
    change.audit(conn, action, after.tenant_id.as_uuid(), states).await?;
    change.tell(conn, &[change.stamper().outgoing(&tenant_changed(after))]).await
}

async fn check_zone(conn: &mut Conn, zone: &str) -> Result<(), FlowError> {
    if tenants::is_time_zone(conn, zone).await? {
        return Ok(());
    }
    Err(FlowError::field("timeZone", format!("`{zone}` is no IANA time zone such as Europe/Berlin or UTC")))
}
