//! From a version of an offer to its limits. What is wrong with it is named by its field.

use contracts::{
    ContractError,
    catalog::{Caps, OfferEvent, OfferVersionCreated, OverLimitAction},
    common::{Money, revenue_terms},
    envelope::Envelope,
    read,
};
use kernel::{Currency, Micros, OfferEventId, OfferId, TenantId};

use crate::{
    domain::limits::{Bounds, Cap, CapOf, Heard, OverLimit, Period},
    store::offers::Offer,
};

pub(super) fn read(item: &Envelope, message: &OfferVersionCreated) -> Result<Offer, ContractError> {
    let tenant = read::id(TenantId::from_slice, &message.tenant_id, "tenant_id")?;
    if read::tenant_id(item)? != tenant {
        return Err(read::field_error("tenant_id", "is not the envelope's tenant"));
    }
    if message.version == 0 {
        return Err(read::field_error("version", "counts from 1, is 0"));
    }
    let currency = read::currency(&message.currency, "currency")?;
    let mut caps = caps(message.caps, CapOf::Offer, "caps")?;
    for event in &message.events {
        let id = read::id(OfferEventId::from_slice, &event.offer_event_id, "events.offer_event_id")?;
        caps.extend(self::caps(event.caps, CapOf::Event(id), "events.caps")?);
        caps.extend(self::caps(event.publisher_caps, CapOf::EventByPublisher(id), "events.publisher_caps")?);
    }
    let bounds = Bounds {
        version: message.version,
        currency,
        total: budget(message.total_budget.as_ref(), currency, "total_budget")?,
        daily: budget(message.daily_budget.as_ref(), currency, "daily_budget")?,
        least: least(&message.events)?,
        action: action(message.over_limit_action)?,
        caps,
    };
    let heard = Heard { total: message.total_budget_raise, daily: message.daily_budget_raise };
    Ok(Offer { key: (tenant, read::id(OfferId::from_slice, &message.offer_id, "offer_id")?), bounds, heard })
}

/// One that says nothing refuses.
fn action(action: i32) -> Result<OverLimit, ContractError> {
    if action == i32::from(OverLimitAction::Unspecified) {
        return Ok(OverLimit::Reject);
    }
    Ok(match read::enumeration::<OverLimitAction>(action, "over_limit_action")? {
        OverLimitAction::Reject | OverLimitAction::Unspecified => OverLimit::Reject,
        OverLimitAction::Review => OverLimit::Review,
        OverLimitAction::AcceptUnpaid => OverLimit::AcceptUnpaid,
    })
}

fn budget(budget: Option<&Money>, currency: Currency, field: &str) -> Result<Option<Micros>, ContractError> {
    let Some(money) = read::optional_money(budget, field)? else { return Ok(None) };
    if money.currency != currency {
        return Err(read::field_error(field, "is not in the offer's currency"));
    }
    if money.amount.0 < 0 {
        return Err(read::field_error(field, "must not be negative"));
    }
    Ok(Some(money.amount))
}

fn caps(caps: Option<Caps>, of: CapOf, field: &str) -> Result<Vec<Cap>, ContractError> {
    let Caps { daily, weekly, monthly, all_time } = caps.unwrap_or_default();
    let bounds = [daily, weekly, monthly, all_time].into_iter().zip(Period::ALL);
    bounds
        .filter_map(|(bound, period)| Some((bound?, period)))
        .map(|(bound, period)| match bound {
            0 => Err(read::field_error(field, "must be at least 1")),
            bound => Ok(Cap { of, period, bound }),
        })
        .collect()
}

/// The smallest flat revenue above 0: a step that costs nothing keeps no budget open. Of an offer that earns by percent only
/// anything that is left will do.
fn least(events: &[OfferEvent]) -> Result<Micros, ContractError> {
    let mut least: Option<i64> = None;
    let mut has_percent = false;
    for event in events {
        let terms = read::required(event.terms.as_ref(), "events.terms")?;
        let money = read::required(terms.money.as_ref(), "events.terms.money")?;
        let revenue = read::required(money.revenue.as_ref(), "events.terms.money.revenue")?;
        match read::required(revenue.model.as_ref(), "events.terms.money.revenue.model")? {
            revenue_terms::Model::FlatMicros(flat) if *flat > 0 => {
                least = Some(least.map_or(*flat, |least| least.min(*flat)));
            }
            revenue_terms::Model::FlatMicros(_) => {}
            revenue_terms::Model::PercentOfAmountBps(_) => has_percent = true,
        }
    }
    Ok(Micros(least.unwrap_or(i64::from(has_percent))))
}
