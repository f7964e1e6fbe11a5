# The golden cases through the program: labels, logits and probabilities, with the case's pipeline as
# flags, with one and with two threads.
. "$(dirname "$0")/lib.sh"

# pair FILE KEY...: two numbers of a list, joined by x; nothing when the path leads nowhere.
pair() {
    local a b
    a=$("$tools/check_json" file "$@" 0 2>/dev/null) && b=$("$tools/check_json" file "$@" 1) &&
        echo "${a}x$b"
}

value() { "$tools/check_json" file "$@" 2>/dev/null; }

# The case's pipeline as flags, in $flags.
flags_of() {
    local json=$1 ratios
    flags=(--mode "$(value "$json" pipeline mode)" --scale none)
    if scale=$(pair "$json" pipeline scale); then flags+=(--scale "$scale"); fi
    if crop=$(pair "$json" pipeline crop); then flags+=(--crop "$crop"); fi
    if stride=$(pair "$json" pipeline stride); then flags+=(--stride "$stride"); fi
    if ratios=$(value "$json" pipeline tta ratios); then
        ratios=${ratios#[}
        flags+=(--scales "${ratios%]}" --tta-rule "$(value "$json" pipeline tta style)")
        [ "$(value "$json" pipeline tta flip)" != true ] || flags+=(--flip)
    fi
}

volume() { # TREE CASE KIND FILE: compares with the golden one, where there is one
    local golden=cases/$2/$3.npy
    [ -e "$1/$golden" ] || return 0
    tool check_npy near "$4" "$1/$golden" "$(value "$1/manifest.json" "$golden" atol)" \
        "$(value "$1/manifest.json" "$golden" rtol)"
}

golden_case() {
    local tree=$1 name=$2 dir=$1/cases/$2 picture stem kinds=label,prob threads
    picture=$dir/$(value "$dir/case.json" image)
    stem=$(basename "$picture" .png)
    flags_of "$dir/case.json"
    [ ! -e "$dir/logits.npy" ] || kinds=$kinds,logits
    for threads in 1 2; do
        expect 0 segment -m "$tree/$(value "$dir/case.json" checkpoint)" "$picture" \
            -o "$name-$threads" "${flags[@]}" --save $kinds --threads $threads
    done
    tool check_png same "$name-1/$stem.png" "$dir/labels.png" "$dir/ties.png"
    volume "$tree" "$name" logits "$name-1/${stem}_logits.npy"
    volume "$tree" "$name" probabilities "$name-1/${stem}_prob.npy"
    for file in "$name-1"/*; do identical "$file" "$name-2/${file##*/}"; done
    rm -rf "$name-1" "$name-2"
}

cases=0
# A sanitized program is slow: what the library's own tests run there is enough.
[ -z "$sanitized" ] || shared=
for tree in "$data" ${shared:+"$shared/fixtures/seg"}; do
    for dir in "$tree"/cases/*/; do
        name=$(basename "$dir")
        case $sanitized$name in sanitized*ade* | sanitizedc40*) continue ;; esac
        golden_case "$tree" "$name"
        cases=$((cases + 1))
    done
done
[ "$cases" -ge 4 ] || fail "only $cases cases"

# The demo model on its own pictures: one pixel in 10,000 may differ.
for labels in "$data"/demo/*_seg_labels.png; do
    id=$(basename "$labels" _seg_labels.png)
    expect 0 segment "$nuclei/$id.png" -o demo
    if difference=$("$tools/check_png" same "demo/$id.png" "$labels" 2>&1); then pass; else
        echo "$difference" | sed 's/.*: \([0-9]*\) of \([0-9]*\) .*/\1 \2/' >counts
        read -r wrong all <counts
        [ $((wrong * 10000)) -le "$all" ] || fail "demo model: $difference"
    fi
done
finish
