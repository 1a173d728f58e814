# What the scripts of the tests share: sourced by them, at the top folder of the project.

CARGO_AUDITABLE_VERSION=0.7.7

run() {
    printf '+ %s\n' "$*"
    "$@"
}

apt_install() {
    env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

# Sets EVENTYARD_BINARY to the release binary, unless it names one, and makes .venv.
compat_environment() {
    release_binary
    python_environment
}

# Builds the release binary as it is released: with the list of what it is made of in it. Does nothing where it is up to date.
build_release() {
    cargo_tool cargo-auditable "$CARGO_AUDITABLE_VERSION"
    PATH="$(dirname "$TOOL"):$PATH" run cargo auditable build --release --bin eventyard
}

# Sets EVENTYARD_BINARY to the release binary, unless it names one.
release_binary() {
    if [[ -z ${EVENTYARD_BINARY-} ]]; then
        build_release
        EVENTYARD_BINARY="$(target_folder)/release/eventyard"
        export EVENTYARD_BINARY
    fi
    printf '+ export EVENTYARD_BINARY=%s\n' "$EVENTYARD_BINARY"
}

# Sets TOOL to a program of a package on crates.io, of exactly that version: cargo_tool NAME VERSION [OPTION…]. Where it is not
# installed it is built, once for each user, without optimisation: that halves the build, and nothing waits for them.
cargo_tool() {
    local name=$1 version=$2 root
    shift 2
    root="${XDG_CACHE_HOME:-$HOME/.cache}/eventyard-ci/$name-$version"
    TOOL=$name
    [[ " $("$name" --version 2>/dev/null) " == *" $version "* ]] && return
    TOOL="$root/bin/$name"
    [[ -x $TOOL ]] && return
    # Not in the target folder of this project, which it has no part in.
    run env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
        cargo install "$name" --version "$version" --locked --debug --root "$root" "$@"
}

# Prints where cargo puts what it builds.
target_folder() {
    cargo metadata --format-version 1 --no-deps |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}

# Makes .venv hold exactly what tests/compat/requirements.txt asks for.
python_environment() {
    local requirements=tests/compat/requirements.txt
    if cmp --silent "$requirements" .venv/requirements.txt && .venv/bin/python -c '' 2>/dev/null; then
        return
    fi
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        if [[ $(id -u) != 0 ]]; then
            echo 'tests: python3 cannot make environments here; install the package python3-venv' >&2
            return 1
        fi
        run apt-get update
        run apt_install python3-venv
    fi
    run python3 -m venv --clear .venv
    run .venv/bin/pip install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" .venv/requirements.txt # the last step, so that an interrupted one is done again
}
