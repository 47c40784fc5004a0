//! The end of a temporary PostgreSQL server: values that are static are not dropped when a process ends.

use std::{
    process::{ChildStdin, Command, Stdio},
    sync::OnceLock,
};

/// Ends the server, by the process id in its data folder, when standard input ends: then this process has ended, however
/// it did. Then removes the folder.
const SCRIPT: &str = r#"
read -r _
read -r server < "$1/postmaster.pid"
kill -INT "$server"
while kill -0 "$server" 2>/dev/null; do sleep 0.1; done
rm -rf "$1"
"#;

/// Has the temporary server with this data folder end after this process.
#[expect(
    clippy::zombie_processes,
    reason = "it ends after this process, so nobody waits for it"
)]
pub(crate) fn end_with_this_process(data_folder: &str) {
    static OPEN_UNTIL_THE_END: OnceLock<ChildStdin> = OnceLock::new();
    let mut shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh", data_folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is a shell");
    if let Some(input) = shell.stdin.take() {
        OPEN_UNTIL_THE_END.get_or_init(|| input);
    }
}
