# `cnx score`: known scores, files that belong together, and files that cannot be scored.
. "$(dirname "$0")/lib.sh"
miou=$source/tests/data/miou

# Folders p and t of a case whose files are called pred_N and gt_N.
lay_out() { # CASE DIR
    local file
    mkdir -p "$2/p" "$2/t"
    for file in "$miou/$1"/pred_*.png; do cp "$file" "$2/p/${file##*_}"; done
    for file in "$miou/$1"/gt_*.png; do cp "$file" "$2/t/${file##*_}"; done
}

# near NAME GOT WANTED: both null, or equal to 1e-9.
near() {
    if [ "$2" = "$3" ] || { [ "$2" != null ] && [ "$3" != null ] &&
        echo "$2 $3" | awk '{ d = $1 - $2; exit !(d <= 1e-9 && d >= -1e-9) }'; }; then pass; else
        fail "$1 is $2, expected $3"
    fi
}

at() { # FILE PATH...: what stands there
    tool check_json file "$@"
    echo "$told"
}

# ---- known scores ----
cases=0
for folder in "$miou"/*/; do
    name=$(basename "$folder")
    want=$folder/expected.json
    lay_out "$name" "$name"
    flags=(--classes "$(at "$want" num_classes)" --ignore "$(at "$want" ignore_index)"
        --beta "$(at "$want" beta)")
    [ "$(at "$want" reduce_zero_label)" = false ] || flags+=(--reduce-zero-label)
    replacement=$(at "$want" nan_to_num)
    [ "$replacement" = null ] || flags+=(--nan-to-num "$replacement")
    expect 0 score --pred "$name/p" --truth "$name/t" "${flags[@]}" --json
    cp "$out" got.json
    for score in aAcc mIoU mAcc mDice mFscore mPrecision mRecall; do
        near "$name: $score" "$(at got.json $score)" "$(at "$want" summary $score)"
    done
    last_class=$(($(at "$want" num_classes) - 1))
    for score in IoU Acc Dice Fscore Precision Recall; do
        near "$name: $score of the last class" "$(at got.json classes $last_class $score)" \
            "$(at "$want" per_class $score $last_class)"
    done
    cases=$((cases + 1))
done
[ "$cases" -ge 12 ] || fail "only $cases cases"

# ---- results ----
basic=(score --pred basic/p --truth basic/t --classes 7)
expect 0 "${basic[@]}"
prints "| class 0 | 62.63 | 76.71 |"
prints "|  aAcc |  mIoU |  mAcc |"
prints "| 74.01 | 58.45 | 73.98 |"
says "3 pairs scored"
expect 0 "${basic[@]}" --metrics mFscore,mDice --quiet
prints "|  Class  |  Acc  |  Dice | Fscore | Precision | Recall |"
same "standard error" "" "$(cat "$err")"
expect 0 "${basic[@]}" --json --csv classes.csv --per-image pictures.csv
cp "$out" one.json
same "header" "index,class,IoU,Acc,Dice,Fscore,Precision,Recall,intersect,union,predicted,labelled" \
    "$(head -n 1 classes.csv)"
same "lines of the classes" 10 "$(wc -l <classes.csv)"
same "pictures" "0 1 2" "$(tail -n +2 pictures.csv | cut -d, -f 1 | xargs)"
same "pictures in JSON" 3 "$(at one.json images '#')"
near "IoU of a picture" "$(at one.json images 1 mIoU)" "$(sed -n 3p pictures.csv | cut -d, -f 4)"
expect 1 "${basic[@]}" --csv classes.csv
refused "classes.csv" "--overwrite"
expect 0 "${basic[@]}" --csv classes.csv --overwrite
expect 2 "${basic[@]}" --csv basic/t/1.png --overwrite
refused "input"
for threads in 1 2 5; do
    expect 0 "${basic[@]}" --json --threads "$threads"
    identical "$out" one.json
done
echo '{"classes": ["a", "b", "c", "d", "e", "f", "last"], "ignore": 6}' >names.json
expect 0 score --pred basic/p --truth basic/t --classes names.json
prints "|  last |"
expect 0 score --pred basic/p --truth basic/t --classes names.json --json
cp "$out" got.json
same "accuracy of an ignored class" null "$(at got.json classes 6 Acc)"
same "ignored" 6 "$(at got.json rules ignore)"

# ADE20K's numbering by itself, and what does not fit it.
expect 0 score --pred ade150/p --truth ade150/t --classes ade20k --json
cp "$out" got.json
near "ADE20K" "$(at got.json mIoU)" "$(at "$miou/ade150/expected.json" summary mIoU)"
same "a name of ADE20K" wall "$(at got.json classes 0 name)"
expect 0 score --pred ade150/t --truth ade150/t --classes ade20k --pred-offset 1
prints "100.00"
expect 0 score --pred ade150/t --truth ade150/t --classes ade20k
says "--pred-offset 1"
expect 0 score --pred ade150/t --truth ade150/t --classes ade20k --no-reduce-zero-label
prints "100.00"
expect 0 score --pred reduce_zero/p --truth reduce_zero/t --classes 7
says "--reduce-zero-label"

# Values of no class: counted as mmsegmentation does and told, or refused.
expect 0 score --pred out_of_range/p --truth out_of_range/t --classes 7
says "out_of_range/t/0.png: found the value 8"
says "out_of_range/p/0.png: found the value"
expect 1 score --pred out_of_range/p --truth out_of_range/t --classes 7 --strict
refused "out_of_range/t/0.png" "8" "0 to 6"
silent

# ---- 16 bits, palettes ----
run segment -m "$data/models/mini_official.pth" "$data/images/a.png" -o eight --scale none --mode whole
run segment -m "$data/models/mini_official.pth" "$data/images/a.png" -o sixteen --scale none \
    --mode whole --label-offset 300
tool check_png histogram sixteen/a.png
expect 0 score --pred eight --truth eight --classes 7 --json
cp "$out" got.json
same "a palette" 1 "$(at got.json aAcc)"
expect 0 score --pred sixteen --truth eight --classes 7 --pred-offset 300 --json
cp "$out" got.json
same "16 bits beside 8" 1 "$(at got.json aAcc)"
expect 0 score --pred sixteen --truth sixteen --classes 310 --ignore 65535 --json
cp "$out" got.json
same "16 bits" 1 "$(at got.json aAcc)"
expect 0 score --pred eight --truth sixteen --classes 300 --ignore 65535
says "sixteen/a.png: found the value 30"

# ---- files that belong together ----
mkdir -p nested/t/x nested/t/y nested/p/x nested/p/y flat/p
cp basic/t/0.png nested/t/x/0_gt.png && cp basic/t/1.png nested/t/y/1_gt.png
cp basic/p/0.png nested/p/x/0.png && cp basic/p/1.png nested/p/y/1.PNG
cp basic/p/0.png basic/p/1.png flat/p
touch nested/t/x/.hidden.png nested/t/x/readme.txt
expect 0 score --pred nested/p --truth nested/t --truth-suffix _gt.png --classes 7 --json
cp "$out" nested.json
same "names" "x/0 y/1" "$(at nested.json images 0 name) $(at nested.json images 1 name)"
expect 0 score --pred flat/p --truth nested/t --truth-suffix _gt --classes 7 --json
same "nested and flat" "$(at nested.json mIoU)" "$(cp "$out" flat.json && at flat.json mIoU)"
expect 1 score --pred flat/p --truth nested/t --classes 7
refused "nested" "--keep-going"
cp nested/t/x/0_gt.png nested/t/y/0_gt.png
expect 2 score --pred flat/p --truth nested/t --truth-suffix _gt --classes 7
refused "x/0_gt.png" "y/0_gt.png"
expect 0 score --pred basic/p/2.png --truth "$miou/basic/gt_2.png" --classes 7
says "1 pair scored"
cp basic/p/0.png flat/p/0_color.png && cp basic/p/0.png flat/p/1_overlay.png
mkdir two && cp basic/t/[01].png two
expect 0 score --pred flat/p --truth two --classes 7
says "2 pictures beside"

# ---- what cannot be scored ----
lay_out basic bad
rm bad/p/1.png
expect 1 score --pred bad/p --truth bad/t --classes 7
refused "bad/t/1.png" "partner" "1 of 3"
silent
expect 3 score --pred bad/p --truth bad/t --classes 7 --keep-going --json
says "1 of 3 pairs were skipped"
cp "$out" got.json
same "pairs" 2 "$(at got.json pairs)"
same "skipped" 1 "$(at got.json skipped 0 name)"
cp basic/p/1.png bad/p/1.png
cp basic/p/1.png bad/p/extra.png
expect 1 score --pred bad/p --truth bad/t --classes 7
refused "bad/p/extra.png" "partner"
rm bad/p/extra.png
head -c 300 basic/p/0.png >bad/p/0.png
expect 1 score --pred bad/p --truth bad/t --classes 7
refused "bad/p/0.png"
cp "$miou/one_pixel/pred_0.png" bad/p/0.png
expect 1 score --pred bad/p --truth bad/t --classes 7
refused "bad/p/0.png" "1 x 1" "80 x 60"
cp "$nuclei/76c44d1addac.png" bad/p/0.png
expect 1 score --pred bad/p --truth bad/t --classes 7
refused "bad/p/0.png" "RGB"
echo "no picture" >bad/p/0.png
head -c 200 basic/t/2.png >bad/t/2.png
for threads in 1 4; do
    expect 1 score --pred bad/p --truth bad/t --classes 7 --threads "$threads"
    refused "bad/p/0.png"
    expect 3 score --pred bad/p --truth bad/t --classes 7 --keep-going --threads "$threads"
    says "bad/p/0.png"
    says "bad/t/2.png"
    says "2 of 3 pairs were skipped"
done
rm bad/p/1.png bad/t/1.png
expect 1 score --pred bad/p --truth bad/t --classes 7 --keep-going
says "none of 2 pairs"
silent
mkdir empty other && touch other/notes.txt
expect 1 score --pred empty --truth basic/t --classes 7
refused "empty" "empty"
expect 1 score --pred basic/p --truth other --classes 7
refused "other" "1 file"
expect 1 score --pred basic/p --truth missing --classes 7
refused "missing"
expect 1 score --pred basic/p --truth basic/t --classes missing.json
refused "missing.json"
expect 0 score --pred all_ignored/p --truth all_ignored/t --classes 7
says "nothing to score"

# ---- usage ----
expect 2 score
refused "--pred"
expect 2 score --pred basic/p --classes 7
refused "--truth"
expect 2 score --pred basic/p --truth basic/t
refused "--classes"
expect 2 score basic/p basic/t --classes 7
refused "basic/p"
expect 2 "${basic[@]}" --reduce-zero-label --no-reduce-zero-label
refused "contradict"
expect 2 score --pred basic/p --truth basic/t --classes 0
refused "0 classes"
for wrong in --ignore=70000 --pred-offset=-1 --beta=0 --nan-to-num=nan --metrics=IoU --threads=0; do
    expect 2 "${basic[@]}" "$wrong"
    refused "${wrong%%=*}"
done
expect 2 score --pred basic/p --truth basic/t --classes 300
refused "--ignore"
finish
