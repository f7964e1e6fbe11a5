# `cnx eval`: scores of a model, the same after any interruption, and data that cannot be scored.
. "$(dirname "$0")/lib.sh"
demo=$data/demo
fast=(--scale none --mode whole --quiet)
[ -z "$sanitized" ] || fast=(--scale 64x64 --mode whole --quiet) # a sanitized network is slow

# A data set of COUNT pictures in ADE20K's way of naming folders: the nuclei and the demo's labels.
make_set() { # DIR COUNT
    local names=(76c44d1addac 01d44a26f668 4d09672bcf5a) i name
    mkdir -p "$1/images/validation" "$1/annotations/validation"
    for ((i = 0; i < $2; i++)); do
        name=${names[i % 3]}
        cp "$nuclei/$name.png" "$1/images/validation/p$(printf %02d $i).png"
        cp "$demo/${name}_seg_labels.png" "$1/annotations/validation/p$(printf %02d $i).png"
    done
}
make_set set 3
folders=(--images set/images/validation --labels set/annotations/validation)

# ---- the numbers are those of the masks on disk, whatever the threads ----
expect 0 eval folder "${folders[@]}" "${fast[@]}" --json --save-pred pred --csv c.csv --per-image p.csv
cp "$out" one.json
folder pred p00.png p01.png p02.png
absent cnx-eval-demo.journal
tool check_json file one.json pictures
same pictures 3 "$told"
expect 0 score --pred pred --truth set/annotations/validation --classes 3 --json -q
for key in aAcc mIoU mAcc mDice mFscore mPrecision mRecall; do
    tool check_json file one.json $key
    evaluated=$told
    tool check_json file "$out" $key
    same "$key of the saved masks" "$evaluated" "$told"
done
same "lines of the table by class" 6 "$(wc -l <c.csv)"
same "lines of the table by picture" 4 "$(wc -l <p.csv)"
expect 0 eval folder "${folders[@]}" "${fast[@]}" --json --threads 3 --jobs 3 --save-pred pred3
identical "$out" one.json
for i in 0 1 2; do identical pred/p0$i.png pred3/p0$i.png; done
expect 0 eval folder --data set --split validation "${fast[@]}" --json
identical "$out" one.json
expect 0 eval folder "${folders[@]}" "${fast[@]}" --metrics mIoU,mDice
prints nucleus
prints mDice

# ---- skip and limit ----
expect 0 eval folder "${folders[@]}" "${fast[@]}" --json --skip 1 --limit 1
tool check_json file "$out" images 0 name
same "the second picture" p01 "$told"
expect 2 eval folder "${folders[@]}" "${fast[@]}" --skip 3
says "--skip 3"

# ---- killed again and again ----
make_set many 9
many=(eval folder --data many --split validation "${fast[@]}" --json)
expect 0 "${many[@]}"
cp "$out" whole.json
kills=10
[ -z "$sanitized" ] || kills=2
RANDOM=7
for ((i = 0; i < kills; i++)); do
    "$cnx" "${many[@]}" --resume >killed.json 2>/dev/null </dev/null &
    pid=$!
    sleep "0.$((RANDOM % 90 + 10))"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
done
expect 0 "${many[@]}" --resume
identical "$out" whole.json
absent cnx-eval-demo.journal

# ---- the journal ----
mkdir there
make_set journal 2
rm journal/annotations/validation/p01.png
kept=(eval folder --data journal --split validation "${fast[@]}" --json --keep-going)
expect 3 "${kept[@]}" --journal there/j # what is left out keeps the journal
[ -e there/j ] || fail "no journal was kept"
expect 1 "${kept[@]}" --journal there/j
refused --resume there/j
expect 2 "${kept[@]}" --journal there/j --resume --flip
refused "another run"
echo "my notes" >notes
expect 1 "${many[@]}" --journal notes --resume
refused "not a journal"
same "notes are left alone" "my notes" "$(cat notes)"
expect 1 "${many[@]}" --journal /nonexistent/j
refused /nonexistent/j

# ---- data that cannot be scored ----
make_set bad 3
rm bad/annotations/validation/p01.png
badly=(eval folder --data bad --split validation "${fast[@]}" --json)
expect 1 "${badly[@]}"
refused p01.png "label file"
silent
expect 3 "${badly[@]}" --keep-going
says "1 of 3 pictures were skipped"
tool check_json file "$out" skipped 0 name
same "what was skipped" p01 "$told"
[ -e cnx-eval-demo.journal ] || fail "the journal of what was done is gone"
cp set/annotations/validation/p01.png bad/annotations/validation/
expect 0 "${badly[@]}" --resume
identical "$out" one.json

make_set bad2 3
head -c 300 set/annotations/validation/p00.png >bad2/annotations/validation/p00.png
cp set/annotations/validation/p00.png bad2/annotations/validation/p01.png # of another size
expect 1 eval folder --data bad2 --split validation "${fast[@]}"
refused annotations/validation/p00.png
rm -f cnx-eval-demo.journal
expect 3 eval folder --data bad2 --split validation "${fast[@]}" --keep-going --json
says "labels for a picture of"
tool check_json file "$out" pictures
same pictures 1 "$told"
rm -f cnx-eval-demo.journal
mkdir -p empty/images/validation empty/annotations/validation
expect 1 eval ade20k --data empty
refused empty

# A sanitized program is slow: other evaluations show it the rest.
[ -z "$sanitized" ] || finish

# ---- what is asked for wrongly ----
expect 2 eval ade20k --data set
says 150
expect 2 eval
expect 2 eval ade2k
says ade20k
expect 2 eval ade20k
says --data
expect 2 eval folder --images set
says --labels
expect 2 eval imagenet-s --data set
expect 1 eval folder "${folders[@]}" "${fast[@]}" --csv c.csv
refused --overwrite
expect 1 eval folder "${folders[@]}" "${fast[@]}" --save-pred pred
refused --overwrite
expect 0 eval folder "${folders[@]}" "${fast[@]}" --save-pred pred --csv c.csv --overwrite
absent cnx-eval-demo.journal
# Not even --overwrite replaces what the run reads.
cp set/annotations/validation/p00.png kept.png
expect 2 eval folder "${folders[@]}" "${fast[@]}" --csv set/annotations/validation/p00.png --overwrite
refused "input of the run"
identical kept.png set/annotations/validation/p00.png
expect 2 eval folder "${folders[@]}" "${fast[@]}" --report set/images/validation/p02.png --overwrite
refused "input of the run"
# The error names the picture, the limit and what it needs.
expect 1 eval folder "${folders[@]}" --scale none --mode whole --quiet --max-memory 20M
refused p00.png "20.0 MiB"
rm -f cnx-eval-demo.journal
# Suffixes, and the flag that the refusal names.
mkdir two
cp set/annotations/validation/p00.png two/p00_a.png
cp set/annotations/validation/p00.png two/p00_b.png
expect 0 eval folder --images set/images/validation --labels two --label-suffix _b.png --limit 1 \
    "${fast[@]}" --keep-going

# ---- ImageNet-S: labels as R + 256 G, of which 1000 is ignored ----
mkdir -p imagenet/validation/n1 imagenet/validation-segmentation/n1
cp "$nuclei/76c44d1addac.png" imagenet/validation/n1/a.png
tool make_png imagenet/validation-segmentation/n1/a.png rgb 256 256 0 0 0 232 3 0 232 3 0 1 0 0
cat >coded.json <<'END'
{"classes": ["other", "one", "two"], "ignore": 1000, "coding": "rgb16"}
END
expect 0 eval imagenet-s --data imagenet --classes coded.json "${fast[@]}" --json
tool check_json file "$out" images 0 pixels
same "pixels that are not ignored" 32768 "$told"
tool check_json file "$out" images 0 name
same "the name has its folder" n1/a "$told"
expect 1 eval imagenet-s --data imagenet --classes 3 "${fast[@]}"
refused n1/a.png
rm -f cnx-eval-demo.journal

# ---- the demo model on its whole validation split: the figures of its README ----
if [ -n "$shared" ] && [ -z "$sanitized" ]; then
    set=$shared/data/nuclei
    seconds=300
    expect 0 eval folder --data "$set" --split validation --quiet --json --save-pred val
    cp "$out" val.json
    expect 0 score --pred val --truth "$set/annotations/validation" --classes 3 --json -q
    cp "$out" saved.json
    for pair in aAcc=0.960532 mIoU=0.714747 mAcc=0.822180; do
        tool check_json file val.json ${pair%=*}
        same "${pair%=*} of the demo model" "${pair#*=}" "$(printf %.6f "$told")"
        evaluated=$told
        tool check_json file saved.json ${pair%=*}
        same "${pair%=*} of the saved masks" "$evaluated" "$told"
    done
fi
finish
