//! Rule 15: which of a member's clicks did an event of an offer first. The first committed wins, and stays.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, OfferEventId, OfferId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

/// A member of an offer: the publisher's id of its user. An offer belongs to one publisher for ever.
pub type Member<'a> = (TenantId, OfferId, &'a str);

/// Of one member: the click that did an event first.
pub type FirstClicks = BTreeMap<OfferEventId, ClickId>;

/// The first clicks of these members, in their order.
///
/// # Errors
/// The database's.
pub async fn load(
    mut connection: &AsyncPgConnection,
    members: &[Member<'_>],
) -> QueryResult<Vec<FirstClicks>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        place: i64,
        #[diesel(sql_type = SqlUuid)]
        offer_event_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        click_id: Uuid,
    }
    let mut found = vec![FirstClicks::new(); members.len()];
    if members.is_empty() {
        return Ok(found);
    }
    let (tenants, offers, names) = columns(members.iter().copied());
    let select = sql_query(
        "SELECT place, offer_event_id, click_id
        FROM unnest($1, $2, $3) WITH ORDINALITY AS wanted (tenant_id, offer_id, name, place)
        JOIN first_steps USING (tenant_id, offer_id)
        WHERE first_steps.member = sha256(wanted.name)",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(offers)
    .bind::<Array<Binary>, _>(names);
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    for row in rows {
        // Places count from 1.
        let place = usize::try_from(row.place).ok().and_then(|place| place.checked_sub(1));
        if let Some(of_member) = place.and_then(|place| found.get_mut(place)) {
            of_member.insert(OfferEventId::from_uuid(row.offer_event_id), ClickId::from_uuid(row.click_id));
        }
    }
    Ok(found)
}

/// Claims steps for clicks, where nobody has; whether all of them were free. Each step may be there once, and they come in
/// the order of their keys: replicas that want the same steps wait for each other in a row, never in a circle.
///
/// # Errors
/// The database's.
pub async fn claim(
    mut connection: &AsyncPgConnection,
    steps: &BTreeMap<(Member<'_>, OfferEventId), ClickId>,
) -> QueryResult<bool> {
    if steps.is_empty() {
        return Ok(true);
    }
    let (tenants, offers, names) = columns(steps.keys().map(|(member, _)| *member));
    let events: Vec<Uuid> = steps.keys().map(|(_, event)| event.as_uuid()).collect();
    let clicks: Vec<Uuid> = steps.values().map(|click| click.as_uuid()).collect();
    let insert = sql_query(
        "INSERT INTO first_steps (tenant_id, offer_id, member, offer_event_id, click_id)
        SELECT tenant_id, offer_id, sha256(name), offer_event_id, click_id
        FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY
            AS wanted (tenant_id, offer_id, name, offer_event_id, click_id, place)
        ORDER BY place
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(offers)
    .bind::<Array<Binary>, _>(names)
    .bind::<Array<SqlUuid>, _>(events)
    .bind::<Array<SqlUuid>, _>(clicks);
    let claimed = kept(insert).execute(&mut connection).await?;
    Ok(claimed == steps.len())
}

/// Members by column: tenants, offers, names.
type Columns<'a> = (Vec<Uuid>, Vec<Uuid>, Vec<&'a [u8]>);

fn columns<'a>(members: impl Iterator<Item = Member<'a>>) -> Columns<'a> {
    let mut columns: Columns<'a> = (Vec::new(), Vec::new(), Vec::new());
    for (tenant, offer, name) in members {
        columns.0.push(tenant.as_uuid());
        columns.1.push(offer.as_uuid());
        columns.2.push(name.as_bytes());
    }
    columns
}
