# `cnx convert`: the same bits at f32, close ones below; needs no config afterwards; every container
# and dialect of the same weights converts to the same file.
. "$(dirname "$0")/lib.sh"
picture=$data/images/wide.png
model=$data/models/mini_official.pth

logits() { # MODEL DIR FLAGS...
    expect 0 segment -m "$1" "$picture" -o "$2" --save label,logits "${@:3}"
}

whole=(--scale none --mode whole)
logits "$model" source "${whole[@]}"
expect 0 convert "$model" f32.safetensors
silent
logits f32.safetensors f32 "${whole[@]}"
identical source/wide_logits.npy f32/wide_logits.npy
identical source/wide.png f32/wide.png
[ "$(stat -c %s f32.safetensors)" -lt "$(stat -c %s "$model")" ] ||
    fail "the converted file is not smaller: it holds what is not needed"
# Converted once more it is the same file; the default type is f32.
expect 0 convert f32.safetensors again.safetensors --dtype f32
expect 0 convert again.safetensors third.safetensors
identical again.safetensors third.safetensors
logits again.safetensors again "${whole[@]}"
identical source/wide_logits.npy again/wide_logits.npy

# Narrower: half the size, close in value.
for dtype in f16 bf16; do
    expect 0 convert "$model" $dtype.safetensors --dtype $dtype
    [ "$(stat -c %s $dtype.safetensors)" -lt $(($(stat -c %s f32.safetensors) * 7 / 10)) ] ||
        fail "$dtype is not smaller than f32"
    logits $dtype.safetensors $dtype "${whole[@]}"
    case $dtype in f16) tolerance=0.05 ;; bf16) tolerance=0.4 ;; esac
    tool check_npy near $dtype/wide_logits.npy source/wide_logits.npy $tolerance 0.01
    if cmp -s $dtype/wide_logits.npy source/wide_logits.npy; then
        fail "$dtype gives the bits of f32: nothing was narrowed"
    fi
    # Narrowing what is narrow already changes nothing.
    expect 0 convert $dtype.safetensors $dtype-again.safetensors --dtype $dtype
    logits $dtype-again.safetensors $dtype-again "${whole[@]}"
    identical $dtype/wide_logits.npy $dtype-again/wide_logits.npy
done

# Every file that holds these weights.
tree=$data
[ -z "$shared" ] || tree=$shared/fixtures/seg
for file in "$tree"/models/mini*; do
    holds=$("$tools/check_json" file "$tree/manifest.json" "models/$(basename "$file")" model \
        2>/dev/null) || continue
    [ "$holds" = mini ] || continue
    expect 0 convert "$file" other.safetensors --overwrite
    logits other.safetensors "from-$(basename "$file")" "${whole[@]}"
    identical source/wide_logits.npy "from-$(basename "$file")/wide_logits.npy"
done

# Description, classes and pipeline travel along: no flag is needed, and info tells the same.
expect 0 convert "$model" set.safetensors --set 'pipeline.scale=[200,100]' \
    --set 'pipeline.mode="slide"' --set 'pipeline.crop=[64,64]' --set 'pipeline.stride=[40,40]' \
    --set 'classes=["a","b","c","d","e"]'
logits set.safetensors inside
logits "$model" flags --scale 200x100 --crop 64x64 --stride 40x40
identical inside/wide_logits.npy flags/wide_logits.npy
expect 0 info set.safetensors
for word in '200' '64' '40'; do prints "$word"; done
# A tensor that is no part of the model is left behind, not in silence.
bytes=$(od -An -tu8 -N8 set.safetensors | tr -d ' ')
data=$(($(stat -c %s set.safetensors) - 8 - bytes))
tail -c +9 set.safetensors | head -c "$bytes" >header
printf '{"ema_head.weight":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]},%s' \
    "$data" $((data + 4)) "$(tail -c +2 header)" >longer
length=$(stat -c %s longer)
{
    for shift in 0 8 16 24 32 40 48 56; do
        printf "\\$(printf %03o $((length >> shift & 255)))"
    done
    cat longer
    tail -c "$data" set.safetensors
    printf '\0\0\0\0'
} >extra.safetensors
expect 0 convert extra.safetensors without.safetensors
says warning
says ema_head.weight
identical set.safetensors without.safetensors
expect 0 segment -m extra.safetensors "$picture" -o extra --dry-run
says ema_head.weight
expect 0 convert set.safetensors clean.safetensors
if grep -q warning "$err"; then fail "a warning about a file without extra tensors"; else pass; fi

# The file of the model that is inside the program, with its description: the same results.
expect 0 convert "$source/models/nuclei_upernet_convnext_atto.pth" nuclei.safetensors \
    --config nuclei_upernet_convnext_atto
expect 0 segment -m nuclei.safetensors "$nuclei/76c44d1addac.png" -o nuclei --save logits
expect 0 segment "$nuclei/76c44d1addac.png" -o embedded --save logits
identical nuclei/76c44d1addac_logits.npy embedded/76c44d1addac_logits.npy

# Refusals.
echo mine >there.safetensors
expect 1 convert "$model" there.safetensors
refused there.safetensors overwrite
same "the old file" mine "$(cat there.safetensors)"
cp "$model" self.pth
cp self.pth copy.pth
run convert self.pth self.pth --overwrite
refused self.pth
identical self.pth copy.pth
expect 1 convert missing.pth x.safetensors
refused missing.pth
expect 1 convert "$model" nowhere/x.safetensors
refused nowhere
expect 2 convert "$model"
expect 2 convert "$model" a b
absent x.safetensors nowhere a b
finish
