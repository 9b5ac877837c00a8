#!/bin/sh
# Builds instate as one static program and installs it for the whole server.
#
# Every repository's hooks run this one file, so it must start where nothing
# else can be relied on (hence static), and it must never be missing or half
# written while somebody pushes (hence: copied beside, tried, then renamed).
set -eu

usage() {
    cat <<'END'
Usage: ./install.sh [--with-timer USER FOLDER] [--with-manual]
       ./install.sh --uninstall

Builds instate and installs it as $DESTDIR$PREFIX/bin/instate.

Options:
  --with-timer USER FOLDER
               also have systemd run `instate resume --all FOLDER` as USER (who
               owns the repositories below FOLDER) after every start of the
               machine and every five minutes: it ends deployments that
               something cut off
  --with-manual
               also install manual pages, and what bash, zsh and fish need to
               complete the command
  --uninstall  remove all of it again. First run
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

uninstall=false with_timer=false with_manual=false
user='' repositories=''
while [ $# -gt 0 ]; do
    case $1 in
        --uninstall) uninstall=true ;;
        --with-timer)
            [ $# -ge 3 ] || { usage >&2; exit 2; }
            with_timer=true user=$2 repositories=$3
            shift 2
            ;;
        --with-manual) with_manual=true ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
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

# Below DESTDIR a package is made, and whoever installs that starts it.
units=$destdir/etc/systemd/system
service=$units/instate-resume.service
timer=$units/instate-resume.timer
share=$destdir${prefix%/}/share
man=$share/man/man1
bash=$share/bash-completion/completions/instate
zsh=$share/zsh/site-functions/_instate
fish=$share/fish/vendor_completions.d/instate.fish
systemd() {
    [ -n "$destdir" ] || [ ! -d /run/systemd/system ] || systemctl "$@"
}

if $uninstall; then
    if [ -e "$timer" ] || [ -e "$service" ]; then
        systemd disable --now instate-resume.timer
        rm -f "$timer" "$service"
        systemd daemon-reload
        echo "Removed the timer that runs instate resume."
    fi
    # No other program has pages by these names.
    rm -f "$man/instate.1" "$man"/instate-*.1 "$bash" "$zsh" "$fish"
    if [ ! -e "$program" ]; then
        echo "There is no $program; nothing was removed."
        exit 0
    fi
    rm -f "$program"
    echo "Removed $program and what came with it. A repository that still has"
    echo "instate's hooks now refuses every push: install the program again and run"
    echo "\`instate install --uninstall REPO\` there before removing it for good."
    exit 0
fi

if $with_timer; then
    [ -n "$destdir" ] || [ -d /run/systemd/system ] ||
        fail "systemd does not run here, so it cannot run a timer." \
            "Leave --with-timer out, and have \`instate resume --all FOLDER\` run at every start."
    # What a unit gives a meaning of its own has no place in these.
    case $user in
        '' | *[!A-Za-z0-9._-]*) fail "\`$user\` cannot be the name of a user in a unit." ;;
    esac
    case $repositories in
        *[!A-Za-z0-9/._-]*) fail "\`$repositories\` cannot be the name of a folder in a unit." \
            "It may have letters, digits, and / . _ -" ;;
        /*) ;;
        *) fail "the folder of the repositories must be an absolute path, not \`$repositories\`." ;;
    esac
    if [ -z "$destdir" ]; then
        id -u "$user" >/dev/null 2>&1 || fail "there is no user \`$user\`."
        [ -d "$repositories" ] || fail "there is no folder $repositories."
    fi
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

if $with_manual; then
    mkdir -p "$man" "${bash%/*}" "${zsh%/*}" "${fish%/*}"
    # Pages of commands that are no more.
    rm -f "$man"/instate-*.1
    "$program" man --to "$man" >/dev/null
    "$program" completions bash >"$bash"
    "$program" completions zsh >"$zsh"
    "$program" completions fish >"$fish"
    echo "Installed manual pages (man instate), and completions for bash, zsh and fish."
fi

if $with_timer; then
    mkdir -p "$units"
    cat > "$service" <<END
[Unit]
Description=End deployments of instate that something cut off
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=$user
ExecStart=${prefix%/}/bin/instate resume --all $repositories
# A worker that has recorded its outcome and tidies up ends by itself.
KillMode=process
# It writes to the repositories and to the folders that environments run in,
# wherever they are, and may have to run what a kubeconfig names.
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
END
    cat > "$timer" <<END
[Unit]
Description=Look for deployments of instate that something cut off

[Timer]
OnBootSec=1min
OnUnitActiveSec=5min

[Install]
WantedBy=timers.target
END
    systemd daemon-reload
    systemd enable --now instate-resume.timer
    echo "Installed $timer, which runs instate resume for the"
    echo "repositories below $repositories as $user."
fi
echo "Next, for each repository: instate install /srv/git/REPO.git"
