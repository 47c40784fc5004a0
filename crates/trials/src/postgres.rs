//! A PostgreSQL for a trial, made of the PostgreSQL programs of the machine, as they come: what is committed is on disk.

use std::{
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

use crate::TrialResult;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL that ends when it is dropped, and all its databases with it. It listens on a Unix socket only.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    /// What starts the process.
    command: Command,
    process: Child,
    // Dropped after the process has ended.
    folder: TempDir,
}

/// One of its databases.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    programs: PathBuf,
    folder: PathBuf,
    name: String,
}

/// A folder for a PostgreSQL, and as whom it runs: it refuses to run as root.
struct Place {
    programs: PathBuf,
    folder: TempDir,
    account: Option<(u32, u32)>,
}

impl Place {
    fn new() -> TrialResult<Self> {
        let place = Self {
            programs: programs()?,
            folder: TempDir::new()?,
            account: unprivileged_account()?,
        };
        let data = place.data();
        fs::create_dir(&data)?;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
        fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o755))?;
        if let Some((user, group)) = place.account {
            chown(place.folder.path(), Some(user), Some(group))?;
            chown(&data, Some(user), Some(group))?;
        }
        Ok(place)
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

    /// Starts the server on the data that were put there.
    fn serve(self) -> TrialResult<PostgresServer> {
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
    /// Whether its programs are on this machine.
    #[must_use]
    pub fn is_installed() -> bool {
        programs().is_ok()
    }

    /// Starts a PostgreSQL.
    ///
    /// # Errors
    /// When its programs are not found, or do not run.
    pub fn start() -> TrialResult<Self> {
        let place = Place::new()?;
        run(place
            .command("initdb")
            .arg("--pgdata")
            .arg(place.data())
            .args(["--username", "postgres", "--auth", "trust"])
            .args(["--encoding", "UTF8", "--locale", "C.UTF-8"]))?;
        place.serve()
    }

    /// Starts a standby that follows this server (streaming replication). From then on, this server commits only what
    /// the standby has as well.
    ///
    /// # Errors
    /// When it cannot be made, or does not run.
    pub fn start_synchronous_standby(&self) -> TrialResult<Self> {
        let place = Place::new()?;
        run(place
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
            .arg(place.data()))?;
        let standby = place.serve()?;
        let database = self.database("postgres");
        database.query("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        database.query("SELECT pg_reload_conf()")?;
        let began = Instant::now();
        let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while database.query(synchronous)? != "1" {
            if began.elapsed() > PATIENCE {
                return Err("the standby does not follow".into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(standby)
    }

    /// Makes a standby the primary.
    ///
    /// # Errors
    /// When it does not become one.
    pub fn promote(&self) -> TrialResult<()> {
        match self
            .database("postgres")
            .query("SELECT pg_promote()")?
            .as_str()
        {
            "t" => Ok(()),
            _ => Err("the standby was not promoted".into()),
        }
    }

    fn wait(&mut self) -> TrialResult<()> {
        let began = Instant::now();
        let database = self.database("postgres");
        while database.query("SELECT 1").is_err() {
            if self.process.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                return Err(format!("PostgreSQL does not start: {}", self.log()?).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Ends it as a crash would, with all its connections, and starts it again at once (`pg_ctl restart -m immediate`).
    ///
    /// # Errors
    /// When it does not start again.
    pub fn restart_immediately(&mut self) -> TrialResult<()> {
        // SIGQUIT, the "immediate shutdown".
        self.signal("-QUIT")?;
        self.process.wait()?;
        self.process = self.command.spawn()?;
        self.wait()
    }

    fn signal(&self, signal: &str) -> TrialResult<()> {
        let process = self.process.id().to_string();
        Command::new("kill").args([signal, &process]).status()?;
        Ok(())
    }

    /// Makes an empty database.
    ///
    /// # Errors
    /// When there is one of this name.
    pub fn create_database(&self, name: &str) -> TrialResult<PostgresDatabase> {
        self.database("postgres")
            .query(&format!("CREATE DATABASE {name}"))?;
        Ok(self.database(name))
    }

    /// One of its databases.
    #[must_use]
    pub fn database(&self, name: &str) -> PostgresDatabase {
        PostgresDatabase {
            programs: self.programs.clone(),
            folder: self.folder.path().to_owned(),
            name: name.to_owned(),
        }
    }

    /// Has every statement logged, or none.
    pub(crate) fn log_statements(&self, all: bool) -> TrialResult<()> {
        let which = if all { "all" } else { "none" };
        let database = self.database("postgres");
        database.query(&format!("ALTER SYSTEM SET log_statement = '{which}'"))?;
        database.query("SELECT pg_reload_conf()").map(drop)
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> TrialResult<String> {
        Ok(fs::read_to_string(self.folder.path().join("log"))?)
    }

    /// The process that all others of it are children of.
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
    /// What `DATABASE_URL` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "postgres:///{}?host={}&user=postgres",
            self.name,
            self.folder.display()
        )
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Unix socket at which its server listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Runs SQL, and gives what it selects: a line for each row, columns separated by `|`.
    ///
    /// # Errors
    /// When it fails.
    pub fn query(&self, sql: &str) -> TrialResult<String> {
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

    /// One of PostgreSQL's programs, as a client of this database.
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

/// Runs a program, whose errors are given when it fails.
fn run(command: &mut Command) -> TrialResult<()> {
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

/// Where the programs of the server are, which need not be on the path.
fn programs() -> TrialResult<PathBuf> {
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

/// The user and the group that PostgreSQL is to run as: nobody else, unless we are root.
fn unprivileged_account() -> TrialResult<Option<(u32, u32)>> {
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
