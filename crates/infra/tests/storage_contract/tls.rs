//! TLS to PostgreSQL with `sslmode=verify-full`.

use todo_domain::ports::{ProbeError, StorageProbe};
use todo_infra::{Database, DatabaseUrl, PoolSettings};
use todo_testkit::{Certificates, Pooler};

/// Whether a connection with these parameters is accepted by both sides.
fn connects(pooler: &Pooler, host: &str, parameters: &str) -> bool {
    let url = format!("{}?{parameters}", pooler.url_at(host));
    let url: DatabaseUrl = url.parse().unwrap();
    let settings = PoolSettings::for_kind(url.kind());
    // The database is empty, which only an accepted connection can find out.
    matches!(
        Database::new(url, &settings).check(),
        Ok(()) | Err(ProbeError::NotMigrated)
    )
}

#[test]
fn only_the_verified_server_is_connected_to() {
    let (Some(ours), Some(theirs)) = (Certificates::new(), Certificates::new()) else {
        return;
    };
    let Some(pooler) = Pooler::with_tls(&ours) else {
        return;
    };
    let verified = |authority: &Certificates| {
        let file = authority.authority();
        format!("sslmode=verify-full&sslrootcert={}", file.display())
    };
    assert!(connects(&pooler, "localhost", &verified(&ours)));
    // The certificate is for localhost alone.
    assert!(!connects(&pooler, "127.0.0.1", &verified(&ours)));
    assert!(!connects(&pooler, "localhost", &verified(&theirs)));
    // Without verification, any server is accepted.
    assert!(connects(&pooler, "127.0.0.1", "sslmode=require"));
    assert!(!connects(&pooler, "localhost", "sslmode=disable"));
}
