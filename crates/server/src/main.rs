//! A todo backend with accounts, on SQLite or PostgreSQL.

mod archive;
mod backup;
mod command;
mod commands;
mod config;
mod doctor;
mod dotenv_file;
mod emergency;
mod keys;
mod log_writer;
mod logging;
mod malformed_requests;
mod metrics;
mod migration;
mod report;
mod secret_files;
mod traces;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use todo_infra::SigningAlgorithm;

/// A todo backend with accounts, on SQLite or PostgreSQL.
///
/// Environment variables, or a file `.env` in the working directory, configure it; docs/configuration.md lists them.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Migrate the database and start the server (the default).
    Serve,
    /// Migrate the database and exit.
    Migrate {
        /// Print the pending steps with their reasons, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Check the setup, and print a remedy for each problem.
    ///
    /// Prints one line per check: ok, warning or fault. The exit status is 1 if there is a fault. Changes nothing; servers
    /// may run meanwhile.
    Doctor,
    /// Print the OpenAPI document.
    Openapi,
    /// Export all users and their tasks to a file for `import`.
    ///
    /// The file contains password hashes: keep it secret. It contains no sessions.
    Export {
        /// Export only the user with this e-mail address.
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
        /// Output file; `-` for standard output.
        file: PathBuf,
    },
    /// Import a file of `export`, completely or not at all.
    Import {
        /// Input file; `-` for standard input.
        file: PathBuf,
    },
    /// Copy the SQLite database to a file, even while servers run.
    ///
    /// The copy contains password hashes: keep it secret. It does not contain the signing keys.
    Backup {
        /// Output file, which must not exist.
        file: PathBuf,
    },
    /// List, rotate or revoke signing keys.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Terminate sessions in an emergency.
    Sessions {
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// Disable or enable accounts in an emergency.
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum SessionsCommand {
    /// Terminate all sessions of a user or of all users, with their refresh tokens, e-mail tokens and pending changes of
    /// the address. Takes effect immediately on every instance.
    End {
        #[command(flatten)]
        whose: Whose,
        /// Also revoke personal access tokens.
        #[arg(long)]
        tokens: bool,
    },
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Sessions of the user with this e-mail address.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Sessions of all users.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum UsersCommand {
    /// Disable an account: revoke its sessions, personal access tokens and e-mail tokens immediately, and refuse logins
    /// until it is enabled. Tasks are kept.
    Disable {
        /// E-mail address of the account.
        email: String,
    },
    /// Enable a disabled account. The password is unchanged.
    Enable {
        /// E-mail address of the account.
        email: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum KeysCommand {
    /// Create a new signing key, and keep the previous keys for verification until their tokens have expired.
    ///
    /// Running servers load it by themselves, and no user is logged out.
    Rotate {
        /// Algorithm of the new key, `HS256` or `EdDSA`; by default that of the previous key.
        #[arg(long, value_name = "ALGORITHM")]
        algorithm: Option<SigningAlgorithm>,
        /// Revoke all other keys after a leak. Every user has to log in again; personal access tokens stay valid.
        #[arg(long)]
        revoke_others: bool,
    },
    /// List the keys and their state.
    List,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => commands::serve(),
        Command::Migrate { dry_run: false } => commands::migrate(),
        Command::Migrate { dry_run: true } => commands::plan_migration(),
        Command::Doctor => doctor::doctor(),
        Command::Openapi => commands::openapi(),
        Command::Export { user, file } => archive::export(user.as_deref(), &file),
        Command::Import { file } => archive::import(&file),
        Command::Backup { file } => backup::backup(&file),
        Command::Keys {
            command:
                KeysCommand::Rotate {
                    algorithm,
                    revoke_others: false,
                },
        } => keys::rotate(algorithm),
        Command::Keys {
            command:
                KeysCommand::Rotate {
                    algorithm,
                    revoke_others: true,
                },
        } => keys::revoke_others(algorithm),
        Command::Keys {
            command: KeysCommand::List,
        } => keys::list(),
        Command::Sessions {
            command: SessionsCommand::End { whose, tokens },
        } => emergency::end_sessions(whose.user.as_deref(), tokens),
        Command::Users {
            command: UsersCommand::Disable { email },
        } => emergency::disable_user(&email),
        Command::Users {
            command: UsersCommand::Enable { email },
        } => emergency::enable_user(&email),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
