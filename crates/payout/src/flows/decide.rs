//! A person decides on a conversion. It takes room from the limits like everything else, and attribution is told: it judges
//! the rest of the journey by it.

use std::{collections::BTreeSet, sync::Arc};

use diesel_async::AsyncPgConnection;
use kernel::{ConversionId, IdSource, TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, outbox, transact};

use super::{
    counting, facts,
    save::{self, Changed},
};
use crate::{
    domain::{
        conversion::{Refused, on_decision},
        standing::Decision,
    },
    store::{self, conversions, decisions, tenants},
};

/// What is asked for, and by whom.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose conversion.
    pub tenant: TenantId,
    /// Which.
    pub conversion: ConversionId,
    /// Whose token.
    pub token: TokenId,
    /// What.
    pub decision: Decision,
    /// Why, for people.
    pub reason: String,
}

/// Why it was not done; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The tenant has no such conversion.
    #[error("there is no such conversion")]
    NotFound,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for DecideError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for DecideError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound | Self::Refused(_) => None,
        }
    }
}

/// Carries a decision out.
///
/// # Errors
/// [`DecideError`].
pub async fn decide(pool: &Pool, ids: &Arc<dyn IdSource>, asked: &Asked) -> Result<(), DecideError> {
    transact(pool, Retries::default(), async |connection| carry_out(connection, ids.as_ref(), asked).await)
        .await
}

async fn carry_out(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    asked: &Asked,
) -> Result<(), DecideError> {
    let key = (asked.tenant, asked.conversion);
    let offer = decisions::offer_of(connection, key).await?.ok_or(DecideError::NotFound)?;
    let offers = counting::lock(connection, BTreeSet::from([(asked.tenant, offer)])).await?;
    let stored = conversions::lock(connection, &[key]).await?.remove(&key).ok_or(DecideError::NotFound)?;
    let rates = tenants::rates(connection, &[asked.tenant]).await?;
    let now = store::now(connection).await?;
    let current = &stored.conversion;
    let subject = std::iter::once(current.subject);
    let mut desk = counting::desk(connection, &offers, subject, std::iter::once(current), now).await?;
    let rate = |from, to| rates.find(asked.tenant, from, to);
    let change = on_decision(current, asked.decision, &asked.reason, &rate, &mut desk, now)?;

    let after = &change.conversion;
    conversions::change(connection, &[after]).await?;
    let token = Some(asked.token);
    save::consequences(connection, ids, now, &[Changed { change: &change, trace: &stored.trace, token }])
        .await?;
    counting::close(connection, ids, now, &offers, &desk).await?;
    let by = (asked.token, asked.reason.as_str());
    decisions::add(connection, key, after.status_revision, asked.decision, by).await?;
    let said = facts::decided_by_person(ids, now, &stored.trace, after, (asked.decision, by));
    outbox::add(connection, &[said]).await?;
    Ok(())
}
