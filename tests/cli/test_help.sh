# Help texts as stored, suggestions for what is misspelt, exit status 2 for wrong usage.
. "$(dirname "$0")/lib.sh"

# With CNX_UPDATE_EXPECTED=1 the stored copies are replaced by what the program says now.
stored() { # NAME: what stands on standard output is tests/cli/expected/NAME.txt, but for the version
    sed -i '1s/^cnx [0-9][0-9.]*:/cnx VERSION:/' "$out"
    [ -z "${CNX_UPDATE_EXPECTED:-}" ] || cp "$out" "$here/expected/$1.txt"
    if diff -u "$here/expected/$1.txt" "$out" >diff.txt; then pass; else
        fail "help text '$1' has changed: $(head -n 20 diff.txt)"
    fi
}

expect 0 --help
stored cnx
expect 0 eval --help
stored eval
for kind in ade20k folder imagenet imagenet-s coco coco-o; do
    expect 0 eval $kind --help
    stored "eval-$kind"
done
expect 0 help
stored cnx
for command in segment classify detect info convert score compare check list flops bench; do
    expect 0 "$command" --help
    stored "$command"
    expect 0 help "$command"
    stored "$command"
    expect 0 "$command" -h
    stored "$command"
done
expect 0 --version
prints "$(sed -n 's/^#define CNX_VERSION *"\(.*\)"/\1/p' "$source/include/cnx.h")"

# Without anything to do: usage on standard error, nothing on standard output.
run
same "exit status without a command" 2 "$code"
silent
expect 2 segment
silent
says "input"
expect 2 convert
silent

expect 2 segmnet
says "segment"
expect 2 inof
says "info"
expect 2 help segmnet
says "segment"
expect 2 segment --overwite x.png -o o
says "--overwrite"
silent
expect 2 segment --treads 2 x.png -o o
says "--threads"
expect 2 segment --colour x.png -o o
expect 2 info --tensor
says "--tensors"
expect 2 convert --dtpye f16 a b
says "--dtype"
expect 2 segment -Z x.png -o o

# Values that do not fit name the flag.
for wrong in --threads=0 --threads=x --threads=-1 --threads=1e3 --threads= --scale=0x0 --scale=12 \
    --scale=axb --scale=2048x512x3 --scale=99999999999x1 --crop=16x16 --crop=512 --stride=0x1 \
    --mode=half --scales=0 --scales=1,,2 --scales=nan --scales=-1 --tta-rule=mmseg2 --save=labels \
    --save= --label-offset=-1 --label-offset=70000 --opacity=2 --opacity=nan --max-memory=-1 \
    --max-memory=lots --max-memory=99999999999T --exif=maybe --kernels=abacus --weights=int8 --json=1 --flip=no; do
    expect 2 segment "$nuclei/76c44d1addac.png" -o o "$wrong"
    refused "${wrong%%=*}"
done
expect 2 segment "$nuclei/76c44d1addac.png" -o
refused "out"
expect 2 segment "$nuclei/76c44d1addac.png"
refused "-o"
expect 2 convert --dtype f8 a b
refused "dtype"
# What contradicts itself.
expect 2 segment "$nuclei/76c44d1addac.png" -o o --mode whole --crop 64x64
refused "crop"
expect 2 segment "$nuclei/76c44d1addac.png" -o o --save logits --flip
refused "logits"
expect 2 segment "$nuclei/76c44d1addac.png" -o o --save logits --scales 1,2
refused "logits"
expect 2 segment "$nuclei/76c44d1addac.png" -o o --crop 64x64 --stride 65x64
refused "stride"
absent o
finish
