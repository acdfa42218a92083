//! The API under `/api/v1`, one endpoint a file: read the body, ask one flow, write its answer. Rights are checked here, by
//! role; whose rows a call sees is decided by the tenant of its token, in every query below.

mod add_category;
mod add_postback;
mod answers;
mod cancel_scheduled_change;
mod change_advertiser;
mod change_offer;
mod change_postback;
mod change_publisher;
mod change_rates;
mod change_tenant;
mod change_user;
mod clone_offer;
mod create_advertiser;
mod create_credential;
mod create_offer;
mod create_publisher;
mod create_tenant;
mod create_token;
mod create_user;
mod deactivate_user;
mod delete_token;
mod diff_versions;
mod draft_offer;
mod end_offer;
mod error;
mod export_offers;
mod exporting;
mod feed_cursor;
mod get_advertiser;
mod get_creative;
mod get_creative_file;
mod get_import;
mod get_lineage;
mod get_offer;
mod get_partner_offer;
mod get_publisher;
mod get_rates;
mod get_reference;
mod get_tenant;
mod get_user;
mod import_offers;
mod importing;
mod json;
mod lint_offer;
mod list_advertisers;
mod list_audit_log;
mod list_creatives;
mod list_credentials;
mod list_import_results;
mod list_offer_versions;
mod list_offers;
mod list_partner_offers;
mod list_postbacks;
mod list_publishers;
mod list_scheduled_changes;
mod list_tokens;
mod list_users;
mod once;
mod openapi;
mod partner_door;
mod pause_offer;
mod preview_change;
mod problem_examples;
mod reading;
mod remove_postback;
mod resume_offer;
mod reveal_credential;
mod revoke_credential;
mod rotate_credential;
mod rotate_secret;
mod schedule_change;
mod seen;
mod share_offer;
mod unshare_offer;
mod upload_creative;

use actix_web::web;
use http_kit::auth::{OperatorAuth, TokenAuth};
use utoipa_actix_web::service_config::ServiceConfig;

pub use self::{
    import_offers::BODY as IMPORT_BODY,
    importing::read_row,
    openapi::{ABOUT, openapi},
    partner_door::PartnerDoor,
};
use crate::flows::Catalog;

/// A JSON body, and every other one but a picture's: an offer with a hundred events and long texts fits.
const BODY_BYTES_MAX: usize = 1_048_576;

/// Registers the API.
pub fn routes(
    catalog: web::Data<Catalog>,
    tokens: web::Data<TokenAuth>,
    operator: web::Data<OperatorAuth>,
    door: web::Data<PartnerDoor>,
) -> impl Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static {
    move |config| {
        // In place of the server's own bound, which leaves room for a picture.
        config.app_data(web::PayloadConfig::new(BODY_BYTES_MAX));
        config
            .app_data(catalog.clone())
            .app_data(tokens.clone())
            .app_data(operator.clone())
            .app_data(door.clone());
        documented(config);
    }
}

/// Every endpoint, in the order of the document.
fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(create_tenant::create_tenant)
        .service(get_tenant::get_tenant)
        .service(change_tenant::change_tenant)
        .service(get_rates::get_rates)
        .service(change_rates::change_rates)
        .service(create_user::create_user)
        .service(list_users::list_users)
        .service(get_user::get_user)
        .service(change_user::change_user)
        .service(deactivate_user::deactivate_user)
        .service(create_token::create_token)
        .service(list_tokens::list_tokens)
        .service(delete_token::delete_token)
        .service(create_advertiser::create_advertiser)
        .service(list_advertisers::list_advertisers)
        .service(get_advertiser::get_advertiser)
        .service(change_advertiser::change_advertiser)
        .service(get_reference::get_reference)
        .service(add_category::add_category)
        .service(create_publisher::create_publisher)
        .service(list_publishers::list_publishers)
        .service(get_publisher::get_publisher)
        .service(change_publisher::change_publisher)
        .service(add_postback::add_postback)
        .service(list_postbacks::list_postbacks)
        .service(change_postback::change_postback)
        .service(remove_postback::remove_postback)
        .service(rotate_secret::rotate_secret)
        .service(create_credential::create_credential)
        .service(list_credentials::list_credentials)
        .service(reveal_credential::reveal_credential)
        .service(rotate_credential::rotate_credential)
        .service(revoke_credential::revoke_credential)
        .service(upload_creative::upload_creative)
        .service(list_creatives::list_creatives)
        .service(get_creative::get_creative)
        .service(get_creative_file::get_creative_file)
        .service(draft_offer::draft_offer)
        .service(lint_offer::lint_offer)
        .service(list_offers::list_offers)
        .service(get_offer::get_offer)
        .service(list_offer_versions::list_offer_versions)
        .service(diff_versions::diff_versions)
        .service(get_lineage::get_lineage)
        .service(preview_change::preview_change)
        .service(change_offer::change_offer)
        .service(create_offer::create_offer)
        .service(clone_offer::clone_offer)
        .service(share_offer::share_offer)
        .service(unshare_offer::unshare_offer)
        .service(pause_offer::pause_offer)
        .service(resume_offer::resume_offer)
        .service(end_offer::end_offer)
        .service(schedule_change::schedule_change)
        .service(list_scheduled_changes::list_scheduled_changes)
        .service(cancel_scheduled_change::cancel_scheduled_change)
        .service(list_partner_offers::list_partner_offers)
        .service(get_partner_offer::get_partner_offer)
        .service(import_offers::import_offers)
        .service(get_import::get_import)
        .service(list_import_results::list_import_results)
        .service(export_offers::export_offers)
        .service(list_audit_log::list_audit_log);
}
