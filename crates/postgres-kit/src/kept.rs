//! Hand-written SQL whose plan the connection keeps.
//!
//! diesel prepares a `sql_query` anew at every call, because its text might be different each time: one round trip and
//! one planning more than needed. The hot paths are hand-written (`unnest`, `ON CONFLICT`) and their text is constant.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A query whose prepared statement is kept; see [`kept`].
#[derive(Debug, Clone, Copy)]
pub struct Kept<Q>(Q);

/// Keeps the prepared statement of `query` in its connection, by its text.
///
/// For text that is a constant. With text made up at run time the connection would collect statements without end.
///
/// ```
/// use diesel::{sql_query, sql_types::{Array, Uuid}};
/// use postgres_kit::kept;
/// # fn example(ids: Vec<uuid::Uuid>) {
/// let query = kept(sql_query("DELETE FROM journeys WHERE click_id = ANY($1)").bind::<Array<Uuid>, _>(ids));
/// # drop(query);
/// # }
/// ```
pub const fn kept<Q>(query: Q) -> Kept<Q> {
    Kept(query)
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Kept<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();

    // The type does not tell the text: the connection looks the statement up by the text itself.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}
