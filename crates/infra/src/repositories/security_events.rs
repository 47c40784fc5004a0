//! The repository of security events.

use std::net::IpAddr;

use diesel::{
    ExpressionMethods, Insertable, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, dsl::sql, sql_types::Bool,
};
use todo_domain::{
    EventId, SecurityEvent, SecurityEventKind, Timestamp, UserId, network_of,
    ports::{BoxError, SecurityEvents, StorageError},
};
use uuid::{Builder, Uuid, Variant, Version};

use super::{
    clients::{client, columns},
    deletion::Deletion,
};
use crate::database::{
    AnyConnection, Database, Id, Instant, cached,
    columns::sql::{IdColumn, InstantColumn},
    is_foreign_key_violation,
    schema::security_events,
    with_backend,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = security_events)]
#[diesel(treat_none_as_default_value = false)]
struct SecurityEventRow {
    id: Id,
    user_id: Option<Id>,
    kind: String,
    subject: Option<Id>,
    address: Option<String>,
    user_agent: Option<String>,
    created_at: Instant,
}

impl From<&SecurityEvent> for SecurityEventRow {
    fn from(event: &SecurityEvent) -> Self {
        let (address, user_agent) = columns(&event.client);
        Self {
            id: Id(event.id.as_uuid()),
            user_id: event.user_id.map(|id| Id(id.as_uuid())),
            kind: event.kind.as_str().to_owned(),
            subject: event.subject.map(Id),
            address,
            user_agent,
            created_at: Instant(event.created_at),
        }
    }
}

impl TryFrom<SecurityEventRow> for SecurityEvent {
    type Error = BoxError;

    fn try_from(row: SecurityEventRow) -> Result<Self, Self::Error> {
        Ok(Self {
            id: EventId::from_uuid(row.id.0),
            user_id: row.user_id.map(|id| UserId::from_uuid(id.0)),
            kind: row.kind.parse()?,
            subject: row.subject.map(|id| id.0),
            client: client(row.address.as_deref(), row.user_agent.as_deref()),
            created_at: row.created_at.0,
        })
    }
}

/// Records an event without an account: events of one kind, network and hour share a row with the number of occurrences, and
/// the address and user agent of the first.
fn record_aggregated(connection: &mut AnyConnection, event: &SecurityEvent) -> QueryResult<()> {
    let row = SecurityEventRow {
        id: Id(aggregate_id(event)),
        user_id: None,
        ..SecurityEventRow::from(event)
    };
    let occurrences = security_events::occurrences.eq(security_events::occurrences + 1);
    with_backend!(connection, |own| cached(
        diesel::insert_into(security_events::table)
            .values(row)
            .on_conflict(security_events::id)
            .do_update()
            .set(occurrences)
            .returning(security_events::id)
    )
    .get_result::<Id>(own))
    .map(drop)
}

/// The id that events of one kind, network and hour share: a UUID of version 8 (RFC 9562, 5.8).
fn aggregate_id(event: &SecurityEvent) -> Uuid {
    const HOUR: i64 = 3_600_000_000;
    let kinds = SecurityEventKind::ALL.iter();
    let kind = kinds.take_while(|kind| **kind != event.kind).count();
    let (family, network) = match event.client.address.map(network_of) {
        None => (0, 0),
        Some(IpAddr::V4(address)) => (4, u64::from(address.to_bits())),
        Some(IpAddr::V6(address)) => (6, (address.to_bits() >> 64) as u64),
    };
    let hour = u128::from((event.created_at.as_microseconds() / HOUR).cast_unsigned());
    // 48 bits, 12 bits and 62 bits are free. A kind, a family and 16 bits of the network take 28 bits.
    let network = u128::from(network);
    let high = (hour & 0xffff_ffff) << 16 | (network >> 48);
    let middle = (kind as u128 & 0xff) << 4 | family;
    let low = network & 0xffff_ffff_ffff;
    Builder::from_u128(high << 80 | middle << 64 | low)
        .with_version(Version::Custom)
        .with_variant(Variant::RFC4122)
        .into_uuid()
}

/// Records an event, in the transaction of its cause.
pub(super) fn record(connection: &mut AnyConnection, event: &SecurityEvent) -> QueryResult<()> {
    cached(
        diesel::insert_into(security_events::table)
            .values(SecurityEventRow::from(event))
            .returning(security_events::id),
    )
    .get_result::<Id>(connection)
    .map(drop)
}

impl SecurityEvents for Database {
    fn record(&self, event: &SecurityEvent) -> Result<(), StorageError> {
        if event.user_id.is_some() {
            match self.write(|connection| record(connection, event)) {
                Err(error) if is_foreign_key_violation(&error) => {}
                recorded => return Ok(recorded?),
            }
        }
        Ok(self.write(|connection| record_aggregated(connection, event))?)
    }

    fn list(&self, user_id: UserId, limit: u32) -> Result<Vec<SecurityEvent>, StorageError> {
        let rows = self.read(|connection| {
            security_events::table
                .filter(security_events::user_id.eq(Id(user_id.as_uuid())))
                .order((
                    security_events::created_at.desc(),
                    security_events::id.desc(),
                ))
                .limit(limit.into())
                .select(SecurityEventRow::as_select())
                .load(connection)
        })?;
        // A later release may have recorded events of unknown kinds.
        Ok(rows
            .into_iter()
            .filter_map(|row| SecurityEvent::try_from(row).ok())
            .collect())
    }

    fn list_after(
        &self,
        user_id: UserId,
        after: Option<(Timestamp, EventId)>,
        limit: u32,
    ) -> Result<Vec<SecurityEvent>, StorageError> {
        let rows = self.read(|connection| {
            let mut query = security_events::table
                .filter(security_events::user_id.eq(Id(user_id.as_uuid())))
                .order((
                    security_events::created_at.desc(),
                    security_events::id.desc(),
                ))
                .limit(limit.into())
                .select(SecurityEventRow::as_select())
                .into_boxed();
            if let Some((instant, id)) = after {
                query = query.filter(
                    sql::<Bool>("(security_events.created_at, security_events.id) < (")
                        .bind::<InstantColumn, _>(Instant(instant))
                        .sql(", ")
                        .bind::<IdColumn, _>(Id(id.as_uuid()))
                        .sql(")"),
                );
            }
            cached(query).load(connection)
        })?;
        rows.into_iter()
            .map(|row| SecurityEvent::try_from(row).map_err(StorageError::Internal))
            .collect()
    }

    fn delete_before(&self, instant: Timestamp) -> Result<usize, StorageError> {
        Deletion {
            table: "security_events",
            key: "id",
            condition: "created_at < $1",
            instants: &[Instant(instant)],
        }
        .run(self)
    }
}
