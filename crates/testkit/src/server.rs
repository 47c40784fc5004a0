//! A temporary PostgreSQL server, made of the PostgreSQL programs of the machine.

use std::{
    error::Error,
    fs,
    io::Write as _,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The result of an operation on a server. The error is for the reader, not for the program.
pub type ServerResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The timeout for starting.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A PostgreSQL server that is removed, with all its databases, when it is dropped. It listens on a Unix socket only.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    /// The command of the process.
    command: Command,
    process: Child,
    // Dropped after the process has ended.
    folder: TempDir,
}

/// A database of a [`PostgresServer`].
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    programs: PathBuf,
    folder: PathBuf,
    name: String,
}

/// The programs and the folder of a server, and the account that it runs as: PostgreSQL refuses to run as root.
struct Installation {
    programs: PathBuf,
    folder: TempDir,
    account: Option<(u32, u32)>,
}

impl Installation {
    fn new() -> ServerResult<Self> {
        let installation = Self {
            programs: programs()?,
            folder: TempDir::new()?,
            account: unprivileged_account()?,
        };
        let data = installation.data();
        fs::create_dir(&data)?;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
        fs::set_permissions(
            installation.folder.path(),
            fs::Permissions::from_mode(0o755),
        )?;
        if let Some((user, group)) = installation.account {
            chown(installation.folder.path(), Some(user), Some(group))?;
            chown(&data, Some(user), Some(group))?;
        }
        Ok(installation)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts the server on the data in the folder.
    fn serve(self, options: &[&str]) -> ServerResult<PostgresServer> {
        let log = fs::File::create(self.folder.path().join("log"))?;
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .args(["-c", "listen_addresses="])
            .arg("-c")
            .arg(format!(
                "unix_socket_directories={}",
                self.folder.path().display()
            ))
            .args(["-c", "max_connections=200"])
            .args(options)
            .stdout(Stdio::null())
            .stderr(log);
        let process = command.spawn()?;
        let mut server = PostgresServer {
            programs: self.programs,
            command,
            process,
            folder: self.folder,
        };
        server.wait()?;
        Ok(server)
    }
}

impl PostgresServer {
    /// Whether the programs of PostgreSQL are on this machine.
    #[must_use]
    pub fn is_installed() -> bool {
        programs().is_ok()
    }

    /// Starts a server that writes to disk at each commit, as by default.
    ///
    /// # Errors
    /// When the programs are not found, or do not run.
    pub fn start() -> ServerResult<Self> {
        Self::start_with(&[])
    }

    /// Starts a server for tests, which would lose commits with the power.
    ///
    /// # Errors
    /// When the programs are not found, or do not run.
    pub fn start_without_sync() -> ServerResult<Self> {
        Self::start_with(&["-c", "fsync=off"])
    }

    fn start_with(options: &[&str]) -> ServerResult<Self> {
        let installation = Installation::new()?;
        run(installation
            .command("initdb")
            .arg("--pgdata")
            .arg(installation.data())
            .args(["--username", "postgres", "--auth", "trust"])
            .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]))?;
        installation.serve(options)
    }

    /// Starts a standby of this server with synchronous streaming replication.
    ///
    /// # Errors
    /// When the standby cannot be created, or does not run.
    pub fn start_synchronous_standby(&self) -> ServerResult<Self> {
        let installation = Installation::new()?;
        run(installation
            .command("pg_basebackup")
            .arg("--host")
            .arg(self.folder.path())
            .args(["--username", "postgres", "--checkpoint", "fast"])
            .args([
                "--wal-method",
                "stream",
                "--write-recovery-conf",
                "--pgdata",
            ])
            .arg(installation.data()))?;
        let standby = installation.serve(&[])?;
        let database = self.database("postgres");
        database.query("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        database.query("SELECT pg_reload_conf()")?;
        let began = Instant::now();
        let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while database.query(synchronous)? != "1" {
            if began.elapsed() > START_TIMEOUT {
                return Err("the standby does not follow".into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(standby)
    }

    /// Promotes a standby to the primary.
    ///
    /// # Errors
    /// When the promotion fails.
    pub fn promote(&self) -> ServerResult<()> {
        match self
            .database("postgres")
            .query("SELECT pg_promote()")?
            .as_str()
        {
            "t" => Ok(()),
            _ => Err("the standby was not promoted".into()),
        }
    }

    fn wait(&mut self) -> ServerResult<()> {
        let began = Instant::now();
        let database = self.database("postgres");
        while database.query("SELECT 1").is_err() {
            if self.process.try_wait()?.is_some() || began.elapsed() > START_TIMEOUT {
                return Err(format!("PostgreSQL does not start: {}", self.log()?).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Restarts the server as after a crash (`pg_ctl restart -m immediate`).
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart_immediately(&mut self) -> ServerResult<()> {
        // SIGQUIT, the "immediate shutdown".
        self.signal("-QUIT")?;
        self.process.wait()?;
        self.process = self.command.spawn()?;
        self.wait()
    }

    fn signal(&self, signal: &str) -> ServerResult<()> {
        let process = self.process.id().to_string();
        Command::new("kill").args([signal, &process]).status()?;
        Ok(())
    }

    /// Creates an empty database.
    ///
    /// # Errors
    /// When a database of this name exists.
    pub fn create_database(&self, name: &str) -> ServerResult<PostgresDatabase> {
        self.database("postgres")
            .query(&format!("CREATE DATABASE {name}"))?;
        Ok(self.database(name))
    }

    /// The database with this name.
    #[must_use]
    pub fn database(&self, name: &str) -> PostgresDatabase {
        PostgresDatabase {
            programs: self.programs.clone(),
            folder: self.folder.path().to_owned(),
            name: name.to_owned(),
        }
    }

    /// Logs every statement, or none.
    ///
    /// # Errors
    /// When the setting cannot be changed.
    pub fn log_statements(&self, all: bool) -> ServerResult<()> {
        let which = if all { "all" } else { "none" };
        let database = self.database("postgres");
        database.query(&format!("ALTER SYSTEM SET log_statement = '{which}'"))?;
        database.query("SELECT pg_reload_conf()").map(drop)
    }

    /// The log of the server.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> ServerResult<String> {
        Ok(fs::read_to_string(self.folder.path().join("log"))?)
    }

    /// The folder with everything of the server.
    #[cfg(feature = "databases")]
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The id of the parent process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // SIGINT, the "fast shutdown": it ends its children and then itself.
        if self.signal("-INT").is_err() {
            drop(self.process.kill());
        }
        drop(self.process.wait());
    }
}

impl PostgresDatabase {
    /// The value of `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "postgres:///{}?host={}&port=5432&user=postgres",
            self.name,
            self.folder.display()
        )
    }

    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Unix socket of the server.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Runs SQL by `psql`, and returns the selected rows: one line each, with columns separated by `|`.
    ///
    /// # Errors
    /// When a statement fails.
    pub fn query(&self, sql: &str) -> ServerResult<String> {
        let mut process = self
            .program("psql")
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = process.stdin.take() {
            input.write_all(sql.as_bytes())?;
        }
        let output = process.wait_with_output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// A client program of PostgreSQL, with this database as its default.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir("/")
            .env("PGHOST", &self.folder)
            .env("PGUSER", "postgres")
            .env("PGDATABASE", &self.name);
        command
    }
}

/// Runs a program. The error is its standard error.
fn run(command: &mut Command) -> ServerResult<()> {
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

/// The folder of the programs of the server, which need not be on the path.
fn programs() -> ServerResult<PathBuf> {
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        let folder = PathBuf::from(String::from_utf8(output.stdout)?.trim());
        if folder.join("postgres").exists() {
            return Ok(folder);
        }
    }
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map_err(|error| format!("the programs of PostgreSQL are not found: {error}"))?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("postgres").exists())
        .collect();
    versions.sort();
    versions
        .pop()
        .ok_or_else(|| "the programs of PostgreSQL are not found".into())
}

/// The user and the group that PostgreSQL runs as, if the current user is root.
fn unprivileged_account() -> ServerResult<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string(Path::new("/etc/passwd"))?;
    let account = ["postgres:", "nobody:"].iter().find_map(|name| {
        let line = accounts.lines().find(|line| line.starts_with(name))?;
        let mut numbers = line.split(':').skip(2);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    });
    match account {
        Some(account) => Ok(Some(account)),
        None => Err("PostgreSQL cannot run as root, and there is no user postgres".into()),
    }
}
