use super::{Context, Outcome};
pub async fn measure(_context: Context<'_>) -> anyhow::Result<Outcome> { anyhow::bail!("not yet") }
