//! What a token is for, between messages and rules: one spelling for its writer and every reader.

use kernel::{Scope, Scopes};

use crate::catalog::TokenScope;

/// The scopes of a token's fact. None named: everything that the role may do, as facts of earlier releases mean it. A scope that
/// this release does not know opens nothing.
#[must_use]
pub fn from_message(scopes: &[i32]) -> Scopes {
    if scopes.is_empty() {
        return Scopes::FULL;
    }
    let known = scopes.iter().filter_map(|scope| match TokenScope::try_from(*scope) {
        Ok(TokenScope::Read) => Some(Scope::Read),
        Ok(TokenScope::Write) => Some(Scope::Write),
        Ok(TokenScope::Manage) => Some(Scope::Manage),
        Ok(TokenScope::Unspecified) | Err(_) => None,
    });
    known.collect()
}

/// Scopes for a token's fact.
#[must_use]
pub fn to_message(scopes: Scopes) -> Vec<i32> {
    if scopes == Scopes::FULL {
        return Vec::new();
    }
    if scopes == Scopes::NONE {
        return vec![TokenScope::Unspecified.into()];
    }
    let written = scopes.iter().map(|scope| match scope {
        Scope::Read => TokenScope::Read,
        Scope::Write => TokenScope::Write,
        Scope::Manage => TokenScope::Manage,
    });
    written.map(i32::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_back_as_they_went() {
        let read = Scopes::NONE.and(Scope::Read);
        for scopes in
            [Scopes::FULL, Scopes::NONE, read, read.and(Scope::Write), Scopes::NONE.and(Scope::Manage)]
        {
            assert_eq!(from_message(&to_message(scopes)), scopes);
        }
    }

    #[test]
    fn old_facts_mean_everything_and_unknown_scopes_nothing() {
        assert_eq!(from_message(&[]), Scopes::FULL);
        assert_eq!(from_message(&[99]), Scopes::NONE);
        assert_eq!(from_message(&[99, 1]), Scopes::NONE.and(Scope::Read));
    }
}
