# OpenBLAS is loaded when its kernels are asked for, told which CPU this is, and may be missing.
. "$(dirname "$0")/lib.sh"
unset OPENBLAS_CORETYPE
if ldd "$cnx" | grep -q libopenblas; then
    skip "linked OpenCV has brought OpenBLAS"
fi
expect 0 info --cpu
grep -q 'OpenBLAS core: ' "$out" || skip "no OpenBLAS here"
if grep -q 'CPU: .*AVX-512' "$out"; then
    prints "OpenBLAS core: SkylakeX (set by cnx)"
elif grep -q 'CPU: .*AVX2' "$out"; then
    prints "OpenBLAS core: Haswell (set by cnx)"
fi
if [ "$(uname -m)" = x86_64 ]; then
    # What the user says counts, and what it costs is said.
    export OPENBLAS_CORETYPE=Nehalem
    expect 0 info --cpu
    prints "OpenBLAS core: Nehalem (set by OPENBLAS_CORETYPE"
    unset OPENBLAS_CORETYPE
fi

# Another library of that name stands for one that is missing or broken.
mkdir broken
cp "$(ldd "$cnx" | awk '$1 == "libz.so.1" { print $3 }')" broken/libopenblas.so.0
export LD_LIBRARY_PATH=$work/broken
plain=(-m "$data/models/mini_official.pth" --scale none --mode whole "$data/images/tiny.png")
expect 1 segment "${plain[@]}" -o none --kernels openblas
refused "kernels openblas" "libopenblas.so.0"
absent none
expect 0 info --cpu
prints "OpenBLAS cannot be loaded"
# OpenCV may need the true one for itself, so no picture is decoded here.
expect 0 segment "${plain[@]}" -o auto --dry-run
finish
