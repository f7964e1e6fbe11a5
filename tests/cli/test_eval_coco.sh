# `cnx eval coco` and `coco-o`: scores equal those of cnx score, whatever happened in between.
. "$(dirname "$0")/lib.sh"
# The demo detector on small pictures, with few proposals.
# One thread: several would wait for each other on a busy machine.
small=(--scale 160x160 --set rpn.max_per_img=30 --set rpn.nms_pre=30 --max-det 20 --threads 1)
mkdir -p set/annotations set/val2017
cp "$nuclei"/*.png set/val2017
cp "$nuclei/instances.json" set/annotations/instances_val2017.json
truth=set/annotations/instances_val2017.json

expect 0 eval coco "${small[@]}" --data set --json --save-pred one --csv one.csv --report one.html
cp "$out" one.json
says "3 of 3 pictures"
tool check_json file one.json bbox stats '#'
same "numbers" 12 "$told"
tool check_json file one.json segm stats 0
awk -v ap="$told" 'BEGIN { exit !(ap > 0.05 && ap < 0.9) }' || fail "mask AP is $told"
tool check_json file one.json pictures
same "pictures" 3 "$told"
folder . set one.json one.bbox.json one.segm.json one.csv one.html .stdout .stderr # no journal is left
# The same numbers from the results files by cnx score.
for kind in bbox segm; do
    expect 0 score --pred one.$kind.json --truth $truth --kind $kind --json
    cp "$out" score.json
    tool check_json file score.json $kind
    scored=$told
    tool check_json file one.json $kind
    same "$kind" "$scored" "$told"
done
grep -q bbox one.segm.json && fail "records of masks have boxes"
grep -q segmentation one.bbox.json && fail "records of boxes have masks"
[ "$(wc -l <one.csv)" -ge 5 ] || fail "CSV: $(cat one.csv)"
# The page needs nothing else.
for word in '<svg' 'classes-bbox' 'classes-segm' 'The worst pictures' 'prediction' 'data:image/png' \
    'mean of 10 thresholds'; do
    grep -q "$word" one.html || fail "the page has no $word"
done
grep -q 'src="[^d]\|href="[^d]' one.html && fail "the page refers to something outside"
# Tables, as pycocotools prints them.
expect 0 eval coco "${small[@]}" --data set --kind bbox
prints "Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0."
prints nucleus
grep -q '^segm' "$out" && fail "--kind bbox scores masks"
# Areas by boxes; other limits; part of the data set; two paths.
expect 0 eval coco "${small[@]}" --data set --json --segm-boxes --max-dets 1,10,30 --save-pred boxes
grep -q bbox boxes.segm.json || fail "--segm-boxes leaves boxes out"
expect 0 eval coco "${small[@]}" --annotations $truth --images "$nuclei" --json --skip 1 --limit 1
cp "$out" part.json
tool check_json file part.json pictures
same "part" 1 "$told"
tool check_json file part.json params images
same "images scored" 1 "$told"

# Cut off by kill -9, and gone on with: the same bytes, wherever it was.
interrupt() { # N: kills a run when N pictures are in its journal; one that was over by then, again
    local pid i attempt lines
    for ((attempt = 0; attempt < 50; attempt++)); do
        rm -f j j.results
        "$cnx" eval coco "${small[@]}" --data set --json --journal j --quiet \
            >/dev/null 2>&1 &
        pid=$!
        for ((i = 0; i < 60000; i++)); do
            lines=0
            [ ! -f j ] || lines=$(wc -l 2>/dev/null <j) || lines=0
            [ "${lines:-0}" -le "$1" ] || break
            kill -0 $pid 2>/dev/null || break
            sleep 0.001
        done
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        [ ! -f j ] || return 0
    done
}
for n in 1 2; do
    [ -z "$sanitized" ] || [ $n = 1 ] || continue
    interrupt $n
    [ -f j ] || fail "each run was over before it was killed"
    expect 1 eval coco "${small[@]}" --data set --json --journal j
    refused resume
    expect 0 eval coco "${small[@]}" --data set --json --journal j --resume
    identical "$out" one.json
    says "are done already"
    absent j j.results
done
# Of another run; damaged results; a results file without a journal.
interrupt 1
expect 2 eval coco "${small[@]}" --data set --journal j --resume --score-thr 0.2
refused "another run"
printf 'X' | dd of=j.results bs=1 seek=3 conv=notrunc 2>/dev/null
expect 0 eval coco "${small[@]}" --data set --json --journal j --resume
identical "$out" one.json
echo old >j.results
expect 1 eval coco "${small[@]}" --data set --journal j
refused j.results
expect 0 eval coco "${small[@]}" --data set --journal j --overwrite --limit 1
absent j j.results

# Pictures that are missing or damaged.
cp -r set broken
rm broken/val2017/4d09672bcf5a.png
expect 1 eval coco "${small[@]}" --data broken
refused 4d09672bcf5a.png "not there" keep-going
head -c 3000 "$nuclei/4d09672bcf5a.png" >broken/val2017/4d09672bcf5a.png
expect 1 eval coco "${small[@]}" --data broken --journal k
says 4d09672bcf5a.png
expect 3 eval coco "${small[@]}" --data broken --journal k --resume --keep-going --json
cp "$out" broken.json
says "1 of 3 pictures were skipped"
tool check_json file broken.json skipped '#'
same "skipped" 1 "$told"
tool check_json file broken.json params images
same "images scored" 2 "$told"
cp "$nuclei/4d09672bcf5a.png" broken/val2017
expect 0 eval coco "${small[@]}" --data broken --journal k --resume --keep-going --json
identical "$out" one.json
# A picture of another size than it was annotated at.
cp "$nuclei/76c44d1addac.png" broken/val2017/4d09672bcf5a.png
expect 1 eval coco "${small[@]}" --data broken --journal k2
says "annotated at"
rm -f k2*

# What does not fit.
sed 's/"name":"nucleus"/"name":"zebra"/' $truth >zebra.json
expect 2 eval coco --annotations zebra.json --images "$nuclei"
refused zebra nucleus
sed 's/"segmentation":/"x":/g' $truth >bare.json
expect 2 eval coco --annotations bare.json --images "$nuclei" --kind segm
refused "no masks"
expect 0 eval coco "${small[@]}" --annotations bare.json --images "$nuclei" --json --limit 1
grep -q segm "$out" && fail "masks are scored without any"
sed '0,/"segmentation":\[\[/s//"segmentation":[["x",/' $truth >bad.json
expect 1 eval coco --annotations bad.json --images "$nuclei"
refused bad.json "id "
expect 2 eval coco --data set --annotations $truth --images "$nuclei"
refused data
expect 2 eval coco
refused data
expect 1 eval coco --data set --split train2017
refused train2017
expect 2 eval coco --data set --skip 3
refused skip
expect 2 eval coco --data set --no-masks --kind segm
refused no-masks
expect 2 eval coco --data set --categories zebra
refused zebra
expect 1 eval coco -m "$data/models/mini_official.pth" --data set
refused segmentation
expect 1 eval coco --data set --save-pred one
refused one.bbox.json overwrite

# COCO-O: the mean of the domains, and effective robustness.
for domain in sketch weather cartoon painting tattoo handmake; do
    mkdir -p o/$domain
    cp -r set/annotations set/val2017 o/$domain
done
expect 0 eval coco-o "${small[@]}" --data o --json --limit 1 --coco-ap 50 --save-pred o/pred \
    --report o.html
cp "$out" o.json
expect 0 eval coco "${small[@]}" --data set --kind bbox --json --limit 1
cp "$out" alone.json
tool check_json file alone.json bbox stats 0
alone=$told
tool check_json file o.json domains weather bbox stats 0
same "AP of a domain" "$alone" "$told"
tool check_json file o.json domains '#'
same "domains" 6 "$told"
tool check_json file o.json mean_AP
mean=$told
tool check_json file o.json effective_robustness
awk -v a="$alone" -v m="$mean" -v e="$told" \
    'BEGIN { d = a - m; f = m - 0.45 * 0.5 - e; exit !(d * d < 1e-20 && f * f < 1e-20) }' ||
    fail "AP $alone, mean $mean, robustness $told"
[ -f o/pred.tattoo.bbox.json ] || fail "no detections of a domain"
grep -q tattoo o.html || fail "the page has no domain"
expect 0 eval coco-o "${small[@]}" --data o --limit 1 --domains sketch,tattoo
prints "sketch"
prints "needs"
rm -r o/painting
expect 1 eval coco-o "${small[@]}" --data o
refused painting
finish
