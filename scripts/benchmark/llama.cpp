#!/usr/bin/env bash
# Prints the folder of llama.cpp's programs, after building them for this processor where they are missing.
#
# The source is the one that the sdist of llama-cpp-python on PyPI carries. Needs cmake, ninja and a C++ compiler.
set -euo pipefail

version=0.3.36
targets=(llama-batched-bench llama-server)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/plumbline/bench"
source="$cache/llama_cpp_python-$version"
build="$source/build"
say() { printf '%s\n' "$*" >&2; }
die() { say "bench: $*"; exit 1; }

# The build uses every instruction of the processor, so another processor needs another build.
processor=$(sed -n 's/^flags[^:]*: //p; /^flags/q' /proc/cpuinfo 2> /dev/null | sha256sum | cut -c1-16)
if [ "$(cat "$build/built-for" 2> /dev/null)" != "$processor" ]; then
    command -v g++ > /dev/null || die "g++ is missing; install a C++ compiler (Debian: apt-get install build-essential)"
    if [ ! -d "$source" ]; then
        say "bench: fetching the source of llama.cpp (77 MB)"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
            --dest "$cache/sdist" "llama-cpp-python==$version" >&2 || die "pip cannot download llama-cpp-python $version; see above"
        tar -xzf "$cache/sdist/llama_cpp_python-$version.tar.gz" -C "$cache"
    fi
    say "bench: building llama.cpp in $build (10 to 30 minutes)"
    cmake -G Ninja -S "$source/vendor/llama.cpp" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
        -DGGML_NATIVE=ON -DGGML_CCACHE=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF \
        -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF >&2 || die "cmake cannot configure llama.cpp; see above"
    cmake --build "$build" --target "${targets[@]}" >&2 || die "llama.cpp cannot be built; see above"
    printf '%s\n' "$processor" > "$build/built-for"
fi
printf '%s\n' "$build/bin"
