#!/bin/sh
# Builds instate as one static program and installs it for the whole server.
#
# Every repository's hooks run this one file, so it must start where nothing
# else can be relied on (hence static), and it must never be missing or half
# written while somebody pushes (hence: copied beside, tried, then renamed).
set -eu

usage() {
    cat <<'END'
Usage: ./install.sh [--uninstall]

Builds instate and installs it as $DESTDIR$PREFIX/bin/instate.

Options:
  --uninstall  remove the program again. First run
               `instate install --uninstall REPO` for every repository that
               has its hooks: they refuse every push without the program
  --help       show this text

Environment:
  PREFIX            where to install (default: /usr/local)
  DESTDIR           put before PREFIX, for building packages (default: empty)
  CARGO_TARGET_DIR  where to build (default: target, beside this script)
END
}

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

absolute() {
    case $1 in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s/%s\n' "$(pwd)" "$1" ;;
    esac
}

uninstall=false
for argument in "$@"; do
    case $argument in
        --uninstall) uninstall=true ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done

prefix=${PREFIX:-/usr/local}
case $prefix in
    /*) ;;
    *) fail "PREFIX must be an absolute path, not \`$prefix\`." ;;
esac
# Relative folders are the caller's: settle them before leaving its folder.
destdir=${DESTDIR:+$(absolute "$DESTDIR")}
target=${CARGO_TARGET_DIR:+$(absolute "$CARGO_TARGET_DIR")}
bin=$destdir${prefix%/}/bin
program=$bin/instate

# The nearest folder that exists decides, so that nobody waits for a build
# whose result could not be put in place.
folder=$bin
while [ ! -e "$folder" ]; do
    parent=${folder%/*}
    folder=${parent:-/}
done
[ -d "$folder" ] || fail "cannot install to $bin: $folder is not a folder."
[ -w "$folder" ] || fail "cannot write to $folder." \
    "Run this as root, keeping your Rust toolchain in reach:" \
    "    sudo env \"PATH=\$PATH\" \"HOME=\$HOME\" ./install.sh" \
    "or choose another place: PREFIX=/somewhere ./install.sh"

if $uninstall; then
    if [ ! -e "$program" ]; then
        echo "There is no $program; nothing was removed."
        exit 0
    fi
    rm -f "$program"
    echo "Removed $program and nothing else. A repository that still has"
    echo "instate's hooks now refuses every push: install the program again and run"
    echo "\`instate install --uninstall REPO\` there before removing it for good."
    exit 0
fi

# rustup's own folder is often missing from root's and from services' PATH.
PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
for tool in cargo rustc; do
    command -v "$tool" >/dev/null || fail "$tool was not found." \
        "Install Rust (https://rustup.rs), or add its folder to PATH."
done

cd "$(dirname "$0")"
target=${target:-$(pwd)/target}/static
host=$(rustc -vV | sed -n 's/^host: //p')
[ -n "$host" ] || fail "\`rustc -vV\` did not name this machine's target."

# The target is named although it is the host's: otherwise the flags below
# would also apply to procedural macros, which cannot be static. A folder of
# its own keeps this build and the ordinary one from undoing each other.
RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-C target-feature=+crt-static" \
    cargo build --release --locked --bin instate --target "$host" --target-dir "$target" ||
    fail "the build failed; nothing was installed." \
        "A linker that cannot find libc wants the static C library, which some" \
        "systems keep in a package of its own (Fedora: dnf install glibc-static)."

umask 022
mkdir -p "$bin"
new=$bin/.instate.new.$$
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM
cp "$target/$host/release/instate" "$new"
chmod 0755 "$new"
version=$("$new" --version) ||
    fail "the program that was built does not run here; $program was left as it was."
mv -f "$new" "$program"

echo "Installed $version as $program."
echo "Next, for each repository: instate install /srv/git/REPO.git"
