//! The categories that a tenant has agreed on.

use kernel::{TenantId, TokenId};
use postgres_kit::{Retries, transact};
use serde_json::json;

use super::{
    Answer, Catalog, FlowError, Once,
    tenants::lock_tenant,
    write::{Change, States},
};
use crate::{
    domain::audit::{Actor, AuditAction},
    store::categories,
};

/// More than people choose from in one list.
const CATEGORIES_MAX: usize = 500;

impl Catalog {
    /// Adds a category; answers all of them.
    ///
    /// # Errors
    /// `Conflict` when it is there, there are too many or its key is in use, `KeyReused`, `Store`.
    pub async fn add_category(
        &self,
        tenant: TenantId,
        actor: TokenId,
        name: String,
        once: &Once<Vec<String>>,
    ) -> Result<Answer, FlowError> {
        let (change, name) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &name);
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            lock_tenant(conn, tenant, None).await?;
            if categories::all(conn, tenant).await?.len() >= CATEGORIES_MAX {
                return Err(FlowError::Conflict {
                    code: "too_many_categories",
                    detail: format!(
                        "a tenant has at most {CATEGORIES_MAX} categories: choose one of those there are"
                    ),
                    fields: Vec::new(),
                });
            }
            if !categories::insert(conn, tenant, name, change.at).await? {
                return Err(FlowError::category_exists(name));
            }
            let states = States::new(&json!({"name": name}))?;
            change.audit(conn, AuditAction::CategoryAdded, tenant.as_uuid(), states).await?;
            let agreed = categories::all(conn, tenant).await?;
            self.say(conn, once, agreed).await
        })
        .await
    }

    /// All categories of a tenant.
    ///
    /// # Errors
    /// `Store`.
    pub async fn categories(&self, tenant: TenantId) -> Result<Vec<String>, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| Ok(categories::all(conn, tenant).await?)).await
    }
}
