//! The settings of a user, as sessions and tokens are read with them.

use todo_domain::UserSettings;

/// The settings in the columns. A time zone that the program does not know is treated as unset.
pub(super) fn settings(time_zone: Option<&str>) -> UserSettings {
    UserSettings {
        time_zone: time_zone.and_then(|name| name.parse().ok()),
    }
}
