//! Problems of this service as the document shows them: made by the code that answers them, so they say what it says.

use std::time::Duration;

use actix_web::http::StatusCode;
use http_kit::{Problem, openapi::Said};
use kernel::Role;

use super::{answers, error, once, partner_door};
use crate::{
    domain::{
        creative::Refusal,
        credential::CredentialConflict,
        identity::{self, IdentityError},
        lint::{Code, Finding},
        schedule::ScheduleConflict,
        status::Conflict,
        user::UserConflict,
    },
    flows::FlowError,
};

/// As in the default settings.
const CALLS_PER_MINUTE: u32 = 600;

/// All of them.
pub fn all() -> Vec<Said> {
    let mut all = vec![
        Said::with_header("If-Match", answers::unreadable_if_match()),
        Said::with_header("If-Match", FlowError::Stale.into()),
        Said::with_header("Idempotency-Key", once::unreadable_key()),
        Said::with_header("Idempotency-Key", FlowError::key_in_use().into()),
        Said::with_header("Idempotency-Key", FlowError::KeyReused.into()),
    ];
    let states: [(&'static str, &[Conflict]); 9] = [
        ("change_offer", &[Conflict::Ended]),
        ("create_offer", &[Conflict::AlreadyCreated]),
        ("end_offer", &[Conflict::StillDraft]),
        ("pause_offer", &[Conflict::StillDraft, Conflict::Ended]),
        ("preview_change", &[Conflict::Ended]),
        ("resume_offer", &[Conflict::StillDraft, Conflict::Ended]),
        ("schedule_change", &[Conflict::StillDraft, Conflict::Ended]),
        ("share_offer", &[Conflict::StillDraft, Conflict::Ended, Conflict::AlreadyShared]),
        ("unshare_offer", &[Conflict::NeverUnshared, Conflict::NotShared]),
    ];
    for (operation, conflicts) in states {
        all.extend(conflicts.iter().map(|conflict| said(operation, FlowError::from(*conflict))));
    }
    all.extend(["change_offer", "preview_change"].map(|operation| said(operation, name_taken())));
    for operation in ["change_offer", "create_offer", "share_offer"] {
        all.push(said(operation, FlowError::NotReady(vec![unfinished()])));
        all.push(said(operation, FlowError::NotAccepted(vec![no_creative()])));
    }
    all.extend(of_others());
    all.extend(of_uploads_and_imports());
    all
}

fn of_others() -> Vec<Said> {
    vec![
        said("change_user", UserConflict::LastOwner),
        said("change_user", UserConflict::Deactivated),
        said("deactivate_user", UserConflict::LastOwner),
        said("reveal_credential", CredentialConflict::Revoked),
        said("reveal_credential", CredentialConflict::KeyRetired),
        said("rotate_credential", CredentialConflict::Revoked),
        said("rotate_credential", CredentialConflict::Exhausted),
        said("cancel_scheduled_change", ScheduleConflict::NotPending),
        said("schedule_change", ScheduleConflict::TooMany),
        said("schedule_change", ScheduleConflict::HourTaken),
        said("create_tenant", FlowError::domain_taken("Brownboots")),
        said("add_category", FlowError::category_exists("Golf")),
        said("add_postback", FlowError::postback_exists()),
        Said::by("list_partner_offers", partner_door::not_for(Role::Manager)),
        Said::by("get_partner_offer", partner_door::not_for(Role::Manager)),
        rate_limited("list_partner_offers"),
        rate_limited("get_partner_offer"),
    ]
}

fn of_uploads_and_imports() -> Vec<Said> {
    let picture = |status, refusal: &Refusal| {
        Said::by("upload_creative", Problem::of_status(status).field("image", refusal.to_string()))
    };
    vec![
        picture(StatusCode::PAYLOAD_TOO_LARGE, &Refusal::TooLarge),
        said("upload_creative", FlowError::field("image", Refusal::Xml.to_string())),
        Said::by("upload_creative", super::upload_creative::not_a_form()),
        said("upload_creative", FlowError::Busy),
        Said::by("upload_creative", error::files_are_away()),
        Said::by("get_creative_file", Problem::not_found("file of a creative")),
        Said::by("get_creative_file", error::files_are_away()),
        said("import_offers", FlowError::concurrency_request_id_reused()),
        Said::by("import_offers", Problem::of_status(StatusCode::REQUEST_TIMEOUT)),
    ]
}

fn said(operation: &'static str, error: impl Into<FlowError>) -> Said {
    Said::by(operation, error.into().into())
}

fn rate_limited(operation: &'static str) -> Said {
    Said::by(operation, partner_door::too_often(CALLS_PER_MINUTE, Duration::from_secs(1)))
}

fn name_taken() -> FlowError {
    IdentityError::NameTaken(vec![identity::name_taken(1, "level_10")]).into()
}

fn unfinished() -> Finding {
    Finding {
        code: Code::Required,
        field: "categories".to_owned(),
        detail: "is required: at least one, such as Golf".to_owned(),
    }
}

fn no_creative() -> Finding {
    Finding {
        code: Code::NoCreative,
        field: "creatives".to_owned(),
        detail: "users see no picture, such as an App Store screenshot".to_owned(),
    }
}
