# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
# shellcheck shell=bash disable=SC2034
# What tools/quickstart and tools/test share: the packages they need, and the build.

# The one list of packages, by what they are for.
PACKAGES_BUILD="g++ meson ninja-build pkgconf libdpdk-dev libfmt-dev libyaml-cpp-dev
  libboost-program-options-dev nlohmann-json3-dev libpcap-dev prometheus-cpp-dev libcivetweb-dev libgtest-dev libgmock-dev
  librapidcheck-dev libbenchmark-dev"
PACKAGES_LAB="python3 iproute2 nftables ethtool procps util-linux iputils-ping curl nginx iperf3
  bind9-dnsutils dnsmasq-base"
PACKAGES_TEST="python3-yaml python3-scapy tcpdump tshark nfdump libfixbuf-tools dpdk-dev clang
  clang-format-14 libclang-rt-14-dev llvm traceroute coturn prometheus tmux"
# matplotlib draws bench/run's pictures: the one plotting library Debian has that needs no display.
PACKAGES_BENCH="python3-matplotlib curl dpdk-dev iproute2 nftables procps util-linux"

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# need_packages NAME...: installs those that are missing. Services that come with a package are kept
# from starting, now and at the next boot.
need_packages() {
  local name missing=()
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "missing packages: ${missing[*]}; run this as root, or install them"
  say "installing ${missing[*]}"
  local guard=/usr/sbin/policy-rc.d guarded=
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 755 "$guard" && guarded=yes
  fi
  local status=0
  { apt_get update && apt_get install "${missing[@]}"; } || status=$?
  [ -z "$guarded" ] || rm -f "$guard"
  [ "$status" = 0 ] || die "apt-get could not install: ${missing[*]}"
  local service
  for service in nginx nfdump; do
    case " ${missing[*]} " in *" $service "*)
      ! command -v systemctl >/dev/null || systemctl disable --quiet "$service" 2>/dev/null || true ;;
    esac
  done
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
    --no-install-recommends -y "$@" >/dev/null
}

# configure FOLDER [MESON-OPTION...]: once.
configure() {
  local folder=$1
  shift
  [ -f "$folder/build.ninja" ] || meson setup "$folder" "$@" >/dev/null ||
    die "meson could not configure $folder; see $folder/meson-logs/meson-log.txt"
}

# build FOLDER [MESON-OPTION...]: configures the folder once and builds all of it.
build() {
  configure "$@" && ninja -C "$1"
}
