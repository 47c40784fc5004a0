//! pgbouncer in front of a PostgreSQL database of the tests, and certificates for TLS.

use std::{
    env, fmt, fs,
    io::Write as _,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Kind, TestDatabase};

/// pgbouncer that shares two connections between all transactions. It ends when it is dropped.
pub struct Pooler {
    process: Child,
    port: u16,
    /// Dropped after the process has ended.
    behind: TestDatabase,
    _folder: TempDir,
}

impl fmt::Debug for Pooler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooler")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Pooler {
    /// Starts a pooler of an empty database; `None`, which is printed, without pgbouncer or PostgreSQL programs.
    #[must_use]
    pub fn new() -> Option<Self> {
        Self::with(None)
    }

    /// Starts a pooler that requires TLS and has this certificate.
    #[must_use]
    pub fn with_tls(certificates: &Certificates) -> Option<Self> {
        Self::with(Some(certificates))
    }

    fn with(certificates: Option<&Certificates>) -> Option<Self> {
        if env::var_os("TEST_DATABASE_URL").is_some() {
            return skip("the PostgreSQL of TEST_DATABASE_URL may not be reached by a pgbouncer");
        }
        let Some(program) = find("pgbouncer") else {
            return skip("there is no pgbouncer");
        };
        let behind = TestDatabase::new(Kind::Postgres)?;
        let folder = TempDir::new().expect("a temporary folder can be made");
        let port = free_port();
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, configuration(&behind, port, certificates))
            .expect("the configuration can be written");
        let mut command = Command::new(program);
        if let Some(user) = user_to_become() {
            open_to_all(folder.path());
            command.args(["--user", user]);
        }
        let process = command
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer can be started");
        let pooler = Self {
            process,
            port,
            behind,
            _folder: folder,
        };
        pooler.wait();
        Some(pooler)
    }

    /// The value of `DATABASE_URL`, with another name or address of this machine as the host.
    #[must_use]
    pub fn url_at(&self, host: &str) -> String {
        let url = self.behind.url();
        let (_, name) = url.split_once(":///").expect("the URL has a path");
        let (name, _) = name.split_once('?').expect("the URL has parameters");
        format!("postgres://postgres@{host}:{}/{name}", self.port)
    }

    /// The value of `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at("127.0.0.1")
    }

    /// The database, for direct access.
    #[must_use]
    pub fn behind(&self) -> &TestDatabase {
        &self.behind
    }

    fn wait(&self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "pgbouncer does not listen"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn configuration(behind: &TestDatabase, port: u16, certificates: Option<&Certificates>) -> String {
    let url = behind.url();
    let tls = certificates.map_or_else(String::new, |certificates| {
        format!(
            "client_tls_sslmode = require\nclient_tls_key_file = {}\nclient_tls_cert_file = {}\n",
            certificates.file("server.key").display(),
            certificates.file("server.crt").display(),
        )
    });
    format!(
        "[databases]\n* = host={} port={} user=postgres\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\n{tls}",
        parameter(&url, "host"),
        parameter(&url, "port"),
    )
}

/// A parameter of the URL of a temporary server.
fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
    url.split(['?', '&'])
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        .expect("the URL has the parameter")
}

/// A certificate for `localhost` of a new authority.
pub struct Certificates(TempDir);

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificates").field(&self.0.path()).finish()
    }
}

impl Certificates {
    /// Creates the authority and the certificate; `None`, which is printed, without the program openssl.
    #[must_use]
    pub fn new() -> Option<Self> {
        let Some(program) = find("openssl") else {
            return skip("there is no openssl to make certificates with");
        };
        let folder = TempDir::new().expect("a temporary folder can be made");
        let run = |arguments: &str| {
            let output = Command::new(&program)
                .current_dir(folder.path())
                .args(arguments.split(' '))
                .output()
                .expect("openssl can be started");
            assert!(output.status.success(), "{output:?}");
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        run(&format!(
            "req -x509 {key} -keyout authority.key -out authority.crt -subj /CN=authority -days 2"
        ));
        run(&format!(
            "req -x509 {key} -keyout server.key -out server.crt -subj /CN=localhost -days 2 \
             -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
             -CA authority.crt -CAkey authority.key"
        ));
        open_to_all(folder.path());
        Some(Self(folder))
    }

    /// The certificate of the authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.file("authority.crt")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

/// The path of a program, on `PATH` or in a folder for system administration.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// pgbouncer does not run as root.
fn user_to_become() -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    is_root.then_some("postgres")
}

/// Lets other users read what is in a folder.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &Path, mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, permissions).expect("it is ours");
    };
    for entry in fs::read_dir(folder).expect("it can be listed") {
        open(&entry.expect("it can be read").path(), 0o644);
    }
    open(folder, 0o755);
}

/// Prints that a test is skipped, bypassing the capture of the test runner.
fn skip<T>(reason: &str) -> Option<T> {
    let message = format!("\nSKIPPED: a test of a pooler or of TLS, since {reason}.\n\n");
    std::io::stderr()
        .write_all(message.as_bytes())
        .expect("standard error can be written");
    None
}
