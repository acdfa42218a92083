//! Statements of periods that are open: what they would say if they were closed now.

use std::collections::HashMap;

use contracts::attribution::ConversionVerdict;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::TenantId;
use prost::Message as _;
use uuid::Uuid;

use super::View;
use crate::{
    domain::statements::{Month, draw, statement_id},
    store::{
        periods,
        statement_rows::LineRow,
        statements::{self, DrawnLine},
    },
};

/// The statements of the open periods up to `through`, of all without one; of one party, when it is named. Newest first.
pub(super) async fn open(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    party: Option<Uuid>,
    through: Option<Month>,
) -> QueryResult<Vec<View>> {
    let mut months: Vec<Month> = periods::all(connection, tenant)
        .await?
        .iter()
        .filter(|row| row.closed_at.is_none() && through.is_none_or(|through| row.month() <= through))
        .map(periods::PeriodRow::month)
        .collect();
    months.sort_unstable();
    let Some(last) = months.last().copied() else { return Ok(Vec::new()) };
    let accounts = statements::party_accounts(connection, tenant, party).await?;
    let moved: HashMap<_, _> = statements::movements(connection, tenant, party, last)
        .await?
        .into_iter()
        .map(|(account, month, movements)| ((account, month), movements))
        .collect();
    let mut drawn: Vec<View> = Vec::new();
    for row in accounts {
        let mut before = row.before;
        for month in &months {
            let movements = moved.get(&(row.account.id(), *month)).copied().unwrap_or_default();
            let Some(figures) = draw(before, movements, row.account.currency) else { continue };
            before = figures.after();
            drawn.push(View {
                id: statement_id(&row.account, *month),
                month: *month,
                account: row.account,
                party_name: row.party_name.clone(),
                is_closed: false,
                figures,
                settled: None,
            });
        }
    }
    // Accounts stay in their order within a month.
    drawn.sort_by_key(|view| std::cmp::Reverse(view.month));
    Ok(drawn)
}

/// A line with the names its offer and event had.
pub(super) fn named(line: DrawnLine) -> LineRow {
    // What can not be read has no names; the ids stay.
    let verdict = ConversionVerdict::decode(line.verdict.as_slice()).unwrap_or_default();
    LineRow {
        offer_id: line.offer_id,
        offer_event_id: line.offer_event_id,
        offer_name: verdict.offer_name,
        event_id: line.event_id,
        event_name: verdict.event_name,
        conversions: line.conversions,
        earned_micros: line.earned_micros,
        reversals: line.reversals,
        reversed_micros: line.reversed_micros,
    }
}
