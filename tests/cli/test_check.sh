# cnx check: what is wrong with a data set, and the flag that mends it, on data made for the purpose.
. "$(dirname "$0")/lib.sh"

png() { "$tools/make_png" "$@" || fail "make_png $*"; }

# set DIR KIND VALUES...: two pictures of 24 x 16 with such label files, in the layout of ADE20K.
set_of() {
    local dir=$1 kind=$2 name
    shift 2
    mkdir -p "$dir/images/validation" "$dir/annotations/validation"
    for name in a b; do
        png "$dir/images/validation/$name.png" rgb 24 16 9 8 7
        png "$dir/annotations/validation/$name.png" "$kind" 24 16 "$@"
    done
}

# report DIR FLAGS...: the JSON report in report.json; the exit code is 1 when there are problems.
report() {
    run check "$@" --json
    cp "$out" report.json
    tool check_json lines report.json problems
    same "exit code" "$((told > 0))" "$code"
}

# finding CODE KIND [COUNT]: stands in the report.
finding() {
    local codes
    codes=$(grep -o '"kind":"[a-z]*","code":"[a-z-]*"' report.json)
    if grep -qx "\"kind\":\"$2\",\"code\":\"$1\"" <<<"$codes"; then pass; else
        fail "no $2 $1 among: $codes"
    fi
}

no_finding() {
    if grep -q "\"code\":\"$1\"" report.json; then fail "$1 was found"; else pass; fi
}

advises() {
    if grep -qF -- "$1" report.json; then pass; else fail "the report does not say '$1': $(cat report.json)"; fi
}

# ---- sound data ----

set_of good grey8 0 1 2 150
report good --classes ade20k
same "problems" 0 "$told"
tool check_json lines report.json pairs
same "pairs" 2 "$told"
tool check_json lines report.json layout
same "layout" ADE20K "$told"
tool check_json lines report.json values 3 name
same "the last class" flag "$told"
tool check_json lines report.json values 3 pixels
same "its pixels" 192 "$told"
tool check_json lines report.json values 0 ignored
same "0 is left out" true "$told"
expect 0 check good --classes ade20k
prints "no problems"
prints "wall"
expect 0 check --data good --classes ade20k --threads 1
cp "$out" one.txt
expect 0 check --data good --classes ade20k --threads 2
identical one.txt "$out"
# The folder above ADEChallengeData2016 will do.
mkdir above && mv good above/ADEChallengeData2016
expect 0 check above --classes ade20k
mv above/ADEChallengeData2016 good
# Any two folders; the label files alone.
expect 0 check --images good/images --labels good/annotations --classes ade20k
expect 0 check --labels good/annotations --classes ade20k
report good
finding classes-unknown note
advises "--classes ade20k"
for kind in palette8 grey16; do
    set_of "good_$kind" "$kind" 0 3 2 1
    report "good_$kind" --classes 4
    same "problems of $kind" 0 "$told"
    finding looks-black note
done
printf '{"classes": ["sky", "road"], "ignore": 9}' >two.json
set_of own grey4 0 1 9
report own --classes two.json
same "problems" 0 "$told"
report own --classes 2
finding beyond-classes problem
report own --classes 2 --ignore 9
same "problems with --ignore" 0 "$told"

# ---- numbers that were made another way ----

set_of shifted grey8 0 1 2 3
report shifted --classes 3
finding shifted problem
advises "--reduce-zero-label"
no_finding beyond-classes
report shifted --classes 3 --reduce-zero-label
same "problems with the flag" 0 "$told"

set_of reduced grey8 0 0 1 255
report reduced --classes ade20k
finding reduced-already warning
advises "--no-reduce-zero-label"
report reduced --classes ade20k --no-reduce-zero-label
no_finding reduced-already

set_of white grey8 0 255
report white --classes 2
finding black-and-white problem
advises "white becomes 1"
set_of stretched grey8 0 85 170 255
report stretched --classes 4
finding stretched problem
advises "divide them by 85"
set_of instances grey16 7 26001 26002
report instances --classes 19
finding instance-numbers problem
set_of beyond grey8 0 1 77 78
report beyond --classes 19
finding beyond-classes problem
advises "annotations/validation/a.png"
set_of nothing grey8 255
report nothing --classes ade20k
finding black-and-white problem
set_of other grey8 0 0
report other --classes ade20k
finding all-ignored problem

# ---- label files that are none ----

set_of drawn rgb 120 120 120 180 120 120
report drawn --classes ade20k
finding not-a-label-map problem
advises "palette of ade20k"
set_of thrice rgb 1 1 1 2 2 2
report thrice --classes 3
advises "saved three times"
set_of alpha rgba 4 200 6 255 90 3 8 255
report alpha --classes 3
advises "colour map"
set_of coded rgb 0 0 0 7 0 0 232 3 0
report coded --classes 51
advises "imagenet-s50"
report coded --classes imagenet-s50
same "problems of ImageNet-S" 0 "$told"
tool check_json lines report.json values 2 value
same "red + 256 green" 1000 "$told"

# The full ADE20K data set.
mkdir -p full/annotations/validation full/images/validation
png full/images/validation/ADE_val_00000001.png rgb 4 4 1 2 3
png full/annotations/validation/ADE_val_00000001_seg.png rgb 4 4 1 2 3
expect 1 check full
refused "full ADE20K" "ADEChallengeData2016"

# ---- files ----

set_of broken grey8 0 1
for name in cut text turned alone; do cp broken/images/validation/a.png "broken/images/validation/$name.png"; done
head -c 60 broken/annotations/validation/a.png >broken/annotations/validation/cut.png
echo hello >broken/annotations/validation/text.png
png broken/annotations/validation/turned.png grey8 16 24 0 1
png broken/annotations/validation/lonely.png grey8 24 16 0 1
echo >broken/images/validation/b.png
report broken --classes 2
same "problems" 5 "$told"
finding no-label-file problem
finding no-picture problem
finding size-mismatch problem
finding unreadable-label-file problem
finding unreadable-picture problem
advises "EXIF"
expect 1 check broken --classes 2
for name in alone lonely turned cut; do prints "$name.png"; done
prints "5 problems"

# Names that differ in their ends.
mkdir -p ends/images ends/labels
png ends/images/1_image.png rgb 8 8 1 2 3
png ends/labels/1_mask.png grey8 8 8 0 1
report ends --classes 2
advises "--label-suffix"
report ends --classes 2 --image-suffix _image.png --label-suffix _mask.png
same "problems with suffixes" 0 "$told"

# A name that would steer a terminal is shown without its control characters.
mkdir -p odd/images odd/labels
png "odd/images/$(printf 'x\033[31m').png" rgb 8 8 1 2 3
png odd/labels/y.png grey8 8 8 0
expect 1 check odd --classes 2
if grep -q "$(printf '\033')" "$out"; then fail "an escape sequence was printed"; else pass; fi

# ---- usage ----

expect 2 check
refused "which data"
expect 2 check good good
expect 2 check good --labels good/annotations
expect 2 check good --reduce-zero-label --no-reduce-zero-label
refused "contradict"
expect 1 check nowhere
refused "nowhere" "not a folder"
mkdir -p bare/images/validation bare/annotations/validation
expect 1 check bare
refused "bare/images/validation" "no picture"
expect 1 check good --classes nosuchset
refused "nosuchset"
expect 1 check good --split training
refused "images/training"
finish
