//! A person asked to be forgotten: what the stored verdicts say of them goes, the conversion and its money stay. What is
//! still told to a publisher about it is told without the person.

use contracts::{attribution::ConversionVerdict, tracker};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ClickId, TenantId};
use postgres_kit::{DbError, Pool, Retries, transact};
use prost::Message as _;

use crate::store::erased::{self, ErasedClick};

/// Forgets who stands behind these clicks, also behind what still comes of them. Doing it again changes nothing, so it needs
/// no inbox.
///
/// # Errors
/// The database's.
pub async fn forget_people(pool: &Pool, clicks: &[ErasedClick]) -> Result<(), DbError> {
    let keys: Vec<(TenantId, ClickId)> = clicks.iter().map(|one| (one.tenant, one.click)).collect();
    transact(pool, Retries::default(), async |connection| {
        erased::remember(connection, clicks).await?;
        Ok::<_, DbError>(strip(connection, &keys).await?)
    })
    .await
}

/// Takes the person out of the stored verdicts of these clicks, where one is to be forgotten.
pub(super) async fn strip(connection: &AsyncPgConnection, clicks: &[(TenantId, ClickId)]) -> QueryResult<()> {
    let stored = erased::stored(connection, clicks).await?;
    if stored.is_empty() {
        return Ok(());
    }
    let left: Vec<_> = stored
        .into_iter()
        .filter_map(|row| {
            // What is no verdict tells nothing to anybody; whoever sends it next says so.
            let verdict = ConversionVerdict::decode(row.verdict.as_slice()).ok()?;
            let left = without_person(verdict, &row.member).encode_to_vec();
            Some((row.tenant_id, row.conversion_id, left))
        })
        .collect();
    erased::save(connection, &left).await.map(drop)
}

/// A verdict without its person. The publisher's own id of the click stays: without it the publisher can not be told; so do
/// country and platform, which are no person's.
fn without_person(mut verdict: ConversionVerdict, member: &str) -> ConversionVerdict {
    if let Some(click) = &mut verdict.click {
        click.publisher_parameters =
            click.publisher_parameters.take().map(|given| tracker::PublisherParameters {
                pub_click_id: given.pub_click_id,
                pub_member_id: String::from(member),
                ..tracker::PublisherParameters::default()
            });
        click.visitor = click.visitor.take().map(|visitor| tracker::Visitor {
            country: visitor.country,
            platform: visitor.platform,
            ..tracker::Visitor::default()
        });
    }
    if let Some(told) = &mut verdict.tracking_system {
        told.ip_address.clear();
        told.email.clear();
        told.user_id.clear();
        told.subs.clear();
    }
    verdict
}
