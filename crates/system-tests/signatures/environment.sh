#!/usr/bin/env bash
# Make the publisher's environment of the signature test, unless it is there, and print two folders: the one with `python` and
# `node`, and the one with the packages from npm.
#
# Everything is what requirements.txt and package-lock.json name, by hash, outside the checkout. Node.js comes from PyPI, too:
# Debian's npm brings 350 packages with it. PyPI and npm are needed once for each set.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
venv=$("$here/../conformance/venv.sh" "$here/requirements.txt")

packages=$venv/npm-$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c1-16)
# Written last: what was begun and not finished is made again.
finished=$packages/.finished

# Two tests that begin at once would make it twice.
exec 9>"$venv/npm.lock"
flock -w 300 9 || { echo "error: another command has held $venv/npm.lock for five minutes" >&2; exit 1; }
if [[ ! -f $finished ]]; then
    rm -rf "$packages"
    mkdir -p "$packages"
    cp "$here/package.json" "$here/package-lock.json" "$packages"
    # No script of a package runs.
    (cd "$packages" && PATH=$venv/bin:$PATH npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) \
        || { echo "error: npm could not install the packages of $here/package-lock.json. Is npm's registry away?" >&2; exit 1; }
    touch "$finished"
fi
printf '%s\n%s\n' "$venv/bin" "$packages"
