//! What the role of a PostgreSQL connection may do, and what others may do in its schema.

use diesel::{
    QueryableByName, RunQueryDsl,
    dsl::sql,
    select, sql_query,
    sql_types::{Bool, Text},
};
use todo_domain::ports::StorageError;

use super::{AnyConnection, Database, DatabaseKind};

/// The privileges in a PostgreSQL database that matter for its safety.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privileges {
    /// The current role.
    pub role: String,
    /// Whether the current role is a superuser.
    pub is_superuser: bool,
    /// The schema of the tables.
    pub schema: String,
    /// The other roles that may create tables and functions in the schema; `PUBLIC` for every role.
    pub other_creators: Vec<String>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Roles to which CREATE is granted in the current schema, but for its owner, the current role and those that it is a member
/// of.
const OTHER_CREATORS: &str = "WITH RECURSIVE roles (oid) AS (\
    SELECT oid FROM pg_roles WHERE rolname = current_user \
    UNION SELECT m.roleid FROM pg_auth_members m JOIN roles r ON m.member = r.oid) \
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END AS name \
    FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a \
    WHERE n.oid = to_regnamespace(quote_ident(current_schema())) AND a.privilege_type = 'CREATE' \
    AND a.grantee <> n.nspowner AND a.grantee NOT IN (SELECT oid FROM roles) ORDER BY 1";

impl Database {
    /// The privileges in the database; `None` for SQLite, which has none.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn privileges(&self) -> Result<Option<Privileges>, StorageError> {
        if self.url().kind() == DatabaseKind::Sqlite {
            return Ok(None);
        }
        let privileges = self.read(|connection: &mut AnyConnection| {
            let is_superuser = "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)";
            let creators: Vec<Name> = sql_query(OTHER_CREATORS).load(connection)?;
            Ok(Privileges {
                role: select(sql::<Text>("current_user::text")).get_result(connection)?,
                is_superuser: select(sql::<Bool>(is_superuser)).get_result(connection)?,
                schema: select(sql::<Text>("coalesce(current_schema()::text, '')"))
                    .get_result(connection)?,
                other_creators: creators.into_iter().map(|creator| creator.name).collect(),
            })
        })?;
        Ok(Some(privileges))
    }
}
