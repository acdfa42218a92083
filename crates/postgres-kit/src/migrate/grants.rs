//! What the serving role may do: read and write rows, never the schema, and never the past.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::MigrateError;

/// Which tables the serving role may only read and add to. All others it may also update and delete from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grants {
    append_only: &'static [&'static str],
}

impl Grants {
    /// Every row of every table may be changed.
    #[must_use]
    pub const fn all_tables() -> Self {
        Self { append_only: &[] }
    }

    /// Rows of `tables`, once written, can be neither updated nor deleted; a partitioned table stands for its
    /// partitions too.
    #[must_use]
    pub const fn append_only(tables: &'static [&'static str]) -> Self {
        Self { append_only: tables }
    }

    pub(super) async fn give(
        self,
        connection: &mut AsyncPgConnection,
        role: &str,
    ) -> Result<(), MigrateError> {
        refuse_too_strong(connection, role).await?;
        let statements = self.statements(role);
        connection
            .transaction(async |connection| connection.batch_execute(&statements).await)
            .await
            .map_err(MigrateError::Grant)?;
        refuse_creator(connection, role).await
    }

    fn statements(self, role: &str) -> String {
        let role = quoted(role);
        let mut statements = vec![
            // Before PostgreSQL 15 everyone could create tables in `public`.
            String::from("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
            format!("REVOKE CREATE ON SCHEMA public FROM {role}"),
            format!("GRANT USAGE ON SCHEMA public TO {role}"),
            grant_connect(&role),
            // From nothing, so that a table that became append-only loses what it had.
            format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"),
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"),
            format!("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"),
            format!("REVOKE INSERT, UPDATE, DELETE ON __diesel_schema_migrations FROM {role}"),
        ];
        statements.extend(self.append_only.iter().map(|table| revoke_changes(table, &role)));
        statements.join(";\n")
    }
}

/// For installations that let nobody connect by default.
fn grant_connect(role: &str) -> String {
    let role = literal(role);
    format!(
        "DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO %s', current_database(), {role}); END $$"
    )
}

/// The table and its partitions; an ordinary table is not in a tree of partitions.
fn revoke_changes(table: &str, role: &str) -> String {
    let table = literal(&quoted(table));
    let role = literal(role);
    format!(
        "DO $$ DECLARE part regclass; BEGIN
            FOR part IN SELECT {table}::regclass UNION SELECT relid FROM pg_partition_tree({table}::regclass) LOOP
                EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM %s', part, {role});
            END LOOP;
        END $$"
    )
}

/// A serving role that owns the tables, belongs to their owner, or is a superuser could undo every grant.
async fn refuse_too_strong(connection: &mut AsyncPgConnection, role: &str) -> Result<(), MigrateError> {
    let strength: Strength = sql_query(
        "SELECT rolsuper AS superuser, pg_has_role(oid, current_user, 'MEMBER') AS owner, \
                rolcreaterole AS makes_roles \
         FROM pg_roles WHERE rolname = $1",
    )
    .bind::<Text, _>(role)
    .get_result(connection)
    .await
    .map_err(MigrateError::Grant)?;
    let refuse = |why| Err(MigrateError::RoleTooStrong { role: role.to_owned(), why });
    if strength.superuser {
        refuse("is a superuser")
    } else if strength.owner {
        refuse("is, or belongs to, the role that migrates")
    } else if strength.makes_roles {
        refuse("may create roles")
    } else {
        Ok(())
    }
}

/// PostgreSQL only warns when we are not the one who can take this right away.
async fn refuse_creator(connection: &mut AsyncPgConnection, role: &str) -> Result<(), MigrateError> {
    let creator: Creator = sql_query("SELECT has_schema_privilege($1, 'public', 'CREATE') AS creates")
        .bind::<Text, _>(role)
        .get_result(connection)
        .await
        .map_err(MigrateError::Grant)?;
    if creator.creates {
        Err(MigrateError::RoleTooStrong {
            role: role.to_owned(),
            why: "may create tables in schema public, and the role that migrates can not take that away: \
                  it should own the database",
        })
    } else {
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Creator {
    #[diesel(sql_type = Bool)]
    creates: bool,
}

#[derive(QueryableByName)]
struct Strength {
    #[diesel(sql_type = Bool)]
    superuser: bool,
    #[diesel(sql_type = Bool)]
    owner: bool,
    #[diesel(sql_type = Bool)]
    makes_roles: bool,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
