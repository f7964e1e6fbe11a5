# --weights: less memory, nearly the same labels, and what there is none of is refused.
. "$(dirname "$0")/lib.sh"
model=$data/models/mini_official.pth
plain=(-m "$model" "$data/images/wide.png" --scale none --mode whole --save label,logits)

expect 0 segment "${plain[@]}" -o default
expect 0 segment "${plain[@]}" -o f32 --weights f32
says "weights f32"
for file in wide.png wide_logits.npy; do identical "default/$file" "f32/$file"; done

# Processors without a product of our own have the plain C one.
kernels=auto
run segment "${plain[@]}" -o probe --weights f16
[ "$code" = 0 ] || kernels=ref
for weights in f16 bf16; do
    expect 0 segment "${plain[@]}" -o "$weights" --kernels $kernels --weights $weights
    says "weights $weights"
    if cmp -s "default/wide_logits.npy" "$weights/wide_logits.npy"; then
        fail "--weights $weights changed nothing"
    else pass; fi
    expect 0 segment "${plain[@]}" -o "$weights-1" --kernels $kernels --weights $weights --threads 1
    identical "$weights/wide_logits.npy" "$weights-1/wide_logits.npy"
done

# The plan knows.
weights_needed() { # TYPE: MiB of weights that a dry run tells, for the demo model
    expect 0 segment "$nuclei/76c44d1addac.png" --dry-run --kernels $kernels --weights "$1"
    needed=$(sed -n 's/.*(weights \([0-9.]*\) MiB.*/\1/p' "$out")
}
weights_needed f32
wide=$needed
weights_needed f16
if awk -v w="$wide" -v n="$needed" 'BEGIN { exit !(w > 0 && n > 0 && n < 0.6 * w) }'; then
    pass
else
    fail "weights take $needed MiB instead of $wide"
fi

expect 2 segment "${plain[@]}" -o no --weights f8
refused "--weights"
says "bf16"
expect 2 segment "${plain[@]}" -o no --weights f16 --kernels openblas
refused "openblas"
says "ref"
absent no
finish
