//! What requests came from, as two columns.

use todo_domain::{Client, UserAgent};

/// Address and name of a program.
pub(super) fn columns(client: &Client) -> (Option<String>, Option<String>) {
    let address = client.address.map(|address| address.to_string());
    let user_agent = client.user_agent.as_ref();
    (address, user_agent.map(|agent| agent.as_str().to_owned()))
}

/// The other way round. An address that cannot be read is as good as none.
pub(super) fn client(address: Option<&str>, user_agent: Option<&str>) -> Client {
    Client {
        address: address.and_then(|address| address.parse().ok()),
        user_agent: user_agent.and_then(UserAgent::of),
    }
}
