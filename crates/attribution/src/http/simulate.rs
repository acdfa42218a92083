//! `POST /api/v1/simulate`: what would have been decided and earned under terms that nobody has saved.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{post, web};
use chrono::{DateTime, Utc};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::{
    AdvertiserId, ClickId, CredentialId, LinkId, OfferEventId, OfferId, PublisherId, ReceiptId, TenantId,
    Timestamp,
};
use postback_parser::{Postback, Request};
use serde::{Deserialize, Serialize};
use terms::{Priced, Terms, price};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api,
    decision_body::StepBody,
    draft::{Draft, DraftBody, wrong},
    unavailable, written,
};
use crate::domain::{
    Claims, Click, Conversion, ConversionChange, Credential, DecisionChange, Generation, JourneyInputs,
    Moment, Offer, Settled, Stamped, Verdict, timeline,
};
use crate::flows::{KnownOffer, Rates, money_terms};

/// Postbacks of one simulation at most: each is judged with all before it, within the time of one call.
const POSTBACKS_MAX: usize = 200;

/// A click under a draft, and what came after it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "clickedAt": "2026-12-01T10:00:00Z",
    "version": {"currency": "USD", "events": [{
        "eventId": "Install", "sequenceNumber": 1, "revenue": {"model": "FlatRate", "amount": "2.00"},
        "payout": {"model": "FlatRate", "amount": "1.00"}
    }]},
    "postbacks": [{"receivedAt": "2026-12-01T10:05:00Z", "query": "cnv_event_id=Install"}]
}))]
pub struct SimulationBody {
    /// A stored journey, instead of `clickedAt` and `postbacks`: its click and its postbacks as they came.
    #[serde(default)]
    gk_click_id: Option<Uuid>,
    /// With `gkClickId`: true adds the draft to the versions of the offer that are saved, as if it had been saved before the first
    /// postback came, and the click keeps the version it was made under. False judges as if the click had been made under the
    /// draft, and there were nothing else.
    #[serde(default)]
    beside_saved: bool,
    /// When the click happened.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2026-12-01T10:00:00Z")]
    clicked_at: Option<DateTime<Utc>>,
    /// The draft, in the catalog's names; its body can be pasted whole.
    version: DraftBody,
    /// 1 to 200 postbacks, in any order.
    #[serde(default)]
    postbacks: Vec<SimulatedPostback>,
}

/// A postback.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulatedPostback {
    /// When it comes.
    #[schema(value_type = String, example = "2026-12-01T10:05:00Z")]
    received_at: DateTime<Utc>,
    /// Its query as AppsFlyer would send it; the click's id may be left out.
    #[schema(example = "cnv_event_id=level_10&cnv_amount=4.99&cnv_currency=USD")]
    query: String,
}

/// What would have happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"timeline": [{
    "at": "2026-12-01T10:05:00.000000Z", "postback": 0,
    "decisions": [{"postback": 0, "code": "QUALIFIED", "sentence": "Accepted.", "trace": []}],
    "conversions": [{
        "eventId": "Install", "postback": 0, "change": "qualified", "verdict": "qualified", "code": "QUALIFIED",
        "money": {"currency": "USD", "revenue": "2.00", "payout": "1.00"}
    }]
}]}))]
pub struct SimulatedBody {
    /// In the order of time.
    pub timeline: Vec<MomentBody>,
}

/// Something happens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MomentBody {
    /// When.
    pub at: String,
    /// The place in the list of the postback that comes, from 0; absent: time goes by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postback: Option<usize>,
    /// Decisions made or changed.
    pub decisions: Vec<SimulatedDecision>,
    /// Verdicts made or changed.
    pub conversions: Vec<SimulatedConversion>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedDecision {
    /// The postback's place in the list, from 0.
    pub postback: usize,
    /// Its code.
    #[schema(example = "QUALIFIED")]
    pub code: &'static str,
    /// For people.
    pub sentence: &'static str,
    /// The code it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<&'static str>,
    /// Every rule in order, as far as they were run.
    pub trace: Vec<StepBody>,
}

/// A verdict.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedConversion {
    /// The Event ID.
    pub event_id: String,
    /// The postback that holds it, by its place in the list.
    pub postback: usize,
    /// `qualified`, `amended`, `vetoed` or `review_requested`.
    pub change: &'static str,
    /// `qualified`, `on_review` or `vetoed`.
    pub verdict: &'static str,
    /// Why.
    pub code: &'static str,
    /// What it is worth, before caps and budget; absent when the draft has no money for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<SimulatedMoney>,
}

/// What a conversion is worth.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedMoney {
    /// Currency of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The advertiser owes this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5.00")]
    pub revenue: Option<String>,
    /// The publisher earns this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "3.00")]
    pub payout: Option<String>,
    /// Why a person must look at it: payout puts it on review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
}

/// Simulate a journey
///
/// Goes through the postbacks in the order of receipt, and then until nothing waits any more, by the rules that decide real
/// ones. Nothing is written. Money is before caps and budget, by the tenant's rates as they are now.
#[utoipa::path(
    tag = "what-if",
    security(("apiToken" = ["read"])),
    request_body = SimulationBody,
    responses(
        (status = 200, description = "What would have happened.", body = SimulatedBody),
        (status = 404, description = "No such journey, or its click has not arrived.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/simulate")]
pub(super) async fn simulate(
    caller: Caller,
    api: web::Data<Api>,
    body: Json<SimulationBody>,
) -> Result<Json<SimulatedBody>, Problem> {
    caller.require_read_tenant()?;
    let SimulationBody { gk_click_id, beside_saved, clicked_at, version, postbacks } = body.0;
    let stored = match (gk_click_id, clicked_at) {
        (Some(click), None) if postbacks.is_empty() => {
            let stored = api.reader.stamped(caller.tenant, ClickId::from_uuid(click)).await;
            Some(stored.map_err(unavailable)?.ok_or_else(|| Problem::not_found("journey"))?)
        }
        (None, Some(_)) if beside_saved => {
            return Err(wrong("besideSaved", "goes with gkClickId: nothing is saved of what is pasted"));
        }
        (None, Some(_)) => None,
        _ => return Err(wrong("gkClickId", "must stand alone, or clickedAt and postbacks without it")),
    };
    let (saved, mut click, stamped): (KnownOffer, Click, Vec<Stamped>) = if let Some(stored) = stored {
        let again = |(place, one): (usize, Stamped)| stamp(place, one.received_at, one.claims);
        let stamped = stored.postbacks.into_iter().enumerate().map(again).collect();
        (stored.offer, Click { member: None, ..stored.click }, stamped)
    } else {
        let at = clicked_at.map_or(Timestamp::from_micros(0), moment);
        (KnownOffer::default(), click_at(at), postbacks.iter().enumerate().map(pasted).collect())
    };
    if stamped.is_empty() || stamped.len() > POSTBACKS_MAX {
        return Err(wrong("postbacks", &format!("must be 1 to {POSTBACKS_MAX} postbacks")));
    }
    let newest = saved.rules.versions.keys().next_back().copied().unwrap_or_default();
    let number = newest.saturating_add(1);
    let Draft { version, money } = version.read("version", Some(&saved.rules), number)?;
    let mut offer = if beside_saved { saved.rules.clone() } else { Offer::default() };
    offer.versions.insert(number, version);
    if !beside_saved {
        click.offer_version = number;
    }
    let worth =
        Worth { number, money, saved, rates: api.reader.rates(caller.tenant).await.map_err(unavailable)? };
    let moments = run(caller.tenant, click, &offer, stamped);
    Ok(Json(SimulatedBody { timeline: moments.into_iter().map(|one| shown(one, &worth)).collect() }))
}

/// What conversions are worth.
struct Worth {
    /// The draft's number.
    number: u32,
    /// The draft's money.
    money: BTreeMap<OfferEventId, Terms>,
    /// What is saved.
    saved: KnownOffer,
    rates: Rates,
}

impl Worth {
    /// None when the draft has no money for it.
    fn of(&self, conversion: &Conversion) -> Option<SimulatedMoney> {
        let terms = if conversion.terms.version == self.number {
            self.money.get(&conversion.event).copied()
        } else {
            self.saved.money(conversion.event, conversion.terms).and_then(money_terms)
        }?;
        let reported = terms::Reported { amount: conversion.reported.money, usd: conversion.reported.usd };
        let priced = price(&terms, &reported, |from, to| self.rates.find(from, to));
        let known = priced.breakdown();
        Some(SimulatedMoney {
            currency: known.map(|known| known.currency.to_string()),
            revenue: known.map(|known| known.revenue.to_string()),
            payout: known.map(|known| known.payout.to_string()),
            review: match priced {
                Priced::Money(_) => None,
                Priced::Review { cause, .. } => Some(cause.to_string()),
            },
        })
    }
}

/// A click that nobody made.
fn click_at(clicked_at: Timestamp) -> Click {
    Click {
        clicked_at,
        link: LinkId::from_uuid(Uuid::nil()),
        offer: OfferId::from_uuid(Uuid::nil()),
        offer_version: 1,
        advertiser: AdvertiserId::from_uuid(Uuid::nil()),
        publisher: PublisherId::from_uuid(Uuid::nil()),
        member: None,
    }
}

/// Under a credential that is valid; the click is known.
fn run(tenant: TenantId, click: Click, offer: &Offer, postbacks: Vec<Stamped>) -> Vec<Moment> {
    let credential =
        Credential { advertiser: None, generations: BTreeMap::from([(0, Generation { valid_until: None })]) };
    let credentials = BTreeMap::from([(CredentialId::from_uuid(Uuid::nil()), credential)]);
    timeline(&JourneyInputs {
        tenant,
        click_id: ClickId::from_uuid(Uuid::nil()),
        click_id_is_ours: true,
        click: Some(click),
        postbacks,
        offer,
        credentials: &credentials,
        held: BTreeMap::new(),
        people: Vec::new(),
        first_clicks: BTreeMap::new(),
        replayed: Vec::new(),
        dated_by: None,
    })
}

fn pasted((place, postback): (usize, &SimulatedPostback)) -> Stamped {
    let parsed = Postback::parse(&Request::get(postback.query.as_bytes()));
    stamp(place, moment(postback.received_at), Arc::new(Claims::of(&parsed)))
}

/// Its receipt is its place in the list.
fn stamp(place: usize, received_at: Timestamp, claims: Arc<Claims>) -> Stamped {
    Stamped {
        receipt: ReceiptId::from_uuid(Uuid::from_u128(u128::try_from(place).unwrap_or_default())),
        received_at,
        credential: CredentialId::from_uuid(Uuid::nil()),
        generation: 0,
        claims,
        settled: Settled::default(),
    }
}

fn moment(time: DateTime<Utc>) -> Timestamp {
    Timestamp::from_micros(time.timestamp_micros())
}

fn place(receipt: ReceiptId) -> usize {
    usize::try_from(receipt.as_uuid().as_u128()).unwrap_or_default()
}

fn shown(moment: Moment, worth: &Worth) -> MomentBody {
    MomentBody {
        at: written(moment.at),
        postback: moment.receipt.map(place),
        decisions: moment.decisions.iter().map(decision).collect(),
        conversions: moment
            .conversions
            .into_iter()
            .map(|(change, conversion)| {
                let money = worth.of(&conversion);
                verdict(change, conversion, money)
            })
            .collect(),
    }
}

fn decision(change: &DecisionChange) -> SimulatedDecision {
    SimulatedDecision {
        postback: place(change.decision.receipt),
        code: change.decision.code.as_str(),
        sentence: change.decision.code.sentence(),
        replaces: change.replaces.map(crate::domain::Code::as_str),
        trace: change.decision.trace.steps().iter().map(StepBody::from).collect(),
    }
}

fn verdict(
    change: ConversionChange,
    conversion: Conversion,
    money: Option<SimulatedMoney>,
) -> SimulatedConversion {
    SimulatedConversion {
        event_id: conversion.event_id,
        postback: place(conversion.holder),
        change: match change {
            ConversionChange::Qualified => "qualified",
            ConversionChange::Amended => "amended",
            ConversionChange::Vetoed => "vetoed",
            ConversionChange::ReviewRequested => "review_requested",
        },
        verdict: match conversion.verdict {
            Verdict::Qualified => "qualified",
            Verdict::OnReview => "on_review",
            Verdict::Vetoed => "vetoed",
        },
        code: conversion.code.as_str(),
        money,
    }
}
