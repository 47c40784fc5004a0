//! Log filter and format.

use tracing_subscriber::EnvFilter;

use super::Variables;

const DEFAULT_FILTER: &str = "info,actix_server=warn";

/// Log filter and format.
#[derive(Debug)]
pub(crate) struct LogConfig {
    pub(crate) filter: EnvFilter,
    pub(crate) format: LogFormat,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text, for people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

impl LogConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            filter: variables
                .parsed("LOG", |text| EnvFilter::try_new(text))
                .unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER)),
            format: variables
                .parsed("LOG_FORMAT", format)
                .unwrap_or(LogFormat::Text),
        }
    }
}

fn format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::read;

    #[test]
    fn the_log_is_for_people_unless_it_is_to_be_json() {
        let format = |variables| read(variables).unwrap().log.format;
        assert_eq!(format(&[]), LogFormat::Text);
        assert_eq!(format(&[("LOG_FORMAT", "json")]), LogFormat::Json);
    }

    #[test]
    fn the_default_filter_is_one() {
        assert!(EnvFilter::try_new(DEFAULT_FILTER).is_ok());
    }
}
