#!/bin/sh
# Make a real Python 3.9 in a folder: Debian 11's packages for amd64, unpacked there and nowhere else.
#
#     tests/support/python39.sh FOLDER      afterwards FOLDER/bin/python3.9 runs
#
# The machine's own apt is asked for its mirror and not changed: sources, lists, cache and status are private. The
# interpreter finds its libraries by its own run path, so that it needs no environment and works as `sys.executable`
# of a child whose environment was scrubbed. Needs apt, dpkg and a `patchelf` on the PATH; no root.
set -eu

folder=${1:?usage: python39.sh FOLDER}
packages="python3.9 python3.9-minimal libpython3.9-minimal libpython3.9-stdlib python3-distutils python3-lib2to3
    libssl1.1 libffi7 libmpdec3 libsqlite3-0 libexpat1 zlib1g libbz2-1.0 liblzma5 libuuid1 libreadline8 libtinfo6"

. /etc/os-release
if [ "$ID" != debian ]; then
    echo "python39.sh: this is $ID, not Debian; name a Python 3.8 or 3.9 in FARM_TEST_PYTHON39" >&2
    exit 1
fi

# The mirror of this release, from the one-line and from the stanza form of apt's configuration.
mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n "s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) $VERSION_CODENAME .*/\2/p"
    for stanzas in /etc/apt/sources.list.d/*.sources; do
        [ -f "$stanzas" ] || continue
        grep -v '^#' "$stanzas" | awk -v RS= -v suite="$VERSION_CODENAME" '
            { uri = ""; fits = 0; lines = split($0, line, "\n")
              for (i = 1; i <= lines; i++) {
                  words = split(line[i], word, " ")
                  if (word[1] == "URIs:") uri = word[2]
                  if (word[1] == "Suites:") for (j = 2; j <= words; j++) if (word[j] == suite) fits = 1
              }
              if (fits) print uri }'
    done
}

uri=$(mirror | head -n 1)
if [ -z "$uri" ]; then
    echo "python39.sh: found no mirror for $VERSION_CODENAME in the configuration of apt" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
: >"$work/status"
echo "deb [arch=amd64] $uri bullseye main" >"$work/sources"

private_apt() {
    apt-get -q -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User="$(id -un)" \
        -o Dir::Etc::sourcelist="$work/sources" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status="$work/status" "$@"
}

private_apt update >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
# shellcheck disable=SC2086  # the list is meant to be split
(cd "$work/debs" && private_apt download $packages) >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
for package in "$work"/debs/*.deb; do
    dpkg -x "$package" "$work/root"
done

# A run path of the old kind (DT_RPATH) also serves the libraries that extension modules ask for.
patchelf --force-rpath --set-rpath '$ORIGIN/../lib/x86_64-linux-gnu:$ORIGIN/../../lib/x86_64-linux-gnu' \
    "$work/root/usr/bin/python3.9"
mkdir -p "$work/root/bin"
ln -s ../usr/bin/python3.9 "$work/root/bin/python3.9"
"$work/root/bin/python3.9" -I -c 'import bz2, ctypes, decimal, lzma, sqlite3, ssl, uuid, zlib'
mkdir -p "$(dirname "$folder")"
mv -T "$work/root" "$folder"
