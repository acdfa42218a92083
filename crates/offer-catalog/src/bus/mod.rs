//! The catalog's side of the broker: it speaks, and hears of nothing but its credentials' use and its offers' budgets.

mod failure;
mod generations;
mod on_budget_state_changed;
mod on_credential_used;
mod sink;

pub use self::{
    generations::broadcast_generations, on_budget_state_changed::OnBudgetStateChanged,
    on_credential_used::OnCredentialUsed, sink::BusSink,
};
