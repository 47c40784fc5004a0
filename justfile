# List the recipes.
default:
    @just --list

# Serve, with what the environment configures.
run *arguments:
    cargo run --release -- {{ arguments }}

# Bring the database to the shape that is needed.
migrate:
    cargo run --release -- migrate

# Everything that CI checks.
check:
    CI=true .ci/run

# Check format, lints and unit tests. It needs cargo-nextest.
check-fast:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    cargo nextest run --workspace --lib

# Format the code.
fmt:
    cargo fmt --all

# Lint the code and its documentation.
lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

# Test on both databases.
test *arguments:
    cargo test --workspace {{ arguments }}

# Measure how fast the server is, and what it costs: `just bench --help`.
bench *arguments:
    cargo build --profile dist
    cargo run --profile dist --quiet --package todo-trials --bin bench -- {{ arguments }}

# Measure what a request takes besides the database, piece by piece.
bench-pure *arguments:
    cargo bench --package todo-trials --bench pure {{ arguments }}

# Try whether what is promised holds under one fault after another: `just trials --short` takes three minutes.
trials *arguments:
    cargo build --profile dist
    cargo run --profile dist --quiet --package todo-trials --bin trials -- {{ arguments }}

# Try what the OpenAPI document says, and what it forbids, on the real server.
schemathesis:
    .ci/schemathesis

# Write the OpenAPI document that is checked in.
openapi:
    cargo run --quiet -- openapi > crates/api/openapi.json

# Check licences, sources, and crates that are known to be bad.
deny:
    cargo deny check bans licenses sources
