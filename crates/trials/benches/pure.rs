//! What a request takes besides the database: `cargo bench --package todo-trials`.

#![expect(clippy::unwrap_used, reason = "nothing here can fail")]

use std::sync::Arc;

use divan::{Bencher, black_box, counter::ItemsCount};
use todo_api_types::{
    cursor::{self, ListIdentity},
    fields::{Fields, text},
    json::parse_object,
    wire::TaskResponse,
};
use todo_domain::{
    AccessClaims, AccessToken, Description, DisplayName, Due, Email, NewTodo, Position, SortKey,
    SortValue, Tag, Tags, Timestamp, Title, Todo, TodoId, TodoOrder,
    ports::{AccessTokens as _, Clock, IdGenerator as _},
};
use todo_infra::{JwtTokens, KeyRing, RandomIds, SigningKey, SystemClock};

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// Tokens that `key` signs, and one of them.
fn tokens(key: SigningKey) -> (JwtTokens, AccessToken) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ring = KeyRing::configured(key, Vec::new(), Arc::clone(&clock));
    let tokens = JwtTokens::new(Arc::new(ring), clock);
    let claims = AccessClaims {
        user_id: RandomIds.user(),
        session_id: RandomIds.session(),
        email: Email::new("ada@example.com").unwrap(),
        name: Some(DisplayName::new("Ada Lovelace").unwrap()),
        issued_at: now(),
        expires_at: Timestamp::MAX,
    };
    let token = tokens.issue(&claims).unwrap();
    (tokens, token)
}

#[divan::bench]
fn check_of_a_token_hs256(bencher: Bencher<'_, '_>) {
    let (tokens, token) = tokens(SigningKey::hs256(&[7; 32]).unwrap());
    bencher.bench(|| tokens.verify(black_box(&token)).unwrap());
}

#[divan::bench]
fn check_of_a_token_eddsa(bencher: Bencher<'_, '_>) {
    let (tokens, token) = tokens(SigningKey::ed25519(&[7; 32]).unwrap());
    bencher.bench(|| tokens.verify(black_box(&token)).unwrap());
}

fn todo(number: usize) -> Todo {
    let new = NewTodo {
        description: Some(Description::new("Those on the balcony need more.").unwrap()),
        tags: Tags::new(vec![Tag::new("home").unwrap()]).unwrap(),
        due: Some("2026-12-24".parse::<Due>().unwrap()),
        ..NewTodo::titled(Title::new(&format!("Water the plants, {number}")).unwrap())
    };
    Todo::new(RandomIds.todo(), RandomIds.user(), new, now())
}

#[divan::bench]
fn json_of_20_tasks(bencher: Bencher<'_, '_>) {
    let todos: Vec<Todo> = (0..20).map(todo).collect();
    bencher.counter(ItemsCount::new(todos.len())).bench(|| {
        let tasks: Vec<_> = black_box(&todos).iter().map(TaskResponse::from).collect();
        serde_json::to_vec(&tasks).unwrap()
    });
}

#[divan::bench]
fn parsing_of_a_body() -> (Title, Description) {
    const JSON: &str = "application/json";
    let body = br#"{"title": "Water the plants", "description": "Those on the balcony first."}"#;
    let members = parse_object(black_box(body), Some(JSON), &[JSON]).unwrap();
    let read = |fields: &mut Fields| {
        let title = fields.required("title", text(Title::new));
        let description = fields.required("description", text(Description::new));
        Some((title?, description?))
    };
    Fields::read(members, read).unwrap()
}

fn list() -> ListIdentity {
    ListIdentity::of([("status".to_owned(), "pending".to_owned())])
}

fn position() -> Position {
    Position {
        value: SortValue::Instant(now()),
        id: RandomIds.todo(),
    }
}

#[divan::bench]
fn writing_of_a_cursor(bencher: Bencher<'_, '_>) {
    let position = position();
    bencher.bench(|| cursor::write(list(), black_box(&position)));
}

#[divan::bench]
fn reading_of_a_cursor(bencher: Bencher<'_, '_>) {
    let cursor = cursor::write(list(), &position());
    let order = TodoOrder {
        key: SortKey::CreatedAt,
        ..TodoOrder::default()
    };
    bencher.bench(|| cursor::read(black_box(&cursor), list(), order).unwrap());
}

#[divan::bench]
fn parsing_of_an_id() -> TodoId {
    black_box("0192f0c1-2345-7abc-8def-0123456789ab")
        .parse()
        .unwrap()
}

#[divan::bench]
fn parsing_of_a_due_date() -> Due {
    black_box("2026-12-05T09:30:00+01:00").parse().unwrap()
}

#[divan::bench]
fn writing_of_an_instant(bencher: Bencher<'_, '_>) {
    let instant = now();
    bencher.bench(|| black_box(instant).to_string());
}
