//! Origins that may call the API.

use todo_api::CorsOrigins;

use super::Variables;

const DEFAULT: [&str; 2] = ["http://localhost:3000", "http://localhost:5173"];

pub(super) fn origins(variables: &mut Variables<'_>) -> CorsOrigins {
    variables
        .parsed("CORS_ORIGINS", parse)
        .unwrap_or_else(|| CorsOrigins::Listed(DEFAULT.map(ToOwned::to_owned).to_vec()))
}

fn parse(text: &str) -> Result<CorsOrigins, String> {
    if text.trim() == "*" {
        return Ok(CorsOrigins::Any);
    }
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(CorsOrigins::Listed(Vec::new()));
    }
    let origins: Vec<String> = text
        .split(',')
        .map(|origin| origin.trim().to_owned())
        .filter(|origin| !origin.is_empty())
        .collect();
    match origins.iter().find(|origin| !is_origin(origin)) {
        None => Ok(CorsOrigins::Listed(origins)),
        Some(wrong) => Err(format!(
            "must be *, none, or origins such as https://todo.example.com, separated by commas; \
             {wrong:?} is not an origin"
        )),
    }
}

/// Whether a text is an origin as browsers send it (RFC 6454, 6.2): scheme, host and perhaps port, and no path.
fn is_origin(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '*', ' ']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::read;

    #[test]
    fn origins_are_listed_or_any() {
        let origins = |variables| read(variables).unwrap().http.cors_origins;
        let listed =
            |origins: [&str; 2]| CorsOrigins::Listed(origins.map(ToOwned::to_owned).to_vec());
        assert_eq!(origins(&[("CORS_ORIGINS", "*")]), CorsOrigins::Any);
        assert_eq!(
            origins(&[("CORS_ORIGINS", "https://a.example, http://b.example:8080")]),
            listed(["https://a.example", "http://b.example:8080"])
        );
        assert_eq!(origins(&[]), listed(DEFAULT));
        assert!(DEFAULT.into_iter().all(is_origin));
    }
}
