# Sound checkpoints, cut at many lengths and with bits flipped: refused, or (where the damage touches
# nothing that is needed) the same result; never a crash, a hang or a wrong result.
. "$(dirname "$0")/lib.sh"
seconds=10
picture=$data/images/tiny.png
[ -n "$sanitized" ] || ulimit -v 3000000

segment() { run segment -m "$1" --scale none --mode whole "$picture" -o "$2" --overwrite; }

cut_at() { # FILE LENGTH
    head -c "$2" "$1" >cut.bin
    segment cut.bin cut
    refused cut.bin
    same "exit status at length $2 of $(basename "$1")" 1 "$code"
    absent cut/tiny.png
}

flip() { # FILE OFFSET MASK: bit MASK of one byte
    local byte
    cp "$1" flipped.bin
    chmod u+w flipped.bin
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # the byte is the format
    printf "\\x$(printf %02x $((byte ^ $3)))" |
        dd of=flipped.bin bs=1 seek="$2" conv=notrunc status=none
}

expect 0 convert "$data/models/mini_official.pth" sound.safetensors
for model in "$data/models/mini_official.pth" "$data/models/mini_legacy.pth" sound.safetensors; do
    size=$(stat -c %s "$model")
    for length in 0 1 2 4 7 8 9 16 64 100 1000 $((size / 7)) $((size / 3)) $((size / 2)) \
        $((size * 3 / 4)) $((size * 9 / 10)) $((size - 1000)) $((size - 100)) $((size - 23)) \
        $((size - 22)) $((size - 9)) $((size - 2)) $((size - 1)); do
        cut_at "$model" "$length"
    done
    cp "$model" longer.bin
    chmod u+w longer.bin
    head -c 100 /dev/zero >>longer.bin
    segment longer.bin longer
    [ "$code" = 0 ] || refused longer.bin
done

# A zip member's checksum finds every flipped bit of a weight that is needed.
expect 0 segment -m "$data/models/mini_official.pth" --scale none --mode whole "$picture" \
    -o reference
model=$data/models/mini_official.pth size=$(stat -c %s "$data/models/mini_official.pth")
for ((i = 0; i < 12; i++)); do
    flip "$model" $((i * 977 * 5 % size)) $((1 << i % 8))
    segment flipped.bin flipped
    if [ "$code" = 0 ]; then identical flipped/tiny.png reference/tiny.png; else
        refused flipped.bin
    fi
    rm -rf flipped
done
# The head of a safetensors file and of a pickle.
for model in sound.safetensors "$data/models/mini_legacy.pth"; do
    for ((i = 0; i < 12; i++)); do
        flip "$model" $((i * 61)) $((1 << i % 8))
        segment flipped.bin flipped
        [ "$code" = 0 ] || refused flipped.bin
        rm -rf flipped
    done
done

# A weight that is no number: refused by the tensor's name.
for bits in '\x00\x00\xc0\x7f' '\x00\x00\x80\x7f'; do
    cp sound.safetensors nan.safetensors
    # shellcheck disable=SC2059
    printf "$bits" | dd of=nan.safetensors bs=1 seek=$(($(stat -c %s sound.safetensors) - 4)) \
        conv=notrunc status=none
    segment nan.safetensors nan
    same "exit status with a weight that is not finite" 1 "$code"
    refused nan.safetensors "_"
    expect 1 convert nan.safetensors nan2.safetensors
    refused
    absent nan/tiny.png nan2.safetensors
done

# Paths that are no model files at all.
mkdir folder
mkfifo pipe
for path in missing.pth folder pipe /dev/null /dev/zero "$picture"; do
    segment "$path" none
    same "exit status for $path" 1 "$code"
    refused "$(basename "$path")"
done
if [ "$(id -u)" != 0 ]; then
    cp sound.safetensors secret.safetensors
    chmod 0 secret.safetensors
    segment secret.safetensors none
    refused secret.safetensors
fi
finish
