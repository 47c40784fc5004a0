//! A todo backend with accounts, on SQLite or PostgreSQL.

mod archive;
mod backup;
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
/// It is configured by environment variables, and by a file `.env` in the working directory; README.md lists
/// them.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Bring the database to the shape that is needed, then serve (this is what happens without a command).
    Serve,
    /// Bring the database to the shape that is needed, and end.
    Migrate {
        /// Say what would be done and what for, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Look whether everything is as a server needs it, and say what to do where it is not.
    ///
    /// One line for each thing: ok, warning or fault. With a fault, the exit status is 1. It changes nothing, and can run
    /// beside a server.
    Doctor,
    /// Print the OpenAPI document, and end.
    Openapi,
    /// Write all users and their tasks to a file, for `import`.
    ///
    /// Whoever has the file has the password hashes in it. Sessions are not in it.
    Export {
        /// Only the user with this e-mail address.
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
        /// The file; `-` for standard output.
        file: PathBuf,
    },
    /// Insert what `export` wrote: all of it, or nothing.
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
    },
    /// Copy the SQLite database to a file, also while it is in use.
    ///
    /// Whoever has the copy has the password hashes in it. The keys that sign tokens are not in it.
    Backup {
        /// The file, which must not be there yet.
        file: PathBuf,
    },
    /// Show or change the keys that sign tokens.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// End sessions, in an emergency.
    Sessions {
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// Disable or enable accounts, in an emergency.
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum SessionsCommand {
    /// End all sessions of a user or of everyone, with their refresh tokens, mailed tokens and pending changes of the
    /// address. It takes effect at once on every instance.
    End {
        #[command(flatten)]
        whose: Whose,
        /// Revoke personal access tokens as well.
        #[arg(long)]
        tokens: bool,
    },
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Those of the user with this e-mail address.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Those of every user.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum UsersCommand {
    /// Disable an account: its sessions, personal access tokens and mailed tokens are revoked at once, and no login
    /// succeeds until it is enabled. Nothing is deleted.
    Disable {
        /// The e-mail address of the account.
        email: String,
    },
    /// Enable an account again. Its user logs in with the password of before.
    Enable {
        /// The e-mail address of the account.
        email: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum KeysCommand {
    /// Make a new key that signs from now on, and keep the others until their tokens have expired.
    ///
    /// Servers that run notice it by themselves, and nobody is logged out.
    Rotate {
        /// What the new key is for, `HS256` or `EdDSA`; without it, what the key is for whose place it takes.
        #[arg(long, value_name = "ALGORITHM")]
        algorithm: Option<SigningAlgorithm>,
        /// Revoke all other keys, since one may be in the wrong hands. Everyone has to log in again; personal access
        /// tokens stay valid.
        #[arg(long)]
        revoke_others: bool,
    },
    /// Say which keys there are, and what each does.
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
