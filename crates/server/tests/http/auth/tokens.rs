//! Tokens that were not issued as they are: each is answered with 401, and with the same 401.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

const SECRET: &str = "a secret that the forger happens to know";

#[expect(clippy::disallowed_methods, reason = "a forger has a clock of his own")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// A part of a token, read.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Whoever knows the secret and has a token of a session.
struct Forger {
    client: Client,
    token: String,
    header: Value,
    claims: Value,
}

impl Forger {
    fn new(client: &Client) -> Self {
        let token = client.token.clone().unwrap();
        Self {
            header: part(&token, 0),
            claims: part(&token, 1),
            client: client.clone(),
            token,
        }
    }

    fn sign(header: &Value, claims: &Value, secret: &[u8], algorithm: Algorithm) -> String {
        let message = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let key = EncodingKey::from_secret(secret);
        let signature = crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn signed(header: &Value, claims: &Value) -> String {
        Self::sign(header, claims, SECRET.as_bytes(), Algorithm::HS256)
    }

    /// A token whose header has this member.
    fn header(&self, member: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[member] = value;
        Self::signed(&header, &self.claims)
    }

    fn without_header(&self, member: &str) -> String {
        let mut header = self.header.clone();
        header.as_object_mut().unwrap().remove(member).unwrap();
        Self::signed(&header, &self.claims)
    }

    /// A token that makes this claim.
    fn claim(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[claim] = value;
        Self::signed(&self.header, &claims)
    }

    fn without_claim(&self, claim: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().unwrap().remove(claim).unwrap();
        Self::signed(&self.header, &claims)
    }

    fn show(&self, token: &str) -> Answer {
        let mut client = self.client.clone();
        client.token = Some(token.to_owned());
        client.get("/api/tasks")
    }

    /// Makes sure that a token is refused, and gives the problem without what differs from request to request.
    fn refused(&self, name: &str, token: &str) -> Value {
        let answer = self.show(token);
        assert_eq!(answer.status, 401, "{name}");
        assert_eq!(answer.code(), "invalid_token", "{name}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(
                r#"Bearer realm="todo", error="invalid_token", error_description="Invalid or expired token""#
            ),
            "{name}"
        );
        let mut problem = answer.json();
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    }

    /// Tokens with a header that none of ours has.
    fn wrong_headers(&self) -> Vec<(String, String)> {
        let mut tokens = Vec::new();
        for member in ["typ", "alg", "kid"] {
            tokens.push((format!("no {member}"), self.without_header(member)));
        }
        for (member, value) in [
            ("typ", json!("JWT")),
            ("typ", json!("rt+jwt")),
            ("typ", json!(1)),
            ("alg", json!("none")),
            ("alg", json!("None")),
            ("alg", json!("HS384")),
            ("alg", json!("HS512")),
            ("alg", json!("RS256")),
            ("alg", json!("ES256")),
            ("alg", json!("EdDSA")),
            ("kid", json!("")),
            ("kid", json!("another")),
            ("kid", json!("../../../../dev/null")),
            ("kid", json!("/etc/passwd")),
            ("kid", json!("' OR '1'='1")),
            ("kid", json!(0)),
            ("crit", json!(["exp"])),
            ("jku", json!("http://127.0.0.1:1/jwks.json")),
            ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ] {
            let name = format!("{member} {value}");
            tokens.push((name, self.header(member, value)));
        }
        for (alg, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
            let mut header = self.header.clone();
            header["alg"] = json!(alg);
            let token = Self::sign(&header, &self.claims, SECRET.as_bytes(), algorithm);
            tokens.push((format!("truly signed by {alg}"), token));
        }
        let unsigned = self.header("alg", json!("none"));
        let (message, _) = unsigned.rsplit_once('.').unwrap();
        tokens.push(("not signed".to_owned(), format!("{message}.")));
        tokens
    }

    /// Tokens with claims that none of ours makes.
    fn wrong_claims(&self) -> Vec<(String, String)> {
        let mut tokens = Vec::new();
        for claim in ["iss", "aud", "sub", "sid", "email", "name", "iat", "exp"] {
            tokens.push((format!("no {claim}"), self.without_claim(claim)));
            let mistyped = self.claim(claim, json!([1]));
            tokens.push((format!("{claim} is a list"), mistyped));
        }
        for (claim, value) in [
            ("iss", json!("someone else")),
            ("aud", json!("someone else")),
            ("aud", json!("todo-server/refresh")),
            ("aud", json!(["todo-server"])),
            ("sub", json!("42")),
            ("sub", json!("00000000-0000-4000-8000-000000000000")),
            ("sid", json!("00000000-0000-4000-8000-000000000000")),
            ("exp", json!("99999999999")),
            ("exp", json!(99_999_999_999.5)),
            ("exp", json!(u64::MAX)),
            ("exp", json!(i64::MAX)),
            ("exp", json!(-1)),
            ("exp", json!(now())),
            ("exp", json!(now() - 600)),
            ("iat", json!("now")),
            ("nbf", json!(0)),
            ("admin", json!(true)),
        ] {
            tokens.push((format!("{claim} {value}"), self.claim(claim, value)));
        }
        tokens
    }

    /// Texts that were made of a token that counts.
    fn mangled(&self) -> Vec<(String, String)> {
        let token = &self.token;
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        let stranger = Self::sign(
            &self.header,
            &self.claims,
            b"a secret that nobody else has ever used",
            Algorithm::HS256,
        );
        [
            ("of another key", stranger),
            ("truncated", token[..token.len() - 1].to_owned()),
            ("half", token[..token.len() / 2].to_owned()),
            ("no signature", message.to_owned()),
            ("empty signature", format!("{message}.")),
            ("no claims", format!("{header}..{signature}")),
            ("a fourth part", format!("{token}.{claims}")),
            ("five parts", format!("{token}..")),
            ("padding", format!("{token}=")),
            ("padding inside", format!("{header}=.{claims}.{signature}")),
            ("a space inside", format!("{header}. {claims}.{signature}")),
            ("a tab before", format!("\t{token}")),
            ("quotes", format!("\"{token}\"")),
            ("twice", format!("{token} {token}")),
            ("a list", format!("{token}, {token}")),
            (
                "100 KB of a name",
                self.claim("name", json!("a".repeat(75_000))),
            ),
            ("100 KB of nothing", "A".repeat(100_000)),
            ("dots", "..".to_owned()),
        ]
        .map(|(name, token)| (name.to_owned(), token))
        .to_vec()
    }

    /// What a refresh token of the session would be.
    fn refresh_token(&self) -> String {
        let mut header = self.header.clone();
        header["typ"] = json!("rt+jwt");
        let claims = json!({
            "iss": "todo-server", "aud": "todo-server/refresh", "sid": self.claims["sid"],
            "gen": 0, "iat": self.claims["iat"], "exp": self.claims["exp"],
        });
        Self::signed(&header, &claims)
    }
}

#[rstest]
fn no_token_counts_but_those_that_are_as_they_were_issued(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("JWT_SECRET", SECRET)]) else {
        return;
    };
    let forger = Forger::new(&server.user("ada@example.com"));
    assert_eq!(forger.header["typ"], "at+jwt");
    // Made by hand in the right way, it counts: so what is refused below is refused for what is wrong with it.
    let good = Forger::signed(&forger.header, &forger.claims);
    assert_eq!(forger.show(&good).status, 200);
    assert_eq!(forger.show(&forger.claim("name", Value::Null)).status, 200);

    let mut tokens = forger.wrong_headers();
    tokens.extend(forger.wrong_claims());
    tokens.extend(forger.mangled());
    tokens.push(("a refresh token".to_owned(), forger.refresh_token()));
    let first = forger.refused("a word", "word");
    for (name, token) in tokens {
        assert_eq!(forger.refused(&name, &token), first, "{name}");
    }

    let ended = Forger::new(&server.user("grace@example.com"));
    ended.client.post("/api/auth/logout", &json!({}));
    assert_eq!(
        ended.refused("of a session that ended", &ended.token),
        first
    );
    let deleted = Forger::new(&server.user("edsger@example.com"));
    let database = server.database.as_ref().unwrap();
    database.execute("DELETE FROM users WHERE email = 'edsger@example.com'");
    let refused = deleted.refused("of a user who was deleted", &deleted.token);
    assert_eq!(refused, first);

    assert_eq!(forger.show(&good).status, 200, "it still does");
}
