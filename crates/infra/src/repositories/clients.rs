//! The address and user agent of a client, as two columns.

use todo_domain::{Client, UserAgent};

/// The columns of a client.
pub(super) fn columns(client: &Client) -> (Option<String>, Option<String>) {
    let address = client.address.map(|address| address.to_string());
    let user_agent = client.user_agent.as_ref();
    (address, user_agent.map(|agent| agent.as_str().to_owned()))
}

/// The client of two columns. An invalid address is treated as unset.
pub(super) fn client(address: Option<&str>, user_agent: Option<&str>) -> Client {
    Client {
        address: address.and_then(|address| address.parse().ok()),
        user_agent: user_agent.and_then(UserAgent::of),
    }
}
