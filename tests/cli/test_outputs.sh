# What `cnx segment` writes: names, kinds and contents of each --save, and that nothing is replaced
# unless asked.
. "$(dirname "$0")/lib.sh"
model=$data/models/mini_official.pth # 5 classes
cp "$data/images/wide.png" "street view.png" # 96 x 64
picture="street view.png"
plain=(-m "$model" --scale none --mode whole)

expect 0 segment "${plain[@]}" "$picture" -o one
silent
folder one "street view.png"

everything=label,color,overlay,confidence,prob,logits
expect 0 segment "${plain[@]}" "$picture" -o all/new/folder --save "$everything"
cd all/new/folder || exit 1
folder . "street view.png" "street view_color.png" "street view_overlay.png" \
    "street view_confidence.png" "street view_prob.npy" "street view_logits.npy"
identical "street view.png" "$work/one/street view.png"
tool check_png facts "street view.png"
same "label PNG" "96 64 8 3 5" "$told"
tool check_png facts "street view_color.png"
same "colour PNG" "96 64 8 2 0" "$told"
tool check_png colours "street view.png" "street view_color.png"
tool check_png facts "street view_confidence.png"
same "confidence PNG" "96 64 8 0 0" "$told"
tool check_npy shape "street view_prob.npy"
same "prob" "float32 5 64 96" "$told"
tool check_npy shape "street view_logits.npy"
same "logits" "float32 5 64 96" "$told"
tool check_png facts "street view_overlay.png"
case $told in "96 "[0-9]*" 8 2 0") pass ;; *) fail "overlay: $told" ;; esac
# The legend stands below the picture.
[ "$(echo "$told" | cut -d' ' -f2)" -gt 64 ] || fail "the overlay has no legend: $told"
cd "$work" || exit 1

# --save alone and repeated; a flag given twice adds up.
expect 0 segment "${plain[@]}" "$picture" -o two --save color --save prob
folder two "street view_color.png" "street view_prob.npy"

# Opacity: 0 leaves the picture as it is, 1 hides it.
expect 0 segment "${plain[@]}" "$picture" -o clear --save overlay --opacity 0
tool check_png top "clear/street view_overlay.png" "$picture"
expect 0 segment "${plain[@]}" "$picture" -o cover --save overlay,color --opacity 1
tool check_png top "cover/street view_overlay.png" "cover/street view_color.png"

# An offset moves every value, and the palette with them.
expect 0 segment "${plain[@]}" "$picture" -o moved --label-offset 1 --save label,color
tool check_png facts "moved/street view.png"
same "label PNG with offset" "96 64 8 3 6" "$told"
tool check_png colours "moved/street view.png" "moved/street view_color.png"
identical "moved/street view_color.png" "all/new/folder/street view_color.png"
tool check_png histogram "one/street view.png"
plain_histogram=$(echo "$told" | awk '{ print $1 + 1, $2 }')
tool check_png histogram "moved/street view.png"
same "histogram" "$plain_histogram" "$told"
# Beyond 256 values the file is 16-bit grey.
expect 0 segment "${plain[@]}" "$picture" -o far --label-offset 300
tool check_png facts "far/street view.png"
same "16-bit label PNG" "96 64 16 0 0" "$told"
tool check_png histogram "far/street view.png"
same "16-bit histogram" "$(echo "$plain_histogram" | awk '{ print $1 + 299, $2 }')" "$told"
# A model with more classes than that needs no offset; one with 256 still has a palette.
make_checkpoint=$tools/../bench/make_checkpoint
for classes in 256 257; do
    "$make_checkpoint" --depths 1,1,1,1 --dims 8,8,8,8 --channels 8 --auxiliary 0 --classes $classes \
        $classes.safetensors >/dev/null || fail "no model of $classes classes"
    expect 0 segment -m $classes.safetensors --scale none --mode whole "$picture" -o $classes
done
tool check_png facts "256/street view.png"
same "label PNG of 256 classes" "96 64 8 3 256" "$told"
tool check_png facts "257/street view.png"
same "label PNG of 257 classes" "96 64 16 0 0" "$told"
run segment "${plain[@]}" "$picture" -o beyond --label-offset 65535
refused "label-offset"
folder beyond

# What is there stays, unless --overwrite.
echo mine >"one/street view.png"
expect 1 segment "${plain[@]}" "$picture" -o one
refused "one/street view.png" "overwrite"
same "the old file" mine "$(cat "one/street view.png")"
expect 0 segment "${plain[@]}" "$picture" -o one --overwrite
identical "one/street view.png" "all/new/folder/street view.png"
folder one "street view.png"
# Never an input, not even with --overwrite.
cp "$picture" keep.png
run segment "${plain[@]}" "$picture" -o . --overwrite
refused "street view.png"
identical keep.png "$picture"
# Nor the model.
mkdir trap
cp "$model" trap/wide.png
cp "$data/images/wide.png" wide.png
run segment -m trap/wide.png --scale none --mode whole wide.png -o trap --overwrite
refused "wide.png"
identical trap/wide.png "$model"

# An old result survives a run that fails.
mkdir kept
echo old >kept/img_cut.png
head -c 5000 "$data/images/wide.png" >img_cut.png
expect 1 segment "${plain[@]}" img_cut.png -o kept --overwrite
refused img_cut.png
same "the old result" old "$(cat kept/img_cut.png)"
folder kept img_cut.png

# A dry run tells and writes nothing.
expect 0 segment "${plain[@]}" "$picture" -o dry --dry-run
absent dry
expect 0 segment "${plain[@]}" "$picture" --dry-run
# Without -m: the model inside the program.
expect 0 segment "$nuclei/76c44d1addac.png" -o demo
tool check_png facts demo/76c44d1addac.png
same "demo labels" "3" "${told##* }"
finish
