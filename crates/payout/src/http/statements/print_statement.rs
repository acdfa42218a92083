//! `GET /api/v1/statements/{statement_id}/print`: a statement on paper.

use actix_web::{HttpResponse, get, http::header, web};
use http_kit::{Problem, auth::Caller};
use maud::{DOCTYPE, Markup, html};
use uuid::Uuid;

use super::{
    Api,
    bodies::{self, StatementBody, WholeStatementBody},
    scope, whole,
};

/// A page of A4 or letter, black on white; what is only for the screen goes when it is printed.
const STYLE: &str = "\
body{font:11pt/1.45 system-ui,sans-serif;color:#111;max-width:62rem;margin:2rem auto;padding:0 1.5rem}\
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:2rem 0 .5rem}\
.meta{color:#555;margin:0 0 1.5rem}.meta code{font-size:.85em}\
table{border-collapse:collapse;width:100%}th,td{padding:.35rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}\
thead th{border-bottom:2px solid #111;font-size:.85rem}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
td{overflow-wrap:anywhere}.sums{max-width:28rem;margin-left:auto}.sums th{font-weight:400}\
.due th,.due td{font-weight:700;font-size:1.15rem;border-top:2px solid #111;border-bottom:2px solid #111}\
.open{border:1px solid #b45309;background:#fffbeb;padding:.5rem .75rem;margin:0 0 1rem}\
.small{color:#555;font-size:.85rem}\
@page{margin:18mm}@media print{body{margin:0;padding:0;max-width:none;font-size:10pt}tr{break-inside:avoid}thead{display:table-header-group}}";

/// A statement as a page to print
///
/// HTML without scripts. A publisher's token sees its own.
#[utoipa::path(
    tag = "statements",
    params(("statement_id" = Uuid, Path, description = "The statement's id")),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html", example = "<!DOCTYPE html><html lang=\"en\"><head><title>Statement 2026-11</title></head><body><h1>Statement 2026-11</h1></body></html>"),
        (status = 404, description = "No such statement that the caller may see"),
    )
)]
#[get("/api/v1/statements/{statement_id}/print")]
pub async fn print_statement(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let scope = scope(&caller)?;
    let statement = bodies::whole(&whole(&api, scope, id.into_inner()).await?);
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .content_type("text/html; charset=utf-8")
        .body(page(&statement).into_string()))
}

fn page(whole: &WholeStatementBody) -> Markup {
    let head = &whole.statement;
    let title = format!("Statement {}", head.period);
    let party = if head.party_name.is_empty() { head.party_id.to_string() } else { head.party_name.clone() };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · " (party) }
                style { (STYLE) }
            }
            body {
                h1 { (title) }
                p.meta {
                    (head.of) " " strong { (party) } " · " (head.currency) br;
                    "Statement " code { (head.statement_id) } " · " (head.of) " " code { (head.party_id) }
                }
                @if head.state == "Open" {
                    p.open { "The period is not closed: these figures are of this moment and will change." }
                }
                (events(whole))
                (adjustments(whole))
                (sums(head))
            }
        }
    }
}

fn events(whole: &WholeStatementBody) -> Markup {
    html! {
        h2 { "Offers and events" }
        @if whole.lines.is_empty() {
            p { "Nothing was earned or taken back in this period." }
        } @else {
            table {
                thead { tr {
                    th { "Offer" } th { "Event" } th.n { "Conversions" } th.n { "Earned" } th.n { "Reversals" }
                    th.n { "Reversed" } th.n { "Amount" }
                } }
                tbody { @for line in &whole.lines { tr {
                    td { (line.offer_name) }
                    td { (line.event_name) " " span.small { (line.event_id) } }
                    td.n { (line.conversions) }
                    td.n { (line.earned) }
                    td.n { (line.reversals) }
                    td.n { (line.reversed) }
                    td.n { (line.amount) }
                } } }
            }
        }
    }
}

fn adjustments(whole: &WholeStatementBody) -> Markup {
    html! {
        @if !whole.adjustments.is_empty() {
            h2 { "Adjustments" }
            table {
                thead { tr { th { "Date" } th { "Reference" } th { "Reason" } th.n { "Amount" } } }
                tbody { @for row in &whole.adjustments { tr {
                    td { (row.adjusted_at.get(..10).unwrap_or(&row.adjusted_at)) }
                    td { (row.reference) }
                    td {
                        (row.reason)
                        @if row.statement_id != whole.statement.statement_id {
                            " " span.small { "corrects statement " (row.statement_id) }
                        }
                    }
                    td.n { (row.amount) }
                } } }
            }
        }
    }
}

fn sums(head: &StatementBody) -> Markup {
    let row = |name: &str, amount: &str| html! { tr { th { (name) } td.n { (amount) } } };
    html! {
        h2 { "Sum" }
        table.sums { tbody {
            (row("Carried from before", &head.carried_in))
            (row("Earned", &head.earned))
            (row("Reversed (taken off)", &head.reversed))
            (row("Adjusted", &head.adjusted))
            tr.due { th { "Due" } td.n { (head.due) " " (head.currency) } }
            (row("Carried to the next statement", &head.carried_out))
        } }
        @if let (Some(at), Some(reference)) = (&head.settled_at, &head.settled_reference) {
            p { "Paid on " (at.get(..10).unwrap_or(at)) ", reference " (reference) "." }
        }
        h2 { "Account" }
        table.sums { tbody {
            (row("Balance before", &head.opening))
            (row("Paid in this period", &head.paid))
            (row("Balance after", &head.closing))
        } }
        p.small { "Amounts are exact; what is due is rounded down to the smallest unit of " (head.currency)
            ", and the rest is carried to the next statement." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_text_and_nothing_runs() {
        let evil = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>";
        let head = StatementBody {
            statement_id: Uuid::nil(),
            period: String::from("2026-11"),
            state: "Open",
            of: "Publisher",
            party_id: Uuid::nil(),
            party_name: evil.to_owned(),
            currency: String::from("USD"),
            opening: String::new(),
            earned: String::new(),
            reversed: String::new(),
            adjusted: String::new(),
            paid: String::new(),
            closing: String::new(),
            carried_in: String::new(),
            due: String::from("12.00"),
            carried_out: String::new(),
            settled_at: Some(String::from("2026-12-03T10:00:00Z")),
            settled_reference: Some(evil.to_owned()),
        };
        let html = page(&WholeStatementBody { statement: head, lines: Vec::new(), adjustments: Vec::new() });
        let html = html.into_string();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(
            html.contains("&lt;script&gt;")
                && html.contains("12.00 USD")
                && html.contains("Paid on 2026-12-03")
        );
    }
}
