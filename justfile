# What continuous integration runs.
ci:
    bash .ci/run

# The report of this machine.
report *arguments:
    cargo run --release -- report {{arguments}}

# Every test.
test:
    cargo test --workspace

# Format and lint.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
