//! The column types that differ between the two databases: ids, instants and days.

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    query_builder::QueryId,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{HasSqlType, SqlType},
    sqlite::{Sqlite, SqliteValue},
};
use jiff::{
    ToSpan,
    civil::{self, Date},
};
use todo_domain::Timestamp;
use uuid::Uuid;

use super::connection::MultiBackend;

/// The SQL types, as the schema names them.
pub(crate) mod sql {
    use super::{QueryId, SqlType};

    /// A UUID: `uuid` on PostgreSQL, its 16 bytes on SQLite.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 2950, array_oid = 2951))]
    #[diesel(sqlite_type(name = "Binary"))]
    pub struct IdColumn;

    /// An instant: `timestamp` in UTC on PostgreSQL, microseconds since 1970 on SQLite.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 1114, array_oid = 1115))]
    #[diesel(sqlite_type(name = "Long"))]
    pub struct InstantColumn;

    /// A day: `date` on PostgreSQL, days since 1970-01-01 on SQLite.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 1082, array_oid = 1182))]
    #[diesel(sqlite_type(name = "Integer"))]
    pub struct DayColumn;
}

/// The value of an id column.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::IdColumn)]
pub(crate) struct Id(pub(crate) Uuid);

/// The value of an instant column.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::InstantColumn)]
pub(crate) struct Instant(pub(crate) Timestamp);

/// The value of a day column.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::DayColumn)]
pub(crate) struct Day(pub(crate) Date);

impl Day {
    /// The number of days since another day.
    fn since(self, epoch: Date) -> Result<i32, jiff::Error> {
        Ok(self.0.since(epoch)?.get_days())
    }

    /// The day this many days after another one.
    fn after(epoch: Date, days: i32) -> Result<Self, jiff::Error> {
        Ok(Self(epoch.checked_add(days.days())?))
    }
}

/// The day from which SQLite's column counts.
const UNIX_DAY: Date = civil::date(1970, 1, 1);
/// The day from which PostgreSQL counts.
const POSTGRES_DAY: Date = civil::date(2000, 1, 1);

/// 2000-01-01T00:00:00Z, from which PostgreSQL counts, in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl ToSql<sql::IdColumn, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::IdColumn, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?))
    }
}

impl ToSql<sql::IdColumn, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::IdColumn, Sqlite> for Id {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

impl ToSql<sql::InstantColumn, Pg> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let microseconds = self
            .0
            .as_microseconds()
            .checked_sub(POSTGRES_EPOCH)
            .ok_or("the instant lies outside what PostgreSQL can store")?;
        std::io::Write::write_all(out, &microseconds.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::InstantColumn, Pg> for Instant {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let microseconds = i64::from_be_bytes(value.as_bytes().try_into()?);
        let microseconds = microseconds
            .checked_add(POSTGRES_EPOCH)
            .ok_or("the instant lies outside what can be told")?;
        Ok(Self(Timestamp::from_microseconds(microseconds)?))
    }
}

impl ToSql<sql::InstantColumn, Sqlite> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_microseconds());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::InstantColumn, Sqlite> for Instant {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Timestamp::from_microseconds(value.read_long())?))
    }
}

impl ToSql<sql::DayColumn, Pg> for Day {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, &self.since(POSTGRES_DAY)?.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::DayColumn, Pg> for Day {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let days = i32::from_be_bytes(value.as_bytes().try_into()?);
        Ok(Self::after(POSTGRES_DAY, days)?)
    }
}

impl ToSql<sql::DayColumn, Sqlite> for Day {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.since(UNIX_DAY)?);
        Ok(IsNull::No)
    }
}

impl FromSql<sql::DayColumn, Sqlite> for Day {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self::after(UNIX_DAY, value.read_integer())?)
    }
}

/// Registers a column type for the backend of `MultiConnection`.
macro_rules! on_either_database {
    ($sql_type:ty, $value:ty) => {
        impl HasSqlType<$sql_type> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                Self::lookup_sql_type::<$sql_type>(lookup)
            }
        }

        impl ToSql<$sql_type, MultiBackend> for $value {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((<$sql_type>::default(), self));
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql_type, MultiBackend> for $value {
            fn from_sql(value: super::connection::MultiRawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<Self, $sql_type>()
            }
        }
    };
}

on_either_database!(sql::IdColumn, Id);
on_either_database!(sql::InstantColumn, Instant);
on_either_database!(sql::DayColumn, Day);
