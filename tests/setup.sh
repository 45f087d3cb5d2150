#!/bin/sh
# Install the real programs that the tests run, where that is allowed; where it is not, tests say what is missing.
set -eu
packages="gunicorn unicorn ruby ruby-dotenv ruby-foreman bundler daemontools runit s6 gcc libc6-dev musl-tools systemd strace podman runc monit tmux openssh-server openssh-client"
packages="$packages dbus libpam-systemd sudo tcsh fish zsh busybox clustershell"
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, and not allowed to install:$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 || {
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
}
