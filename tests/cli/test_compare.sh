# `cnx compare`: two results, two folders with and without a truth.
. "$(dirname "$0")/lib.sh"
miou=$source/tests/data/miou

at() { # FILE PATH...: what stands there
    tool check_json file "$@"
    echo "$told"
}

mkdir a b truth
for i in 0 1 2; do
    cp "$miou/basic/pred_$i.png" "a/$i.png"
    cp "$miou/basic/gt_$i.png" "truth/$i.png"
done
# B is A, but for one picture that is right.
cp a/*.png b
cp truth/1.png b/1.png
rules=(--classes 7)
expect 0 score --pred a --truth truth "${rules[@]}" --json --quiet
cp "$out" a.json
expect 0 score --pred b --truth truth "${rules[@]}" --json --quiet
cp "$out" b.json

# ---- two results ----
expect 0 compare a.json b.json
prints "A: a.json"
prints "mIoU by picture, the largest difference first (3 of 3)"
prints "45.63   100.00   +54.37"
prints "61.71    61.71    +0.00"
expect 0 compare a.json b.json --json
cp "$out" results.json
same "the picture that changed most" 1 "$(at results.json images 0 name)"
same "a picture that did not" 0 "$(at results.json images 1 mIoU difference)"
same "all classes" 7 "$(at results.json classes '#')"
same "mIoU of A" "$(at a.json mIoU)" "$(at results.json mIoU a)"
same "mIoU of B" "$(at b.json mIoU)" "$(at results.json mIoU b)"
# Sorted by what was asked for.
for metric in IoU Precision; do
    expect 0 compare a.json b.json --json --metric "$metric"
    cp "$out" sorted.json
    for i in 0 1 2 3 4 5 6; do at sorted.json classes $i $metric difference; done >changes
    sort -g -r changes | cmp -s - changes || fail "$metric: not sorted: $(xargs <changes)"
done
expect 0 compare a.json b.json --json --top 2
cp "$out" top.json
same "two classes" "2 2" "$(at top.json classes '#') $(at top.json images '#')"
# A result against itself; NaN is neither a difference nor shown as one.
mkdir n && cp "$miou/absent/pred_0.png" n/0.png && cp "$miou/absent/gt_0.png" n/0_gt.png
expect 0 score --pred n/0.png --truth n/0_gt.png "${rules[@]}" --json
cp "$out" n.json
expect 0 compare n.json n.json
prints "nan      nan"
if grep -q -- '-nan\|+nan' "$out"; then fail "a NaN with a sign"; fi
expect 0 compare n.json n.json --json
cp "$out" self.json
same "no difference" 0 "$(at self.json mIoU difference)"
same "NaN" null "$(at self.json classes 6 Acc difference)"
# Pictures in one of them only; without any.
expect 0 compare a.json n.json
says "2 pictures are in a.json only, 0 in n.json only"
sed 's/,"images":.*/}/' a.json >bare.json
expect 0 compare bare.json bare.json
prints "IoU by class"
sed 's/"class 3"/"cat"/' a.json >renamed.json
expect 0 compare a.json renamed.json
says 'class 3 is "class 3" in a.json and "cat"'

# ---- two folders and a truth: the same numbers ----
expect 0 compare a b --truth truth "${rules[@]}" --json
sed 's/"a":"a","b":"b"/"a":"a.json","b":"b.json"/' "$out" >scored.json
identical scored.json results.json
for threads in 1 3; do
    expect 0 compare a b --truth truth "${rules[@]}" --json --threads "$threads" --quiet
    sed 's/"a":"a","b":"b"/"a":"a.json","b":"b.json"/' "$out" >scored.json
    identical scored.json results.json
    same "standard error" "" "$(cat "$err")"
done

# ---- two folders alone ----
expect 0 compare a b
prints "3 pictures, 18445 pixels: 2152 differ"
prints "2152 of       6097 pixels  1"
expect 0 compare a b --json --classes 7
cp "$out" masks.json
same "changed" "2152 0 0" "$(for i in 0 1 2; do at masks.json images $i changed; done | xargs)"
same "the picture" 1 "$(at masks.json images 0 name)"
same "a name" "class $(at masks.json labels 0 label)" "$(at masks.json labels 0 name)"
expect 0 compare a a --json
cp "$out" same.json
same "agreement" "1 0" "$(at same.json agreement) $(at same.json labels 0 share)"
# Labels beyond 8 bits; what cnx segment writes beside label maps is passed over.
for offset in 0 300; do
    run segment -m "$data/models/mini_official.pth" "$data/images/a.png" -o "out$offset" \
        --scale none --mode whole --save label,color,overlay --label-offset $offset
done
expect 0 compare out300 out300 --json
cp "$out" wide.json
same "16 bits" "1 1" "$(at wide.json pictures) $(at wide.json agreement)"
expect 0 compare out0 out300 --json
cp "$out" wide.json
same "16 bits beside 8" 0 "$(at wide.json agreement)"

# ---- what cannot be compared ----
rm b/2.png
expect 1 compare a b
refused "a/2.png" "partner"
silent
expect 3 compare a b --keep-going --json
says "1 of 3 pairs"
cp "$out" some.json
same "pictures" 2 "$(at some.json pictures)"
expect 3 compare a b --truth truth "${rules[@]}" --keep-going
says "truth/2.png"
prints "mIoU by picture"
head -c 200 a/0.png >b/0.png
expect 3 compare a b --keep-going --quiet
says "b/0.png"
says "2 of 3 pairs"
rm b/1.png
expect 1 compare a b --keep-going
says "none of 3 pairs"
silent
expect 2 compare a a.json
refused "a.json" "folder"
expect 1 compare a.json missing.json
refused "missing.json"
echo '{"aAcc": 1}' >broken.json
expect 1 compare a.json broken.json
refused "broken.json" "mIoU"
expect 2 compare a.json b.json --truth truth
refused "--truth"
expect 2 compare a b --truth truth
refused "--classes"
expect 0 score --pred a/0.png --truth a/0.png --classes 9 --json
cp "$out" nine.json
expect 2 compare a.json nine.json
refused "7 classes" "9"
expect 2 compare
refused "0 names"
expect 2 compare a.json b.json n.json
refused "3 names"
expect 2 compare a.json b.json --metric mIoU
refused "--metric"
finish
