# cnx score with COCO's files: tables, JSON, CSV, arrays, flags, what is odd and what is refused.
. "$(dirname "$0")/lib.sh"
coco=$source/tests/data/coco/small20 bad=$source/tests/data/coco/bad
boxes=(score --pred "$coco/dets_bbox.json" --truth "$coco/gt.json")
masks=(score --pred "$coco/dets_segm.json" --truth "$coco/gt.json")

at() { # FILE KEY...: what stands there
    "$tools/check_json" file "$@" || echo "nothing"
}

# ---- what is printed ----
expect 0 "${boxes[@]}"
prints " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.474"
prints " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 0.526"
prints " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.345"
same "lines of pycocotools" 12 "$(grep -c '^ Average' "$out")"
same "the last line" " Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.795" "$(tail -n 1 "$out")"
same "a category" "c13 0.800 1.000 1.000 - 0.800 - 0.800 1" "$(grep '^c13 ' "$out" | xargs)"
says "577 results of 20 images scored"
says "1 of 577 results have a category_id"
expect 0 "${boxes[@]}" -q
same "quiet but for the warning" 1 "$(wc -l <"$err")"

# ---- JSON: the digits of pycocotools, whatever the threads ----
expect 0 "${boxes[@]}" --json
cp "$out" one.json
want=$(tr -d '\n' <"$coco/expected_bbox.json" | sed 's/.*"AP": \([0-9.]*\),.*"ARl": \([0-9.]*\).*/\1 \2/')
close() { # A number of 17 digits beside the shortest that reads back: compared as numbers
    if awk "BEGIN { exit !(\"$1\" + 0 == \"$2\" + 0) }"; then pass; else fail "got $2, expected $1"; fi
}
close "${want% *}" "$(sed 's/.*"bbox":{"stats":\[\([^,]*\),.*/\1/' one.json)"
same "figures" 12 "$(at one.json bbox stats '#')"
same "categories" 15 "$(at one.json bbox classes '#')"
same "truths" 35 "$(at one.json bbox classes 0 truths)"
same "its own twelve" 12 "$(at one.json bbox classes 0 stats '#')"
same "nothing to find" -1 "$(at one.json bbox classes 8 AP)"
same "ranges" "small" "$(at one.json bbox areas 1 name)"
same "results" 577 "$(at one.json params results)"
for threads in 1 3 7; do
    expect 0 "${boxes[@]}" --json --threads "$threads"
    identical one.json "$out"
done
expect 0 "${masks[@]}" --json
same "masks bring both" 12 "$(at "$out" segm stats '#')"
cp "$out" both.json
same "boxes of masks" 12 "$(at both.json bbox stats '#')"
expect 0 "${masks[@]}" --json --kind segm
same "one kind" "nothing" "$(at "$out" bbox 2>/dev/null)"
same "the same figures" "$(at both.json segm)" "$(at "$out" segm)"
expect 0 "${boxes[@]}" --kind segm --json
same "boxes scored as masks" 12 "$(at "$out" segm stats '#')"

# ---- files ----
expect 0 "${masks[@]}" --csv classes.csv --per-image pictures.csv --arrays arrays
same "CSV lines" 33 "$(wc -l <classes.csv)"
same "CSV header" "kind,id,name,AP,AP50,AP75,APs,APm,APl,AR1,AR10,AR100,ARs,ARm,ARl,truths,results" "$(head -n 1 classes.csv)"
same "CSV AP" "$(sed 's/.*"segm":{"stats":\[\([^,]*\),.*/\1/' both.json)" "$(grep '^segm,,all' classes.csv | cut -d, -f4)"
same "CSV pictures" 41 "$(wc -l <pictures.csv)"
folder arrays bbox_precision.npy bbox_scores.npy bbox_recall.npy segm_precision.npy segm_scores.npy segm_recall.npy
tool check_npy shape arrays/bbox_precision.npy
same "precision's shape" "float64 10 101 15 4 3" "$told"
same "its size" $((10 * 101 * 15 * 4 * 3 * 8 + 128)) "$(stat -c %s arrays/segm_precision.npy)"
tool check_npy shape arrays/segm_recall.npy
same "recall's" "float64 10 15 4 3" "$told"
expect 0 "${boxes[@]}" --arrays arrays2
if cmp -s <(tail -c +129 arrays2/bbox_recall.npy) <(tail -c +129 "$coco/expected_bbox_recall.npy"); then pass; else fail "recall differs"; fi
expect 1 "${masks[@]}" --csv classes.csv
refused "classes.csv" "--overwrite"
expect 1 "${masks[@]}" --arrays arrays
refused "arrays/bbox_precision.npy"
expect 0 "${masks[@]}" --csv classes.csv --arrays arrays --overwrite
cp "$coco/gt.json" truth.json
expect 2 score --pred "$coco/dets_bbox.json" --truth truth.json --csv truth.json --overwrite
refused "truth.json"

# ---- flags ----
expect 0 "${boxes[@]}" --max-dets 100,300,1000 --json
close "$(tr -d '\n' <"$coco/expected_bbox_maxdets_100_300_1000.json" | sed 's/.*"AP75": \([0-9.]*\),.*/\1/')" "$(at "$out" bbox stats 2)"
expect 0 "${boxes[@]}" --max-dets 10,1,50
says "AP is -1"
prints "maxDets=100 ] = -1.000"
prints "maxDets= 50 ]"
expect 0 "${boxes[@]}" --iou-thrs 0.5:0.95:0.05 --json
identical_scores() { same "$1" "$(at one.json bbox)" "$(at "$out" bbox)"; }
identical_scores "the usual thresholds"
expect 0 "${boxes[@]}" --iou-thrs 0.5 --json
same "AP at one threshold" "$(at one.json bbox stats 1)" "$(at "$out" bbox stats 0)"
same "AP75 without 0.75" -1 "$(at "$out" bbox stats 2)"
expect 0 "${boxes[@]}" --area-ranges all=0:1e10,small=0:1024,medium=1024:9216,large=9216:1e10 --json
identical_scores "the usual ranges"
expect 0 "${boxes[@]}" --area-ranges tiny=0:256,all=0:1e10
prints "tiny"
prints "area= small | maxDets=100 ] = -1.000"
expect 0 "${boxes[@]}" --agnostic --json
same "one category" 1 "$(at "$out" bbox classes '#')"
same "of all" "all" "$(at "$out" bbox classes 0 name)"
expect 0 "${boxes[@]}" --categories c3,1 --json
same "two categories" "1 3" "$(at "$out" bbox classes 0 id) $(at "$out" bbox classes 1 id)"
same "the same AP" "$(at one.json bbox classes 2 AP)" "$(at "$out" bbox classes 1 AP)"
printf '92\n134\n' >images.txt
expect 0 "${boxes[@]}" --images @images.txt --json
same "two images" 2 "$(at "$out" params images)"
expect 0 "${boxes[@]}" --images 92,134 --json
same "the same" 2 "$(at "$out" params images)"
expect 0 "${boxes[@]}" --errors
for word in class location both duplicate background missed "false positives"; do prints "$word"; done
expect 0 "${boxes[@]}" --errors --json
same "errors on nothing" 270 "$(at "$out" bbox errors background count)"
same "duplicates" 37 "$(at "$out" bbox errors duplicate count)"
same "the scores do not change" "$(at one.json bbox stats)" "$(at "$out" bbox stats)"
for wrong in --iou-thrs=0.5,x --iou-thrs=1.5 --iou-thrs=0.9:0.5:0.1 --iou-thrs=0.5:0.9 --max-dets=1,10 --max-dets=1,1,2 \
    --max-dets=0,1,2 --area-ranges=small --area-ranges=a=5:1 --area-ranges=a=0:1,a=0:2 --kind=box \
    --categories=nothing --images=5 --images=@missing.txt --classes=7 --ignore=3 --metrics=mDice --keep-going; do
    expect_failure=$([ "$wrong" = --images=@missing.txt ] && echo 1 || echo 2)
    expect "$expect_failure" "${boxes[@]}" "$wrong"
    [ "$wrong" = --images=@missing.txt ] || refused "${wrong%%=*}"
    silent
done
expect 2 "${boxes[@]}" --categories c33
refused "did you mean"
expect 2 score --pred "$source/tests/data/miou/basic/pred_0.png" --truth "$source/tests/data/miou/basic/gt_0.png" --classes 7 --kind bbox
refused "--kind is for detections"

# ---- what is odd ----
good=(--truth "$bad/good_bbox_gt.json")
expect 0 score --pred "$bad/dets_empty_list_dets.json" "${good[@]}"
says "there are no results"
prints "maxDets=100 ] = 0.000"
expect 0 score --pred "$bad/det_score_nan_dets.json" "${good[@]}"
says "scores are NaN, the first in entry 1"
expect 0 score --pred "$bad/good_bbox_dets.json" --truth "$bad/gt_duplicate_id_gt.json"
says "the last stands for all"
expect 0 score --pred "$bad/good_bbox_dets.json" --truth "$bad/gt_id_zero_gt.json"
says "id 0"
cp "$bad/good_bbox_dets.json" results && cp "$bad/good_bbox_gt.json" instances
expect 0 score --pred results --truth instances # no .json: the first byte tells

# ---- what is refused: one message with the file and the entry ----
expect 1 score --pred "$bad/det_unknown_image_dets.json" "${good[@]}"
refused "det_unknown_image_dets.json" "entry 4" "77"
silent
expect 1 score --pred "$bad/rle_counts_too_short_dets.json" --truth "$bad/rle_counts_too_short_gt.json" --kind segm
refused "entry 1" "4800"
expect 1 score --pred "$bad/good_segm_dets.json" --truth "$bad/gt_polygon_4_gt.json" --kind segm
refused "annotation 1 (id 1)"
expect 1 score --pred "$bad/good_bbox_dets.json" --truth "$bad/gt_missing_bbox_gt.json"
refused "(id 1)" "no bbox"
head -c 200000 /dev/zero | tr '\0' '[' >deep.json
expect 1 score --pred deep.json "${good[@]}"
refused "deep.json" "entry 1"
{ printf '[{"image_id":1,"category_id":1,"score":1,"bbox":[1,1,1,1],"x":' && cat deep.json; } >deeper.json
expect 1 score --pred deeper.json "${good[@]}"
refused "deeper.json" "nested"
expect 1 score --pred missing.json "${good[@]}"
refused "missing.json"
expect 1 score --pred "$bad/good_bbox_dets.json" --truth "$work"
refused "$work"
mkfifo pipe.json
expect 1 score --pred pipe.json "${good[@]}"
refused "pipe.json" "not a file"
expect 1 score --pred "$bad/good_bbox_dets.json" --truth "$bad/good_bbox_dets.json"
refused "holds a list"

# ---- two gigabytes, nearly all blanks: read in pieces ----
if [ -z "$sanitized" ]; then
    sed 's/\]$//' "$bad/good_bbox_dets.json" | tr -d '\n' >sparse.json
    truncate -s 2200000000 sparse.json
    expect 1 score --pred sparse.json "${good[@]}"
    refused "sparse.json" "0x00"
fi

# ---- half a million entries at once: no quadratic time, memory bounded ----
awk 'BEGIN { printf "["; for (i = 0; i < 100000; i++) printf "%s{\"image_id\":1,\"category_id\":1,\"bbox\":[%d,%d,10.5,9],\"score\":0.%d}", i ? "," : "", i % 60, i % 50, i % 1000; print "]" }' >many.json
seconds=30
expect 0 score --pred many.json "${good[@]}"
says "100000 results"
finish
