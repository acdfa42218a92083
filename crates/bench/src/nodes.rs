//! The servers of the local stack, checked.

use test_kit::Nodes;

use crate::machine::Conditions;

/// Where they are, and that they keep what they promise.
#[derive(Debug, Clone)]
pub struct LocalNodes {
    /// Where.
    pub nodes: Nodes,
    /// What was found.
    pub conditions: Conditions,
}

impl LocalNodes {
    /// Finds and checks them.
    ///
    /// # Errors
    /// When one does not answer, or would forget a commit.
    pub async fn find() -> anyhow::Result<Self> {
        let nodes = Nodes::from_env();
        let conditions = Conditions::check(&nodes).await?;
        Ok(Self { nodes, conditions })
    }
}
