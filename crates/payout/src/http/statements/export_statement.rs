//! `GET /api/v1/statements/{statement_id}/csv`: a statement for spreadsheets.

use actix_web::{HttpResponse, get, http::header, web};
use http_kit::{Problem, auth::Caller, csv::cell};
use uuid::Uuid;

use super::{
    Api,
    bodies::{self, WholeStatementBody},
    scope, whole,
};

/// The names of the columns.
const COLUMNS: &str = "kind,statement_id,period,party_id,party_name,offer_id,offer_name,event_id,event_name,conversions,earned,\
    reversals,reversed,amount,currency,reference,reason\r\n";

/// A statement as CSV
///
/// One line for each event of an offer (`kind` is `event`) and each adjustment, and lines for the sums. Texts that a spreadsheet
/// would take for a formula have an apostrophe before them; amounts are plain numbers.
#[utoipa::path(
    tag = "statements",
    params(("statement_id" = Uuid, Path, description = "The statement's id")),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "The statement", body = String, content_type = "text/csv", example = "kind,statement_id,period,party_id,party_name,offer_id,offer_name,event_id,event_name,conversions,earned,reversals,reversed,amount,currency,reference,reason\r\nevent,5d6e2f10-8a4b-8c3d-9e7f-1a2b3c4d5e6f,2026-11,0193a1f0-0000-7000-8000-000000000002,Rewardville,0194a3c0-0000-7000-8000-000000000001,Golfin iOS,level_10,Reach Level 10,114,343.00,1,3.00,340.00,USD,,\r\n"),
        (status = 404, description = "No such statement that the caller may see"),
    )
)]
#[get("/api/v1/statements/{statement_id}/csv")]
pub async fn export_statement(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let scope = scope(&caller)?;
    let statement = bodies::whole(&whole(&api, scope, id.into_inner()).await?);
    let file = format!("attachment; filename=\"statement-{}.csv\"", statement.statement.period);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, file))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text(&statement)))
}

/// Amounts and counts are ours: a minus before a number is no formula.
fn text(whole: &WholeStatementBody) -> String {
    let head = &whole.statement;
    let of = format!("{},{},{},{}", head.statement_id, head.period, head.party_id, cell(&head.party_name));
    let currency = &head.currency;
    let sum = |kind: &str, amount: &str| format!("{kind},{of},,,,,,,,,{amount},{currency},,\r\n");
    let mut csv = vec![String::from(COLUMNS)];
    csv.push(sum("opening", &head.opening));
    csv.push(sum("carried_in", &head.carried_in));
    for line in &whole.lines {
        let names = [&line.offer_name, &line.event_id, &line.event_name].map(|text| cell(text)).join(",");
        csv.push(format!(
            "event,{of},{},{names},{},{},{},{},{},{currency},,\r\n",
            line.offer_id, line.conversions, line.earned, line.reversals, line.reversed, line.amount
        ));
    }
    for adjustment in &whole.adjustments {
        let (reference, reason) = (cell(&adjustment.reference), cell(&adjustment.reason));
        let amount = &adjustment.amount;
        // That of the statement that was corrected, which may be an earlier one.
        let of = format!(
            "{},{},{},{}",
            adjustment.statement_id,
            head.period,
            head.party_id,
            cell(&head.party_name)
        );
        csv.push(format!("adjustment,{of},,,,,,,,,{amount},{currency},{reference},{reason}\r\n"));
    }
    csv.push(sum("due", &head.due));
    csv.push(sum("carried_out", &head.carried_out));
    csv.push(sum("paid", &head.paid));
    csv.push(sum("closing", &head.closing));
    csv.concat()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::http::statements::bodies::{AdjustmentBody, LineBody, StatementBody};

    fn statement() -> WholeStatementBody {
        let zero = || String::from("0.00");
        WholeStatementBody {
            statement: StatementBody {
                statement_id: Uuid::nil(),
                period: String::from("2026-11"),
                state: "Closed",
                of: "Publisher",
                party_id: Uuid::nil(),
                party_name: String::from("=HYPERLINK(\"http://evil\")"),
                currency: String::from("USD"),
                opening: zero(),
                earned: zero(),
                reversed: zero(),
                adjusted: zero(),
                paid: zero(),
                closing: String::from("-3.00"),
                carried_in: zero(),
                due: zero(),
                carried_out: zero(),
                settled_at: None,
                settled_reference: None,
            },
            lines: vec![LineBody {
                offer_id: Uuid::nil(),
                offer_name: String::from("+1 game, \"gold\""),
                offer_event_id: Uuid::nil(),
                event_id: String::from("@event"),
                event_name: String::from("\t=1+1"),
                conversions: 0,
                earned: zero(),
                reversals: 1,
                reversed: String::from("3.00"),
                amount: String::from("-3.00"),
            }],
            adjustments: vec![AdjustmentBody {
                statement_id: Uuid::nil(),
                reference: String::from("-1"),
                period: String::from("2026-11"),
                amount: String::from("-3.00"),
                reason: String::from("two\nlines"),
                transfer_id: Uuid::nil(),
                adjusted_at: String::new(),
            }],
        }
    }

    #[test]
    fn no_text_calculates_and_every_line_has_every_column() {
        let csv = text(&statement());
        let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
        let columns = lines[0].split(',').count();
        // Commas within quotes are part of a cell.
        let cells = |line: &str| {
            let (mut count, mut is_quoted) = (1, false);
            for letter in line.chars() {
                is_quoted ^= letter == '"';
                count += usize::from(letter == ',' && !is_quoted);
            }
            count
        };
        for line in &lines {
            assert_eq!(cells(line), columns, "{line}");
            assert!(line.contains("'=HYPERLINK") || line == &lines[0], "{line}");
        }
        for harmless in ["\"'+1 game, \"\"gold\"\"\"", "'@event", "'\t=1+1", ",-3.00,USD,'-1,\"two\nlines\""]
        {
            assert!(csv.contains(harmless), "{harmless}:\n{csv}");
        }
    }
}
