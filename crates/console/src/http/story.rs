//! `GET /story?gk_click_id=…`: everything that is known of a click, on one page.
//!
//! Two services know a part each. When one is away the page shows the other's part, says who did not answer, and is a 502,
//! so that nobody takes the half for the whole.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use futures_util::future::{join, join_all};
use maud::{Markup, html};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Desk, failure::Failure, page::page};
use crate::services::{
    CallError, Services, Who,
    bodies::{
        Conversion, ConversionLine, Decision, Delivery, Journey, JourneyPostback, List, Money, Postback,
    },
};

/// Postbacks and conversions shown with their details: a page for a person, and a bound on our calls.
const DETAILS_MAX: usize = 100;
/// Calls to a service at once for one page.
const CALLS_AT_ONCE: usize = 4;

/// Which click, as typed.
#[derive(Deserialize)]
pub struct Which {
    gk_click_id: Option<String>,
}

/// The page.
pub async fn story(
    request: HttpRequest,
    desk: web::Data<Desk>,
    which: web::Query<Which>,
) -> Result<HttpResponse, Failure> {
    let session = desk.session(&request)?;
    let typed = which.gk_click_id.as_deref().unwrap_or_default().trim();
    let answer = |status, body: &Markup| {
        Ok(page(status, "Click story", Some(&session), &html! { (search(typed)) (body) }))
    };
    if typed.is_empty() {
        return answer(StatusCode::OK, &html! {});
    }
    let Ok(click) = typed.parse::<Uuid>() else {
        return answer(
            StatusCode::BAD_REQUEST,
            &html! { p.bad { "This is no click id: one has 32 hexadecimal digits." } },
        );
    };
    let (told, earned) =
        join(told(&desk.services, &session.token, click), earned(&desk.services, &session.token, click))
            .await;
    let away = [away(told.as_ref().err())?, away(earned.as_ref().err())?];
    let (told, earned) = (told.ok().flatten(), earned.unwrap_or_default());
    let missing: Vec<Who> = away.into_iter().flatten().collect();
    let status = match () {
        () if !missing.is_empty() => StatusCode::BAD_GATEWAY,
        () if told.is_none() && earned.is_empty() => StatusCode::NOT_FOUND,
        () => StatusCode::OK,
    };
    let body = html! {
        @for who in missing {
            p.bad role="alert" { (who.to_string()) " did not answer: its part is missing here. Try again in a minute." }
        }
        @if status == StatusCode::NOT_FOUND {
            p.bad { "Nobody has heard of this click. A click or postback shows up here within seconds of its arrival." }
        }
        @if let Some(told) = &told { (journey(told)) }
        @if !earned.is_empty() { h2 { "Conversions" } }
        @for one in &earned { (conversion(one)) }
    };
    answer(status, &body)
}

/// Who is missing; what is wrong with the token itself ends the page.
fn away(error: Option<&CallError>) -> Result<Option<Who>, Failure> {
    match error {
        None => Ok(None),
        Some(CallError::Away(who) | CallError::NotFound(who) | CallError::Conflict(who)) => Ok(Some(*who)),
        Some(error @ (CallError::Token(_) | CallError::Forbidden(_))) => Err((*error).into()),
    }
}

/// What attribution tells.
struct Told {
    journey: Journey,
    /// In the order of the journey's; `None`: beyond the bound, or not kept any more.
    postbacks: Vec<Option<Postback>>,
}

async fn told(services: &Services, token: &SecretString, click: Uuid) -> Result<Option<Told>, CallError> {
    let path = format!("/api/v1/journeys/{click}");
    let journey: Journey = match services.get(Who::Attribution, token, &path).await {
        Err(CallError::NotFound(_)) => return Ok(None),
        journey => journey?,
    };
    let receipts = journey.postbacks.iter().map(|postback| format!("/api/v1/postbacks/{}", postback.receipt));
    let postbacks = details(services, Who::Attribution, token, receipts).await?;
    Ok(Some(Told { journey, postbacks }))
}

/// What payout tells.
async fn earned(
    services: &Services,
    token: &SecretString,
    click: Uuid,
) -> Result<Vec<Conversion>, CallError> {
    let path = format!("/api/v1/conversions?gk_click_id={click}&page_size={DETAILS_MAX}");
    let lines: List<ConversionLine> = services.get(Who::Payout, token, &path).await?;
    let paths = lines.items.iter().map(|line| format!("/api/v1/conversions/{}", line.conversion_id));
    Ok(details(services, Who::Payout, token, paths).await?.into_iter().flatten().collect())
}

async fn details<T: DeserializeOwned>(
    services: &Services,
    who: Who,
    token: &SecretString,
    paths: impl Iterator<Item = String>,
) -> Result<Vec<Option<T>>, CallError> {
    let paths: Vec<String> = paths.take(DETAILS_MAX).collect();
    let mut found = Vec::with_capacity(paths.len());
    for some in paths.chunks(CALLS_AT_ONCE) {
        for one in join_all(some.iter().map(|path| services.get(who, token, path))).await {
            found.push(match one {
                Err(CallError::NotFound(_)) => None,
                one => Some(one?),
            });
        }
    }
    Ok(found)
}

fn search(typed: &str) -> Markup {
    html! {
        form.tall method="get" action="/story" {
            label for="gk_click_id" { "gk_click_id" }
            input #gk_click_id name="gk_click_id" value=(typed) autocomplete="off" required;
            button { "Tell" }
        }
    }
}

fn journey(told: &Told) -> Markup {
    let Told { journey, postbacks } = told;
    html! {
        h2 { "Click" }
        @if let Some(click) = &journey.click {
            p { "Clicked " (click.clicked_at) ", offer " (click.offer_id) " version " (click.offer_version) ", publisher " (click.publisher_id) "." }
        } @else {
            p { "The click itself has not arrived, only postbacks that name it." }
        }
        @if let Some(until) = &journey.waits_until { p { "Something waits until " (until) "." } }
        h2 { "Postbacks" }
        @if journey.postbacks.is_empty() { p { "None yet." } }
        @for (place, line) in journey.postbacks.iter().enumerate() {
            (postback(line, postbacks.get(place).and_then(Option::as_ref)))
        }
    }
}

fn postback(line: &JourneyPostback, whole: Option<&Postback>) -> Markup {
    html! {
        article {
            h3 { (line.event_id.as_deref().unwrap_or("(no event)")) " " span.tag { (line.code) } }
            p { (line.sentence) }
            p.quiet { "Received " (line.received_at) ", receipt " (line.receipt) }
            @if let Some(whole) = whole {
                (decision("Why", &whole.decision))
                @for earlier in &whole.earlier_decisions { (decision("Before", earlier)) }
            }
        }
    }
}

fn decision(when: &str, decision: &Decision) -> Markup {
    html! {
        details {
            summary { (when) ": " (decision.code) ", decided " (decision.decided_at) }
            p { (decision.sentence) @if decision.may_change { " Something that comes later may change it." } }
            ul.trace { @for step in &decision.trace { li { span.tag { (step.outcome) } " " (step.sentence) } } }
        }
    }
}

fn conversion(one: &Conversion) -> Markup {
    html! {
        article {
            h3 { (one.event_name) " (" (one.event_id) ") " span.tag { (one.status) }
                @if one.on_review { " " span.tag { "on review" } }
                @if one.flagged { " " span.tag { "flagged" } }
            }
            p { (one.offer_name) }
            @if !one.reason.is_empty() { p { (one.reason) } }
            p { "Revenue " (money(one.revenue.as_ref())) ", payout " (money(one.payout.as_ref())) }
            @if let Some(due) = &one.due_at { p { "Held until " (due) "." } }
            p.quiet { "Changed " (one.changed_at) ", conversion " (one.id) }
            @if !one.transfers.is_empty() {
                h4 { "Transfers" }
                ul { @for row in &one.transfers {
                    li { (row.flow) " " (row.kind) " " (money(Some(&row.amount))) ": " (row.debit.kind) " → " (row.credit.kind)
                        ", " (row.recorded_at) }
                } }
            }
            @if !one.deliveries.is_empty() { h4 { "Told to the publisher" } }
            @for one in &one.deliveries { (delivery(one)) }
        }
    }
}

fn delivery(one: &Delivery) -> Markup {
    html! {
        p { (one.told) " " span.tag { (one.state) } @if let Some(due) = &one.due_at { " next try " (due) } }
        ul { @for attempt in &one.attempts {
            li { "Attempt " (attempt.number) ", " (attempt.started_at) ", " (attempt.duration_ms) " ms: "
                @if let Some(status) = attempt.http_status { "HTTP " (status) } @else { (attempt.failure) } }
        } }
    }
}

fn money(money: Option<&Money>) -> String {
    money.map_or_else(|| String::from("not known"), |money| format!("{} {}", money.amount, money.currency))
}
