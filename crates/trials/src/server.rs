//! The server as a process of its own.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use tempfile::TempDir;

use crate::{TrialDatabase, TrialResult};

/// The server's program, and what it is to find in its environment.
#[derive(Debug, Clone)]
pub struct ServerProgram {
    executable: PathBuf,
    variables: Vec<(String, String)>,
}

/// A server that runs, and is ended when it is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: String,
    // Dropped after the process has ended.
    folder: TempDir,
}

impl ServerProgram {
    /// The program at `executable`.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(executable: &Path) -> TrialResult<Self> {
        let executable = executable
            .canonicalize()
            .map_err(|error| format!("{}: {error}", executable.display()))?;
        Ok(Self {
            executable,
            variables: Vec::new(),
        })
    }

    /// The program that was built beside this one.
    ///
    /// # Errors
    /// When there is none.
    pub fn beside_this() -> TrialResult<Self> {
        Self::new(&env::current_exe()?.with_file_name("todo-server"))
    }

    /// The same with a further variable, or with another value of one.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.variables.push((name.to_owned(), value.to_owned()));
        other
    }

    /// The same with further variables.
    #[must_use]
    pub fn with_all(&self, variables: &[(String, String)]) -> Self {
        let mut other = self.clone();
        other.variables.extend_from_slice(variables);
        other
    }

    /// Starts the server on `database`, at a free port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn serve(&self, database: &TrialDatabase) -> TrialResult<Server> {
        let folder = TempDir::new()?;
        let log_file = folder.path().join("log");
        let process = self
            .command(database, folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log_file)?)
            .spawn()?;
        let mut server = Server {
            process,
            address: String::new(),
            folder,
        };
        let stdout = server.process.stdout.take();
        let lines = stdout.map(|stdout| BufReader::new(stdout).lines());
        for line in lines.into_iter().flatten() {
            if let Some(address) = line?.strip_prefix("Listening on http://") {
                address.clone_into(&mut server.address);
                return Ok(server);
            }
        }
        Err(format!(
            "the server does not listen: {}",
            fs::read_to_string(log_file)?
        )
        .into())
    }

    /// Runs one of the commands of the server, such as `import`, and gives what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, database: &TrialDatabase, arguments: &[&str]) -> TrialResult<String> {
        let folder = TempDir::new()?;
        let output = self
            .command(database, folder.path())
            .args(arguments)
            .output()?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("todo-server {}: {errors}", arguments.join(" ")).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, database: &TrialDatabase, folder: &Path) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .env_clear()
            // Where there is no `.env`.
            .current_dir(folder)
            .env("DATABASE_URL", database.url())
            .env("LISTEN", "127.0.0.1:0")
            .env("JWT_SECRET", "a secret of no less than 32 bytes")
            // All clients are this machine. Requests are counted all the same.
            .env("REQUESTS_PER_MINUTE_PER_ADDRESS", u32::MAX.to_string())
            .env("REQUESTS_PER_MINUTE_PER_USER", u32::MAX.to_string())
            .env("LOGINS_PER_MINUTE_PER_ACCOUNT", u32::MAX.to_string())
            .env("REFRESHES_PER_MINUTE_PER_SESSION", u32::MAX.to_string())
            .env("TASKS_PER_USER", u32::MAX.to_string())
            .env("BYTES_PER_USER", u32::MAX.to_string())
            .env("SESSIONS_PER_USER", u32::MAX.to_string())
            .env("CONNECTIONS_PER_ADDRESS", u32::MAX.to_string())
            .envs(self.variables.iter().cloned());
        command
    }
}

impl Server {
    /// Where it listens, such as `127.0.0.1:8000`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The id of its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// What it has ended with; `None` as long as it runs.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn ended(&mut self) -> TrialResult<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// What it has logged so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> TrialResult<String> {
        Ok(fs::read_to_string(self.folder.path().join("log"))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
