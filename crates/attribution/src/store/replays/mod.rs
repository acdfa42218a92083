//! Replays: orders, the journeys they are about, what was found.

mod ordering;
mod selecting;
mod showing;
mod sweeping;
mod working;

pub use ordering::{NewReplay, Period, Selection, order};
pub use selecting::select;
pub use showing::{Count, DifferenceLine, Shown, Sum, counts, differences, get, list, sums};
pub use sweeping::forget_old;
pub use working::{
    Claimed, CountRow, DifferenceRow, Step, SumRow, claim_next, fail, finish, next_clicks, save_counts,
    save_differences, save_sums, step_done,
};
