# `cnx detect`: what it writes in each format, and that nothing is half-written.
. "$(dirname "$0")/lib.sh"
a=$nuclei/76c44d1addac.png b=$nuclei/01d44a26f668.png # 256 x 256 and 360 x 360
# The demo detector on a small picture, with few proposals: what is found does not matter here.
# One thread: several would wait for each other on a busy machine.
small=(--scale 160x160 --set rpn.max_per_img=30 --set rpn.nms_pre=30 --max-det 20 --threads 1)
cp "$a" "street view.png"
cp "$a" 000000000139.png

# count FILE: records of a results file.
count() {
    tool check_json file "$1" '#'
    echo "$told"
}

expect 0 detect "${small[@]}" "street view.png" -o one
silent
says "detection"
folder one detections.json
n=$(count one/detections.json)
[ "$n" -gt 5 ] || fail "only $n nuclei were found"
for ((i = 0; i < n; i++)); do
    tool check_json file one/detections.json $i category_id
    same "category" 1 "$told"
    tool check_json file one/detections.json $i image_id
    same "image" 1 "$told"
    tool check_json file one/detections.json $i bbox '#'
    same "box" 4 "$told"
    tool check_json file one/detections.json $i segmentation size
    same "size" "[256,256]" "$told"
done
tool check_json file one/detections.json 0 file_name
same "name" "street view.png" "$told"

# Formats and pictures together, one run; the picture is drawn over, so it comes last.
all=(--format coco,coco-dataset,labelme,yolo,csv --save overlay,instances)
mkdir -p deep
cp "$a" deep/a.png
expect 0 detect "${small[@]}" "${all[@]}" deep/a.png 000000000139.png -o new/folder/all --json
cp "$out" lines.json
cd new/folder/all || exit 1
folder . detections.json annotations.json detections.csv classes.txt a.json a.txt a_overlay.png \
    a_instances.png 000000000139.json 000000000139.txt 000000000139_overlay.png \
    000000000139_instances.png
same "records" $((2 * n)) "$(count detections.json)"
tool check_json file detections.json 0 image_id
same "first image" 1 "$told"
tool check_json file detections.json $n image_id
same "second image" 139 "$told"
tool check_json file annotations.json images '#'
same "images" 2 "$told"
tool check_json file annotations.json images 1
same "image entry" '{"id":139,"file_name":"000000000139.png","width":256,"height":256}' "$told"
tool check_json file annotations.json annotations '#'
same "annotations" $((2 * n)) "$told"
tool check_json file annotations.json categories 0 name
same "category" nucleus "$told"
tool check_json file a.json imagePath
same "path to the picture" ../../../deep/a.png "$told"
[ -f "$told" ] || fail "$told is not there"
tool check_json file a.json shapes 0 shape_type
same "shape" polygon "$told"
same "classes.txt" nucleus "$(cat classes.txt)"
same "lines of YOLO" "$n" "$(wc -l <a.txt)"
same "lines of CSV" $((2 * n + 1)) "$(wc -l <detections.csv)"
grep -q '^a.png,1,1,1,nucleus,0\.' detections.csv || fail "CSV: $(sed -n 2p detections.csv)"
tool check_png facts a_instances.png
same "instances" "256 256 16 0 0" "$told"
tool check_png histogram a_instances.png
# Every id lies in 1..n, and most things are seen.
echo "$told" | awk -v n="$n" '$1 > n { bad = 1 } END { exit bad || NR < n / 2 }' ||
    fail "instances: $told"
tool check_png facts a_overlay.png
same "overlay" "256 256 8 2 0" "$told"
cmp -s a_overlay.png "$a" && fail "the overlay is the picture"
cd "$work" || exit 1
tool check_json lines lines.json detections '#'
same "detections in --json" "$n $n" "$(echo "$told" | xargs)"
tool check_json lines lines.json outputs '#'
same "outputs in --json" "4 4" "$(echo "$told" | xargs)"
tool check_json lines lines.json image_id
same "image ids in --json" "1 139" "$(echo "$told" | xargs)"

# With sanitizers once through is enough: what follows differs in what is asked for.
if [ -z "$sanitized" ]; then
# Polygons; boxes alone; masks without boxes.
expect 0 detect "${small[@]}" "$a" -o polygons --format coco-polygons
tool check_json file polygons/detections.json 0 segmentation 0 '#'
before=$told
expect 0 detect "${small[@]}" "$a" -o fewer --format coco-polygons --tolerance 2
tool check_json file fewer/detections.json 0 segmentation 0 '#'
[ "$told" -lt "$before" ] || fail "--tolerance 2: $told numbers, $before without"
expect 0 detect "${small[@]}" "$a" -o bare --no-masks --format coco,labelme,yolo --save overlay
same "records without masks" "$n" "$(count bare/detections.json)"
grep -q segmentation bare/detections.json && fail "--no-masks writes masks"
tool check_json file bare/76c44d1addac.json shapes 0 shape_type
same "shape" rectangle "$told"
awk 'NF != 5 { exit 1 }' bare/76c44d1addac.txt || fail "YOLO boxes: $(head -n 1 bare/*.txt)"
expect 0 detect "${small[@]}" "$a" -o nobox --no-boxes
grep -q bbox nobox/detections.json && fail "--no-boxes writes boxes"

# Rules.
expect 0 detect "${small[@]}" "$a" -o high --score-thr 0.9
high=$(count high/detections.json)
[ "$high" -lt "$n" ] || fail "--score-thr 0.9 leaves $high of $n"
expect 0 detect "${small[@]}" "$a" -o three --max-det 3
same "--max-det 3" 3 "$(count three/detections.json)"
expect 0 detect "${small[@]}" "$a" -o none --score-thr 1 --format coco,coco-dataset,labelme,yolo,csv \
    --save overlay,instances
same "nothing found" 0 "$(count none/detections.json)"
tool check_json file none/annotations.json annotations '#'
same "no annotations" 0 "$told"
tool check_json file none/annotations.json images '#'
same "its image" 1 "$told"
same "an empty YOLO file" 0 "$(wc -c <none/76c44d1addac.txt)"
same "the head of a CSV" 1 "$(wc -l <none/detections.csv)"
tool check_png same none/76c44d1addac_overlay.png "$a"
expect 0 detect "${small[@]}" "$a" -o only --only Nucleus
cmp -s only/detections.json polygons/detections.json && fail "formats are the same"
same "--only the one class" "$n" "$(count only/detections.json)"
expect 2 detect "${small[@]}" "$a" -o x --only nucleu
refused nucleu "did you mean"
expect 2 detect "${small[@]}" "$a" -o x --only nucleus,
refused "name is missing"
absent x

# An overlay shows what is likely; --show-thr says what is.
expect 0 detect "${small[@]}" "$a" -o shown --format csv --save overlay --show-thr 1
tool check_png same shown/76c44d1addac_overlay.png "$a"
expect 0 detect "${small[@]}" "$a" -o shown --format csv --save overlay --show-thr 0 --overwrite \
    --color-by class --opacity 1
cmp -s shown/76c44d1addac_overlay.png new/folder/all/a_overlay.png && fail "overlays are the same"
fi

# The same bytes for any number of threads and jobs.
expect 0 detect "${small[@]}" "${all[@]}" deep/a.png 000000000139.png -o again --threads 3 --jobs 2
for file in new/folder/all/*; do
    case $file in */a.json | */000000000139.json) continue ;; esac # imagePath differs
    identical "$file" "again/${file##*/}"
done

# What does not fit together.
expect 2 detect "$a" -o x --format coco,coco-polygons
refused coco-polygons
expect 2 detect "$a" -o x --no-masks --save instances
refused no-masks
expect 2 detect "$a" -o x --no-masks --no-boxes
refused nothing
expect 2 detect "$a" -o x --no-masks --mask-thr 0.5
refused mask-thr
expect 2 detect "$a" -o x --format xml
refused format
cp "$a" detections.png
expect 2 detect detections.png -o x --format coco,labelme
refused detections.json
cp "$a" 139.png
expect 2 detect 139.png 000000000139.png -o x
refused "number 139"
expect 1 detect -m "$data/models/mini_official.pth" "$a" -o x
refused segmentation
expect 1 segment -m nuclei_cascade_mask_rcnn_convnext_atto "$a" -o x
refused detection
absent x

# What is there stays, unless --overwrite; an input is never replaced.
echo mine >one/detections.json
expect 1 detect "${small[@]}" "$a" -o one
refused one/detections.json overwrite
same "the old file" mine "$(cat one/detections.json)"
expect 0 detect "${small[@]}" "street view.png" -o one --overwrite
same "records again" "$n" "$(count one/detections.json)"
folder one detections.json
mkdir trap
cp "$a" trap/x_overlay.png
cp "$a" trap/x.png
run detect "${small[@]}" trap/x.png trap/x_overlay.png -o trap --overwrite --save overlay
refused x_overlay.png
identical trap/x_overlay.png "$a"

# A failure ends the run without the run's files; with --keep-going the others are there.
echo nothing >bad.png
expect 1 detect "${small[@]}" "$a" bad.png -o failed --format coco,labelme
refused bad.png
folder failed 76c44d1addac.json
expect 3 detect "${small[@]}" bad.png "$a" -o kept --keep-going --format coco,csv
folder kept detections.json detections.csv
same "records of the sound picture" "$n" "$(count kept/detections.json)"
tool check_json file kept/detections.json 0 image_id
same "its number is that of its place" 2 "$told"
expect 1 detect "${small[@]}" bad.png -o lost --keep-going
folder lost

# A dry run tells and writes nothing.
expect 0 detect "$a" "$b" -o dry --dry-run
prints "256x256, network 640x640"
absent dry
expect 0 detect "$a" --dry-run --json
cp "$out" dry.json
tool check_json file dry.json memory total
tool check_json file dry.json multiply_adds
expect 1 detect "$a" -o x --max-memory 1M
refused max-memory
expect 1 detect "$a" -o x --max-memory 20M
refused max-memory

# Standard input.
run_stdin detect "${small[@]}" - -o stdin --format labelme <"$a"
same "exit status" 0 "$code"
folder stdin stdin.json
tool check_json file stdin/stdin.json imagePath
same "path of standard input" stdin "$told"
finish
