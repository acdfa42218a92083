//! Statuses of many conversions by a file: a dry run that stores a plan, and the plan's application in the background.

mod apply;
mod plan;
mod show;

pub use apply::{ApplyError, apply, keep_applying};
pub use plan::{CONVERSIONS_MAX, PlanError, plan};
pub use show::{LineRow, Shown, find, lines, list};
