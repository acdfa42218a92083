//! Those who call, and whose rows they are.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Access;

/// A tenant, or a publisher, with a row of every kind.
#[derive(Debug, Clone, Default)]
pub struct Party {
    /// For messages.
    pub name: String,
    /// Its tokens by role.
    pub tokens: BTreeMap<String, String>,
    /// Its rows: an id for every parameter of a path, under the parameter's name, and for every field of a body or query
    /// (`publisherIds` is looked up as `publisher_id`). One operation may take another: `GET /offers/{offer_id} offer_id`.
    pub ids: BTreeMap<String, String>,
    /// What nobody else may see: ids, names, texts.
    pub secrets: BTreeSet<String>,
}

impl Party {
    /// Its token for an operation, when it has one that is let in.
    pub(super) fn token_for(&self, access: &Access) -> Option<&str> {
        let Access::Tokens { roles, .. } = access else { return None };
        roles.iter().find_map(|role| self.tokens.get(role)).map(String::as_str)
    }

    pub(super) fn id(&self, parameter: &str, operation: &str) -> &str {
        let id = self.ids.get(&format!("{operation} {parameter}")).or_else(|| self.ids.get(parameter));
        id.unwrap_or_else(|| panic!("the test knows no {parameter} of {}: {operation}", self.name))
    }
}

/// A token of a role that is held to a scope, or to none.
#[derive(Debug, Clone)]
pub struct Held {
    /// Such as `owner`.
    pub role: String,
    /// Such as `read`; a token without has them all.
    pub scope: Option<String>,
    /// The token.
    pub token: String,
}

impl Held {
    /// Whether the document lets it in.
    pub(super) fn passes(&self, access: &Access) -> bool {
        let Access::Tokens { roles, scope } = access else { return false };
        roles.contains(&self.role) && self.scope.as_ref().is_none_or(|own| own == scope)
    }
}
