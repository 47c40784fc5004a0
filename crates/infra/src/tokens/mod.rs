//! Access tokens and refresh tokens.

mod jwt;

pub use jwt::JwtTokens;
