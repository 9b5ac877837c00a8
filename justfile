# What a newcomer may run.

# List the recipes
default:
    @just --list

# See it work: one push refused, one deployed, one reverted
demo:
    cargo run --locked -- demo

# Run the tests, or those whose name holds NAME
test *NAME:
    tests/run {{ NAME }}

# Run a Kubernetes cluster to try things on, until Ctrl-C (needs Go)
cluster:
    CARGO_TARGET_DIR=target tests/cluster/build
    rm -rf target/cluster/dev
    @echo "export KUBECONFIG=$PWD/target/cluster/dev/kubeconfig PATH=$PWD/target/cluster/bin:\$PATH"
    target/cluster/bin/cluster up target/cluster/dev --remove

# Time deploying beside kubectl, and checking beside kubeconform, for docs/performance.md (needs Go)
bench:
    cargo bench --locked --bench cluster --bench check

# Compile the schemas of Kubernetes anew, or of one more minor: a line in schemas/main.go (needs Go)
schemas:
    cd schemas && go run .

# Throw broken input at all that reads what others wrote, for some MINUTES each, or at what is NAMED: `reading`
fuzz MINUTES="10" *NAMES:
    cargo bench --locked --bench fuzz -- {{ MINUTES }} {{ NAMES }}

# Let everything die at every place, or at what is NAMED, as a failed test prints it: `cluster:planned` (15 minutes for all)
crashes NAMED="all":
    INSTATE_CRASHES='{{ NAMED }}' tests/run --test promises crashes::matrix -- --nocapture

# Let eight push for some MINUTES while the API server and clients die
chaos MINUTES="5":
    INSTATE_CHAOS={{ MINUTES }}m tests/run --test promises kubernetes::chaos -- --nocapture

# Review changed snapshots of what a terminal shows (needs cargo-insta)
snapshots:
    cargo insta review

# Check format, lints and dependencies
lint:
    .ci/run fmt clippy deny

# Build the static program and install it (PREFIX, DESTDIR)
install *OPTIONS:
    ./install.sh {{ OPTIONS }}
