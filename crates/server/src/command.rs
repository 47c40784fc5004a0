//! What commands share: their result, the configuration, and the database.

use std::{env, error::Error};

use todo_infra::Database;

use crate::{config::Config, dotenv_file, logging};

/// The result of a command. `main` prints the error.
pub(crate) type CommandResult = Result<(), Box<dyn Error>>;

/// The configuration: the environment, and `.env` for variables that it lacks.
pub(crate) fn read_config() -> Result<Config, Box<dyn Error>> {
    dotenv_file::load()?;
    Ok(Config::read(|name| env::var(name).ok())?)
}

/// The configured database, for commands that need nothing else.
pub(crate) fn connect() -> Result<Database, Box<dyn Error>> {
    let config = read_config()?;
    logging::start(config.log);
    Ok(config.database.database())
}
