//! Which period a transfer takes: the month of this moment while that is open, else the first open one after it. Nothing ever
//! lands in a closed one.

use std::collections::BTreeSet;

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::AsyncPgConnection;
use kernel::{TenantId, Timestamp};

use crate::{
    domain::statements::{Month, next_period},
    store::{
        periods::{self, Taken},
        tenants,
    },
};

/// How often to look again because somebody closed the period that was just found.
const LOOKS: u8 = 4;

/// Takes a period for each tenant's transfers until the transaction ends. One statement, except once a month.
pub(super) async fn take(
    connection: &AsyncPgConnection,
    tenants: &BTreeSet<TenantId>,
    now: Timestamp,
) -> QueryResult<Taken> {
    if tenants.is_empty() {
        return Ok(Taken::default());
    }
    let wanted: Vec<TenantId> = tenants.iter().copied().collect();
    let mut taken = periods::lock_current(connection, &wanted).await?;
    for tenant in wanted {
        if taken.get(tenant).is_none() {
            taken.add(tenant, find(connection, tenant, now).await?);
        }
    }
    Ok(taken)
}

/// Finds the open period, or makes it.
async fn find(connection: &AsyncPgConnection, tenant: TenantId, now: Timestamp) -> QueryResult<Month> {
    for _look in 0..LOOKS {
        let known = periods::all(connection, tenant).await?;
        let ahead = known.iter().rev().find(|row| row.closed_at.is_none() && !row.is_over);
        let month = if let Some(open) = ahead {
            open.month()
        } else {
            let last = known.first().map(periods::PeriodRow::read).transpose()?;
            let zone = tenants::zone(connection, tenant).await?;
            let made = next_period(last, zone, now);
            periods::add(connection, tenant, made).await?;
            made.month
        };
        if periods::lock_open(connection, tenant, month).await? {
            return Ok(month);
        }
    }
    // Nobody's fault: who does all of it again finds the next one.
    let why = String::from("every statement period that was open has been closed meanwhile");
    Err(Error::DatabaseError(DatabaseErrorKind::SerializationFailure, Box::new(why)))
}
