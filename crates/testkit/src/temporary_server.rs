//! The end of a temporary PostgreSQL server: values that are static are not dropped when a process ends.

use std::{
    process::{ChildStdin, Command, Stdio},
    sync::OnceLock,
};

use crate::PostgresServer;

/// Ends the server when standard input ends: then this process has ended, however it did. Then removes the folder.
const SCRIPT: &str = r#"
read -r _
kill -INT "$1"
while kill -0 "$1" 2>/dev/null; do sleep 0.1; done
rm -rf "$2"
"#;

/// Has a temporary server, which is never dropped, end after this process.
#[expect(
    clippy::zombie_processes,
    reason = "it ends after this process, so nobody waits for it"
)]
pub(crate) fn end_with_this_process(server: &PostgresServer) {
    static OPEN_UNTIL_THE_END: OnceLock<ChildStdin> = OnceLock::new();
    let mut shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh", &server.process_id().to_string()])
        .arg(server.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is a shell");
    if let Some(input) = shell.stdin.take() {
        OPEN_UNTIL_THE_END.get_or_init(|| input);
    }
}
