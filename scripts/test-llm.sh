#!/usr/bin/env bash
# Runs the tests against a real model server: llama.cpp's, with a tiny model of
# random weights that the tests write themselves. The server is, in this order,
# the one that VEDETTE_LLAMA_SERVER names, the one on the PATH, or Debian's
# packages, unpacked into a cache directory. Nothing is installed and no root is
# needed. Where it cannot be had, this says NOT RUN and why, and ends with 0
# (with 1 if VEDETTE_LLM_REQUIRED is set).
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${VEDETTE_LLM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/vedette/llm}
mirror=${VEDETTE_DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(llama.cpp-tools libllama0 libggml0 libc6 libstdc++6 libgcc-s1 libgomp1 libssl3t64 zlib1g libzstd1)

not_run() {
  echo "NOT RUN: tests against a real model server: $*"
  [ -z "${VEDETTE_LLM_REQUIRED:-}" ] || exit 1
  exit 0
}

# backend picks the variant of the library by what the processor can.
backend() {
  local flags
  flags=" $(grep -m1 '^flags' /proc/cpuinfo) "
  case $flags in
    *" avx2 "*) case $flags in *" fma "*) echo haswell; return ;; esac ;;
  esac
  case $flags in
    *" sse4_2 "*) echo sse42 ;;
    *) echo x64 ;;
  esac
}

# fetch unpacks Debian's packages into the cache and writes a program that
# starts the server with the libraries that came with it. Packages are verified
# by Debian's own keyring.
fetch() {
  local need dir o lib d
  for need in apt-get dpkg timeout; do
    command -v $need >/dev/null || not_run "there is no $need here, so Debian's packages cannot be had; name a llama-server with VEDETTE_LLAMA_SERVER"
  done
  [ "$(dpkg --print-architecture)" = amd64 ] || not_run "packages are taken for amd64 only; name a llama-server with VEDETTE_LLAMA_SERVER"
  [ -f $keyring ] || not_run "there is no $keyring, so the packages could not be verified"
  dir=$cache/new.$$
  trap 'rm -rf "$cache"/new.$$' EXIT
  mkdir -p "$dir"/{parts,lists/partial,apt/archives/partial,debs,root}
  printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n' "$mirror" $keyring >"$dir/parts/sid.sources"
  o=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$dir/parts" -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/apt"
    -o "APT::Sandbox::User=$(id -un)" -o APT::Update::Error-Mode=any -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=8
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false)
  echo "getting llama-server from $mirror (sid), some 25 MB, into $cache"
  timeout 40 apt-get "${o[@]}" update >"$dir/log" 2>&1 || not_run "$mirror cannot be reached: $(tail -1 "$dir/log")"
  (cd "$dir/debs" && timeout 40 apt-get "${o[@]}" download "${packages[@]}") >"$dir/log" 2>&1 || not_run "the packages cannot be had: $(tail -1 "$dir/log")"
  for d in "$dir"/debs/*.deb; do dpkg -x "$d" "$dir/root"; done
  rm -rf "$cache/root"
  mv "$dir/root" "$cache/root"
  lib=$cache/root/usr/lib/x86_64-linux-gnu
  cat >"$cache/llama-server.new" <<EOF
#!/bin/sh
GGML_BACKEND_PATH='$lib/ggml/backends0/libggml-cpu-$(backend).so' exec '$lib/ld-linux-x86-64.so.2' --library-path '$lib:$lib/llama' '$cache/root/usr/bin/llama-server' "\$@"
EOF
  chmod +x "$cache/llama-server.new"
  mv "$cache/llama-server.new" "$cache/llama-server"
}

server=${VEDETTE_LLAMA_SERVER:-}
if [ -z "$server" ]; then server=$(command -v llama-server || true); fi
if [ -z "$server" ]; then
  server=$cache/llama-server
  if ! "$server" --version >/dev/null 2>&1; then
    mkdir -p "$cache" 2>/dev/null || not_run "$cache cannot be made"
    fetch
  fi
fi
"$server" --version >/dev/null 2>&1 || not_run "$server does not start here: $("$server" --version 2>&1 | tail -1)"
echo "model server: $server ($("$server" --version 2>&1 | sed -n 's/^version: //p' | head -1))"
VEDETTE_LLAMA_SERVER=$server timeout 240 "${GO:-go}" test -count=1 -timeout 120s -run Llama "$@" ./internal/model/dial ./internal/cli
