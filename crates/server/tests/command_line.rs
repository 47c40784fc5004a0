//! The program as whoever starts it sees it.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;
use todo_testkit::{Kind, TestDatabase};

fn todo_server(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-server"));
    command
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .envs(variables.iter().copied());
    command
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    todo_server(folder.path(), arguments, variables)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The program while it serves; it is ended when this is dropped.
struct Serving(Child);

impl Serving {
    /// Starts it, and gives the first lines that it prints.
    fn start(mut command: Command) -> (Self, Vec<String>) {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let lines = stdout.lines().take(3).map(Result::unwrap).collect();
        (Self(child), lines)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.0.kill());
        self.0.wait().unwrap();
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    names
}

#[test]
fn with_nothing_configured_it_serves_from_an_sqlite_file_and_says_where() {
    let folder = TempDir::new().unwrap();
    // Nothing but the port, since 8000 may be taken.
    let port = [("LISTEN", "127.0.0.1:0")];
    let (serving, lines) = Serving::start(todo_server(folder.path(), &[], &port));
    assert!(
        lines[0].starts_with("Listening on http://127.0.0.1:"),
        "{lines:?}"
    );
    let address = lines[0].strip_prefix("Listening on ").unwrap();
    assert_eq!(lines[1], "Database     sqlite://todo.db");
    assert_eq!(lines[2], format!("Docs         {address}/api/docs/"));
    assert_eq!(files(folder.path()), ["todo.db", "todo.db.jwt-key"]);
    let key = fs::read(folder.path().join("todo.db.jwt-key")).unwrap();
    #[cfg(unix)]
    for name in files(folder.path()) {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path().join(&name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(serving);

    let (_serving, _) = Serving::start(todo_server(folder.path(), &["serve"], &port));
    let again = fs::read(folder.path().join("todo.db.jwt-key")).unwrap();
    assert_eq!(again, key, "the key is made once");
}

#[test]
fn a_file_env_configures_what_the_environment_does_not() {
    let folder = TempDir::new().unwrap();
    let configured = "LISTEN=127.0.0.1:0\nDATABASE_URL=sqlite://from-file.db\n";
    fs::write(folder.path().join(".env"), configured).unwrap();
    let (_serving, lines) = Serving::start(todo_server(folder.path(), &[], &[]));
    assert_eq!(lines[1], "Database     sqlite://from-file.db");

    let variables = [("DATABASE_URL", "sqlite://from-environment.db")];
    let (_serving, lines) = Serving::start(todo_server(folder.path(), &[], &variables));
    assert_eq!(lines[1], "Database     sqlite://from-environment.db");
}

#[test]
fn a_file_env_that_cannot_be_read_is_said_to_be() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(".env"), "LISTEN='unclosed").unwrap();
    let output = todo_server(folder.path(), &[], &[]).output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("the file .env cannot be used"));
}

#[test]
fn a_file_env_is_obeyed_only_in_the_working_directory() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join(".env"),
        "LISTEN=somewhere\nJWT_SECRET=short",
    )
    .unwrap();
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let output = todo_server(&below, &["doctor"], &[]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stdout));
    let output = todo_server(folder.path(), &["doctor"], &[])
        .output()
        .unwrap();
    assert!(text(&output.stdout).contains("LISTEN must be"));
}

#[cfg(unix)]
#[test]
fn a_file_env_that_others_may_have_written_is_refused() {
    use std::os::unix::fs::{PermissionsExt, chown};
    const NOBODY: u32 = 65_534;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(".env");
    fs::write(&file, "JWT_SECRET=hunter2").unwrap();
    let refused = |reason: &str| {
        for command in ["serve", "doctor"] {
            let mut command = todo_server(folder.path(), &[command], &[]);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            let message = text(&[output.stdout, output.stderr].concat());
            let expected = format!("the file .env cannot be used: {reason}");
            assert!(message.contains(&expected), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    refused("other users can write to it");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    // Only root can give it away.
    if chown(&file, Some(NOBODY), None).is_ok() {
        refused("it belongs to another user");
    }
}

#[cfg(unix)]
#[test]
fn files_with_secrets_are_restricted_before_they_are_used() {
    use std::os::unix::fs::{PermissionsExt, chown};
    const NOBODY: u32 = 65_534;
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    let port = [("LISTEN", "127.0.0.1:0")];
    drop(Serving::start(todo_server(folder.path(), &[], &port)));
    let modes = || {
        let names = ["todo.db", "todo.db.jwt-key"];
        names.map(|name| {
            let found = fs::metadata(folder.path().join(name)).unwrap();
            found.permissions().mode() & 0o777
        })
    };
    for name in ["todo.db", "todo.db.jwt-key"] {
        let open = fs::Permissions::from_mode(0o666);
        fs::set_permissions(folder.path().join(name), open).unwrap();
    }
    drop(Serving::start(todo_server(folder.path(), &[], &port)));
    assert_eq!(modes(), [0o660, 0o660]);

    fs::write(&secret, "hunter2, a secret of no less than 32 bytes").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let variables = [
        ("LISTEN", "127.0.0.1:0"),
        ("JWT_SECRET_FILE", secret.to_str().unwrap()),
    ];
    let (lines, is_content) = examined(folder.path(), &variables);
    assert!(is_content, "{lines:?}");
    let open = |line: &String| {
        line.starts_with("warning  permissions: ") && line.contains(secret.to_str().unwrap())
    };
    assert!(lines.iter().any(open), "{lines:?}");
    // A file that root owns and mounts is not ours to change, but root's to every program that root runs.
    if chown(&secret, Some(NOBODY), None).is_ok() {
        drop(Serving::start(todo_server(folder.path(), &[], &variables)));
        let mode = fs::metadata(&secret).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}

#[test]
fn a_url_of_the_database_that_is_badly_encoded_is_named_without_its_password() {
    for url in [
        "postgres://ada:wr%onghunter2@127.0.0.1:1/todo",
        "postgres://ada:hunter2/more@127.0.0.1:1/todo",
        "postgres://ada@127.0.0.1:1/todo?hunter2",
    ] {
        let variables = [
            ("DATABASE_URL", url),
            ("JWT_SECRET", "a secret of no less than 32 bytes"),
        ];
        let folder = TempDir::new().unwrap();
        let (lines, is_content) = examined(folder.path(), &variables);
        assert!(!is_content, "{lines:?}");
        for command in ["serve", "migrate"] {
            let output = run(&[command], &variables);
            assert_eq!(output.status.code(), Some(1));
            let message = text(&output.stderr);
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}

#[test]
fn the_doctor_looks_at_what_goes_over_a_network() {
    let folder = TempDir::new().unwrap();
    let (lines, _) = examined(folder.path(), &[]);
    assert!(has(
        &lines,
        "warning  mail: mails are written to the log, with the secrets"
    ));
    let (lines, _) = examined(folder.path(), &[("LISTEN", "0.0.0.0:8000")]);
    assert!(has(&lines, "warning  mail: no mail is sent"), "{lines:?}");
    let variables = [
        ("SMTP_URL", "smtp://ada:hunter2@mail.example.com:587"),
        ("MAIL_FROM", "todo@example.com"),
        ("PUBLIC_URL", "http://todo.example.com"),
    ];
    let (lines, is_content) = examined(folder.path(), &variables);
    assert!(!is_content);
    assert!(has(
        &lines,
        "fault    configuration: SMTP_URL must demand TLS"
    ));
    let allowed = [&variables[..], &[("SMTP_ALLOW_PLAINTEXT", "yes")]].concat();
    let (lines, is_content) = examined(folder.path(), &allowed);
    assert!(is_content, "{lines:?}");
    for expected in [
        "warning  mail: mails, and the password",
        "warning  mail: http://todo.example.com is not https",
    ] {
        assert!(has(&lines, expected), "{lines:?}");
    }
}

#[test]
fn wrong_values_are_named_all_at_once() {
    let variables = [
        ("DATABASE_URL", "mysql://localhost"),
        ("LISTEN", "somewhere"),
        ("JWT_SECRET", "short"),
    ];
    for command in ["serve", "migrate"] {
        let output = run(&[command], &variables);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            text(&output.stderr),
            "todo-server: invalid configuration:\n  \
             DATABASE_URL must begin with sqlite:// or postgres://\n  \
             LISTEN must be an address and port, such as 127.0.0.1:8000 or [::]:8000\n  \
             JWT_SECRET must have at least 32 bytes, but has 5\n"
        );
    }
}

#[test]
fn postgres_without_a_key_is_refused() {
    let output = run(&[], &[("DATABASE_URL", "postgres://localhost/todo")]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains("JWT_SECRET is required with PostgreSQL"),
        "{message}"
    );
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let variables = [
        ("DATABASE_URL", "postgres://ada:hunter2@127.0.0.1:1/todo"),
        ("JWT_SECRET", "a secret of no less than 32 bytes"),
    ];
    let output = run(&["serve"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains("cannot connect to the database"),
        "{message}"
    );
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&[], &[("LISTEN", &address)]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains(&format!("cannot listen on {address}")),
        "{message}"
    );
}

#[test]
fn migrate_says_what_it_did() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(database) = TestDatabase::new(kind) else {
            return;
        };
        let url = database.url();
        let variables = [
            ("DATABASE_URL", url.as_str()),
            ("JWT_SECRET", "a secret of no less than 32 bytes"),
        ];
        let first = run(&["migrate"], &variables);
        assert!(first.status.success(), "{}", text(&first.stderr));
        assert!(text(&first.stdout).starts_with("1/"), "{first:?}");
        assert!(text(&first.stdout).ends_with("Migrated\n"), "{first:?}");
        let second = run(&["migrate"], &variables);
        assert_eq!(text(&second.stdout), "There was nothing to migrate\n");
    }
}

#[test]
fn migrations_go_past_a_pooler() {
    let Some(database) = TestDatabase::new(Kind::Postgres) else {
        return;
    };
    let url = database.url();
    let variables = [
        // Nobody is there.
        ("DATABASE_URL", "postgres://127.0.0.1:1/todo"),
        ("DATABASE_MIGRATION_URL", url.as_str()),
        ("JWT_SECRET", "a secret of no less than 32 bytes"),
    ];
    let output = run(&["migrate"], &variables);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!database.columns("tasks").is_empty());
    let plan = run(&["migrate", "--dry-run"], &variables);
    assert_eq!(text(&plan.stdout), "There is nothing to migrate\n");
}

#[test]
fn a_dry_run_says_what_migrate_would_do_and_changes_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(database) = TestDatabase::new(kind) else {
            return;
        };
        let url = database.url();
        let variables = [
            ("DATABASE_URL", url.as_str()),
            ("JWT_SECRET", "a secret of no less than 32 bytes"),
        ];
        let plan = run(&["migrate", "--dry-run"], &variables);
        assert!(plan.status.success(), "{}", text(&plan.stderr));
        assert!(text(&plan.stdout).starts_with("Would take these steps:\n  1. "));
        assert!(database.columns("users").is_empty());
        assert!(run(&["migrate"], &variables).status.success());
        let plan = run(&["migrate", "--dry-run"], &variables);
        assert_eq!(text(&plan.stdout), "There is nothing to migrate\n");
    }
}

#[test]
fn a_database_that_is_served_is_copied_and_the_copy_can_be_served() {
    let folder = TempDir::new().unwrap();
    let port = [("LISTEN", "127.0.0.1:0")];
    let (serving, lines) = Serving::start(todo_server(folder.path(), &[], &port));
    let address = lines[0].strip_prefix("Listening on ").unwrap();
    let body = r#"{"email": "ada@example.com", "password": "correct horse", "name": "Ada"}"#;
    let registered = ureq::post(format!("{address}/api/auth/register"))
        .content_type("application/json")
        .send(body);
    assert!(registered.is_ok());
    let back_up = || {
        let mut command = todo_server(folder.path(), &["backup", "copy.db"], &port);
        command.output().unwrap()
    };
    let output = back_up();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let length = fs::metadata(folder.path().join("copy.db")).unwrap().len();
    assert_eq!(
        text(&output.stdout),
        format!(
            "Backed up sqlite://todo.db to copy.db ({length} bytes)\n\
             The keys that sign tokens are not in it: keep a copy of todo.db.jwt-key where you keep secrets\n"
        )
    );
    let again = back_up();
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(
        text(&again.stderr),
        "todo-server: copy.db is there already, and is left as it is\n"
    );
    drop(serving);

    let copy = [port[0], ("DATABASE_URL", "sqlite://copy.db")];
    let (_serving, lines) = Serving::start(todo_server(folder.path(), &[], &copy));
    let address = lines[0].strip_prefix("Listening on ").unwrap();
    let logged_in = ureq::post(format!("{address}/api/auth/login"))
        .content_type("application/json")
        .send(body.replace(r#", "name": "Ada""#, ""));
    assert!(logged_in.is_ok());
}

#[test]
fn for_postgres_it_is_said_what_copies_it() {
    let variables = [
        ("DATABASE_URL", "postgres://127.0.0.1:1/todo"),
        ("JWT_SECRET", "a secret of no less than 32 bytes"),
    ];
    let output = run(&["backup", "copy.db"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    for program in ["pg_dump", "todo-server export"] {
        assert!(message.contains(program), "{message}");
    }
}

/// What the doctor finds, by what was looked at, and whether it is content.
fn examined(folder: &Path, variables: &[(&str, &str)]) -> (Vec<String>, bool) {
    let output = todo_server(folder, &["doctor"], variables)
        .output()
        .unwrap();
    let lines = text(&output.stdout);
    assert!(!lines.contains("hunter2"), "{lines}");
    for line in lines.lines() {
        let levels = ["ok       ", "warning  ", "fault    "];
        assert!(levels.iter().any(|level| line.starts_with(level)), "{line}");
    }
    let has_fault = lines.contains("fault    ");
    assert_eq!(output.status.code(), Some(i32::from(has_fault)), "{lines}");
    (lines.lines().map(str::to_owned).collect(), !has_fault)
}

fn has(lines: &[String], beginning: &str) -> bool {
    lines.iter().any(|line| line.starts_with(beginning))
}

#[test]
fn the_doctor_is_content_with_nothing_and_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let (lines, is_content) = examined(folder.path(), &[]);
    assert!(is_content, "{lines:?}");
    assert!(has(
        &lines,
        "ok       database: sqlite://todo.db will be made"
    ));
    assert!(has(
        &lines,
        "ok       signing keys: todo.db.jwt-key will be made"
    ));
    assert!(has(&lines, "warning  mail: "), "{lines:?}");
    assert_eq!(files(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[test]
fn the_doctor_tells_of_files_that_others_can_read_and_of_those_that_are_damaged() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let port = [("LISTEN", "127.0.0.1:0")];
    let (_serving, lines) = Serving::start(todo_server(folder.path(), &[], &port));
    // From then on it has a connection, and the file has others beside it.
    let address = lines[0].strip_prefix("Listening on ").unwrap();
    assert!(ureq::get(format!("{address}/health/ready")).call().is_ok());
    let (lines, is_content) = examined(folder.path(), &[]);
    assert!(is_content, "{lines:?}");
    for expected in [
        "ok       permissions: todo.db is its owner's alone",
        "ok       permissions: todo.db-wal is",
        "ok       permissions: todo.db.jwt-key is",
        "ok       migrations: ",
        "ok       integrity: ",
        "ok       SQLite: ",
    ] {
        assert!(has(&lines, expected), "{expected}: {lines:?}");
    }

    let open = fs::Permissions::from_mode(0o640);
    fs::set_permissions(folder.path().join("todo.db.jwt-key"), open).unwrap();
    let (lines, is_content) = examined(folder.path(), &[]);
    assert!(is_content, "{lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("warning  permissions: ")
                && line.ends_with("chmod 600 todo.db.jwt-key")),
        "{lines:?}"
    );

    fs::write(
        folder.path().join("other.db"),
        "no database at all, but hunter2",
    )
    .unwrap();
    let other = [("DATABASE_URL", "sqlite://other.db")];
    let (lines, is_content) = examined(folder.path(), &other);
    assert!(!is_content, "{lines:?}");
    assert!(has(&lines, "fault    integrity: "), "{lines:?}");
}

#[test]
fn the_doctor_names_what_must_be_mended() {
    let folder = TempDir::new().unwrap();
    let wrong = [
        ("DATABASE_URL", "mysql://ada:hunter2@db"),
        ("LISTEN", "somewhere"),
    ];
    let (lines, _) = examined(folder.path(), &wrong);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(has(
        &lines,
        "fault    configuration: DATABASE_URL must begin with"
    ));
    assert!(has(&lines, "fault    configuration: LISTEN must be"));

    let away = [
        ("DATABASE_URL", "postgres://ada:hunter2@127.0.0.1:1/todo"),
        ("JWT_KEYS_FILE", "missing"),
    ];
    let (lines, _) = examined(folder.path(), &away);
    let refused = |line: &String| {
        line.starts_with("fault    database: ") && line.contains("Connection refused")
    };
    assert!(lines.iter().any(refused), "{lines:?}");
    assert!(has(&lines, "fault    signing keys: "), "{lines:?}");
}

#[test]
fn the_doctor_looks_at_postgres() {
    let Some(database) = TestDatabase::new(Kind::Postgres) else {
        return;
    };
    let url = database.url();
    let variables = [
        ("DATABASE_URL", url.as_str()),
        ("JWT_SECRET", "hunter2, a secret of no less than 32 bytes"),
    ];
    let folder = TempDir::new().unwrap();
    let (lines, is_content) = examined(folder.path(), &variables);
    assert!(is_content, "{lines:?}");
    assert!(has(&lines, "warning  migrations: "), "{lines:?}");
    assert!(database.columns("users").is_empty(), "nothing was changed");

    assert!(run(&["migrate"], &variables).status.success());
    let (lines, is_content) = examined(folder.path(), &variables);
    assert!(is_content, "{lines:?}");
    for expected in [
        "transport",
        "database",
        "migrations",
        "clock",
        "connections",
    ] {
        assert!(has(&lines, &format!("ok       {expected}: ")), "{lines:?}");
    }

    let many = [&variables[..], &[("DATABASE_MAX_CONNECTIONS", "1000000")]].concat();
    let (lines, _) = examined(folder.path(), &many);
    assert!(has(&lines, "fault    connections: "), "{lines:?}");
}

#[test]
fn help_and_version_are_there() {
    let help = run(&["--help"], &[]);
    assert!(help.status.success());
    for command in [
        "serve", "migrate", "openapi", "export", "import", "backup", "doctor", "keys",
    ] {
        assert!(text(&help.stdout).contains(command));
    }
    let version = run(&["--version"], &[]);
    let expected = format!("todo-server {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&version.stdout), expected);
    assert_eq!(run(&["unheard-of"], &[]).status.code(), Some(2));
}

#[test]
fn it_goes_on_when_nobody_reads_what_it_prints() {
    let folder = TempDir::new().unwrap();
    let mut child = todo_server(folder.path(), &[], &[("LISTEN", "127.0.0.1:0")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("Listening on ").unwrap();
    let answer = ureq::get(format!("{address}/health/live")).call();
    assert!(answer.is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_openapi_document_that_is_checked_in_is_fresh() {
    let output = run(&["openapi"], &[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/openapi.json");
    let checked_in = fs::read_to_string(path).unwrap();
    assert!(
        text(&output.stdout) == checked_in,
        "run: just openapi (cargo run -- openapi > crates/api/openapi.json)"
    );
}
