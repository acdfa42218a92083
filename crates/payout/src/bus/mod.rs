//! What payout hears. A consumer reads its items into the domain's values, calls one flow, and maps the outcome.
//! Which facts each queue hears stands in `bus::house`.

mod catalog;
mod offer;
mod on_catalog_fact;
mod on_conversion_verdict;
mod on_input_heard;
mod on_person_erased;
mod verdict;

pub use self::{
    on_catalog_fact::OnCatalogFact,
    on_conversion_verdict::OnConversionVerdict,
    on_input_heard::{INPUT_HEARD, OnInputHeard, topology},
    on_person_erased::OnPersonErased,
};
