//! The catalog's side of the broker: it speaks, and hears of nothing but its credentials' use and its offers' budgets.

mod generations;
mod on_budget_raised;
mod on_budget_state_changed;
mod on_credential_used;

pub use self::{
    generations::broadcast_generations, on_budget_raised::OnBudgetRaised,
    on_budget_state_changed::OnBudgetStateChanged, on_credential_used::OnCredentialUsed,
};
