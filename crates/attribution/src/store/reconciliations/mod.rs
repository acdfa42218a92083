//! Reconciliations: AppsFlyer's lines as they came, and where each of them ended.

mod comparing;
mod receiving;
mod showing;
mod sweeping;

pub use comparing::{
    Claimed, ComparedLine, claim_next, finish, lines_of, move_on, next_clicks, payments_of, save_outcomes,
};
pub use receiving::{NewReconciliation, add_lines, begin, break_off, whole};
pub use showing::{Count, Shown, ShownLine, counts, get, lines, list};
pub use sweeping::{fail_abandoned, forget_old};
