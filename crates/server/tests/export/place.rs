//! Where the program is run.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use todo_testkit::{Kind, TestDatabase};

/// A database, and a folder for files.
pub(crate) struct Place {
    database: TestDatabase,
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        Some(Self {
            database: TestDatabase::reusable(kind)?,
            folder: TempDir::new().unwrap(),
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_todo-server"));
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", self.database.url())
            .env("JWT_SECRET", "a secret of no less than 32 bytes")
            .current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exports to standard output.
    pub(crate) fn exported(&self, arguments: &[&str]) -> String {
        let output = self.run(&[&["export"], arguments, &["-"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Imports from standard input.
    pub(crate) fn import(&self, file: &str) -> Output {
        let mut child = self
            .command(&["import", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A file that is refused early is not read to its end.
        drop(stdin.write_all(file.as_bytes()));
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Imports what is to be refused, makes sure that nothing remains of it, and gives what was said.
    pub(crate) fn refused(&self, file: &str) -> String {
        assert!(self.run(&["migrate"]).status.success());
        let before = self.exported(&[]);
        let output = self.import(file);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert_eq!(self.exported(&[]), before);
        text(&output.stderr)
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
