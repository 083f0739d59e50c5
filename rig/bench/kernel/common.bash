# What the scripts of this folder share: messages, packages, the cache, and the guest's root directory. Sourced, never run.

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
me=$(basename -- "$0")

# Seconds in which a guest that is out of time may end by itself before it is killed.
GRACE=5

say() {
    printf '%s: %s\n' "$me" "$*" >&2
}

die() {
    say "$*"
    exit 1
}

# Debian's packages that are missing are installed, and that is said; whoever may not install is told the command.
need_packages() {
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || die "packages are missing; install them: sudo apt-get install --no-install-recommends ${missing[*]}"
    say "installing ${missing[*]}"
    apt_lists
    # A list that has grown old names files that the mirror no longer has: a second try, with a new one.
    apt_install "${missing[@]}" || { apt_update && apt_install "${missing[@]}"; } || die "apt-get could not install ${missing[*]}"
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" >&2
}

apt_update() {
    apt-get -q update >&2
}

# A new machine knows no package until it has fetched the lists.
apt_lists() {
    [ "$(apt_version gcc)" != '(none)' ] || apt_update || die 'apt-get update failed'
}

# The version that apt would install, `(none)` where it knows none.
apt_version() {
    local version
    version=$(LC_ALL=C apt-cache policy "$1" | sed -n 's/^ *Candidate: //p')
    printf '%s\n' "${version:-(none)}"
}

# Fetches packages, verified by apt but not installed, into the current directory and unpacks them there into `deb/`.
unpack_packages() {
    local deb
    # As root apt would hand the download to a user that may not write here.
    apt-get -q -o APT::Sandbox::User=root download "$@" >&2 || {
        apt_update
        apt-get -q -o APT::Sandbox::User=root download "$@" >&2
    }
    for deb in ./*.deb; do
        dpkg -x "$deb" deb
    done
    rm -- ./*.deb
}

# The folder of what is built here, outside the checkout: a new checkout finds it again.
cache_folder() {
    local cache=${PUMP_RIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pump-rig}
    mkdir -p -- "$cache"
    (cd -- "$cache" && pwd)
}

# The name of a build: all that it is made of. Arguments: files, then `--`, then texts.
build_hash() {
    local files=()
    while [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift
    { cat -- "${files[@]}" && printf '%s\n' "$@"; } | sha256sum | cut -c1-16
}

# Makes `$1` (a folder of the cache) with the function `$2`, called in an empty folder, unless it is there.
# The lock makes a second caller wait instead of building the same again; the rename makes a build be there whole or not at all.
build_once() {
    local folder=$1 build=$2 began=$SECONDS lock
    [ ! -d "$folder" ] || return 0
    exec {lock}>"$folder.lock"
    flock "$lock"
    if [ ! -d "$folder" ]; then
        say "building $folder"
        # What a killed build left; nobody else is in there, because of the lock.
        rm -rf -- "$folder.building"
        mkdir -p -- "$folder.building/work" "$folder.building/done"
        (cd -- "$folder.building/work" && "$build" ../done)
        mv -T -- "$folder.building/done" "$folder"
        rm -rf -- "$folder.building"
        say "built in $((SECONDS - began)) s"
    fi
    exec {lock}>&-
}

# A guest's interface, the same for every kernel. Sets `time_limit`, `memory` (its default is the caller's), `virtual_time`,
# `artefacts`, `shares` and the three arguments `kernel`, `programs` and `commands`.
parse_guest() {
    # Of the host's time. Long enough for every test here on a machine that is busy with something else.
    time_limit=300
    virtual_time=no
    artefacts=
    shares=()
    while [ $# -gt 0 ]; do
        case $1 in
        --time-limit | --memory | --artefacts | --share)
            [ $# -ge 2 ] || usage
            case $1 in
            --time-limit) time_limit=$2 ;;
            --memory) memory=$2 ;;
            --artefacts) artefacts=$2 ;;
            --share)
                [[ $2 == ?*:/?* ]] || die "--share is to be HOST:GUEST, with GUEST an absolute path, not \`$2\`"
                shares+=("$2")
                ;;
            esac
            shift 2
            ;;
        --virtual-time)
            virtual_time=yes
            shift
            ;;
        -*) usage ;;
        *) break ;;
        esac
    done
    [ $# -eq 3 ] || usage
    kernel=$(realpath -e -- "$1") || die "no kernel $1"
    programs=$(realpath -e -- "$2") || die "no folder of programs $2"
    commands=$3
    [[ $memory =~ ^[1-9][0-9]*[MG]$ ]] || die "memory is to be like 256M, not \`$memory\`"
    [[ $time_limit =~ ^[1-9][0-9]*$ ]] || die "time limit is to be whole seconds, not \`$time_limit\`"
    if [ -n "$artefacts" ]; then
        mkdir -p -- "$artefacts"
        artefacts=$(realpath -e -- "$artefacts")
    fi
    # Names go into a shell script and a mount option of the guest.
    local path
    for path in "$programs" "$artefacts" "${shares[@]}"; do
        [[ $path =~ ^[[:alnum:]/._:@+-]*$ ]] || die "\`$path\` has characters that the guest can't take: use letters, digits and /._@+-"
    done
}

# The script's own head.
usage() {
    sed -n '/^# usage/,/^set /s/^# //p' "$0" >&2
    exit 2
}

# The guest's root in `$1`: busybox, the first process, the commands.
make_root() {
    mkdir -p "$1/bin"
    cp -- /bin/busybox "$1/bin/busybox"
    ln -s busybox "$1/bin/sh"
    cp -- "$here/guest-init" "$1/init"
    printf '%s\n' "$commands" >"$1/commands"
}

# Runs a guest (`$@`, its console on standard output) until it ends, for `time_limit` at most. Sets `guest_status`.
# Each of the two programs is killed by the kernel when its parent dies, so that no guest outlives this script, however that ends.
run_guest() {
    setpriv --pdeathsig KILL timeout --kill-after="$GRACE" "$time_limit" setpriv --pdeathsig KILL "$@" </dev/null &
    guest=$!
    guest_status=0
    wait "$guest" || guest_status=$?
    guest=
}

# For a script that is stopped while its guest runs.
end_guest() {
    [ -n "${guest:-}" ] || return 0
    kill -KILL "$guest"
    wait "$guest" 2>/dev/null || true
}

# What a guest left in `$1`, its exit code, becomes this script's. 124: out of time, 125: it ended before its commands did.
exit_like_guest() {
    case $guest_status in
    124 | 137)
        say "the guest was ended: it had not finished in $time_limit s"
        exit 124
        ;;
    esac
    [ -s "$1" ] || {
        say "the guest ended without a result (status $guest_status)"
        exit 125
    }
    exit "$(cat "$1")"
}
