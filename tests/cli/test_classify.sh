# `cnx classify`: results in every form, ensembles, views of a picture, and what is refused.
. "$(dirname "$0")/lib.sh"
mini=$data/models/mini_cls_official.pth
hf=$data/models/mini_cls_hf.safetensors
v2=$data/models/mini_v2_cls_official.pth
a=$data/images/a.png
wide=$data/images/wide.png

# The golden picture at its golden size, by every spelling of the same weights.
for model in "$mini" "$hf" "$data/models/mini_cls_mmpretrain.pth" \
    "$source"/tests/data/checkpoints/mini_cls_t*; do
    expect 0 classify -m "$model" "$a" --size 64 --json
    cp "$out" one.json
    tool check_json file one.json file
    same "file" "$a" "$told"
    tool check_json file one.json top '#'
    same "classes told" 5 "$told"
    tool check_json file one.json top 0 class
    same "the likeliest" 2 "$told"
    tool check_json file one.json top 1 class
    same "the second" 5 "$told"
    tool check_json file one.json top 0 name
    same "its name" "class 2" "$told"
    tool check_json file one.json top 0 prob
    echo "$told" | awk '{ exit !($1 > 0.43182 && $1 < 0.43184) }' || fail "probability $told"
done

# Text and CSV: the same classes in the same order.
expect 0 classify -m "$mini" "$a" "$wide" --size 64 --top 3
same "lines" 8 "$(wc -l <"$out")"
same "classes" "2 5 4" "$(sed -n 2,4p "$out" | awk '{ print $3 }' | xargs)"
prints "43.1827 %"
expect 0 classify -m "$mini" "$a" "$wide" --size 64 --top 3 --csv
same "header" "file,rank,class,name,prob" "$(head -n 1 "$out")"
same "lines" 7 "$(wc -l <"$out")"
same "a line" "$a,1,2,class 2,0.4318" "$(sed -n 2p "$out" | cut -c "-$((${#a} + 19))")"
# More classes than there are: all of them.
expect 0 classify -m "$mini" "$a" --size 64 --top 1000
same "lines" 7 "$(wc -l <"$out")"

# Saved scores: the golden logits' shape; the same bytes for any threads, jobs and order.
expect 0 classify -m "$mini" "$a" "$wide" --size 64 --save logits,prob -o saved
folder saved a_logits.npy a_prob.npy wide_logits.npy wide_prob.npy
tool check_npy shape saved/a_logits.npy
same "shape" "float32 6" "$told"
tool check_npy near saved/a_logits.npy "$data/cls/mini_cls_a_64/logits.npy" 2e-5 1e-4
for flags in "--threads 1" "--threads 2 --jobs 2" "--jobs 1"; do
    # shellcheck disable=SC2086
    expect 0 classify -m "$mini" "$wide" "$a" --size 64 --save logits -o again --overwrite $flags
    identical saved/a_logits.npy again/a_logits.npy
    identical saved/wide_logits.npy again/wide_logits.npy
done
expect 1 classify -m "$mini" "$a" --save logits -o saved
refused "is there already" "--overwrite"

# Views.
expect 0 classify -m "$mini" "$a" --dry-run
prints "network 224x224"
expect 0 classify -m "$mini" "$a" --size 384 --dry-run --json
cp "$out" plan.json
tool check_json file plan.json network width
same "network" 384 "$told"
expect 0 classify -m "$mini" "$a" --no-resize --dry-run
prints "network 131x97"
expect 0 classify -m "$mini" "$a" --no-resize
says "as it is"
expect 0 classify -m "$mini" "$a" --size 384
says "squashed to 384x384"
expect 2 classify -m "$mini" "$a" --no-resize --size 64
refused "exclude"
expect 1 classify -m "$mini" "$data/images/tiny.png" "$data/bad/img_small_20x20.png" --no-resize
refused "img_small_20x20.png" "32 x 32" "--size"
# An orientation is ignored, as the official evaluation does, unless asked for.
expect 0 classify -m "$mini" "$data/decode/exif6.jpg" --no-resize --dry-run
prints "network 131x97"
expect 0 classify -m "$mini" "$data/decode/exif6.jpg" --no-resize --dry-run --exif apply
prints "network 97x131"
# A name that tells of another size.
cp "$mini" net_384.pth
expect 0 classify -m net_384.pth "$a"
says "warning"
says "--size 384"
expect 0 classify -m net_384.pth "$a" --size 224
if grep -q warning "$err"; then fail "warned in vain"; else pass; fi

# Ensembles: twice the same model is that model; averages of two lie between.
expect 0 classify -m "$mini" -m "$hf" "$a" --size 64 --save prob -o twice
tool check_npy near saved/a_prob.npy twice/a_prob.npy 1e-6 0
expect 0 classify -m "$mini" -m "$v2" "$a" --size 64 --save prob -o both --weights 1,0
tool check_npy near saved/a_prob.npy both/a_prob.npy 1e-6 0
expect 0 classify -m "$v2" "$a" --size 64 --save prob,logits -o v2
expect 0 classify -m "$mini" -m "$v2" "$a" --size 64 --save prob -o mean --top 6 --csv
says "weight 0.5"
average() { # FILE: probability of class 2, weighted
    awk -F, -v c=2 '$3 == c { print $5 }' "$1"
}
cp "$out" mean.csv
for model in mini v2; do
    expect 0 classify -m "${!model}" "$a" --size 64 --top 6 --csv
    cp "$out" "$model.csv"
done
echo "$(average mini.csv) $(average v2.csv) $(average mean.csv)" |
    awk '{ d = ($1 + $2) / 2 - $3; exit !(d < 1e-7 && d > -1e-7) }' ||
    fail "mean of $(average mini.csv) and $(average v2.csv): $(average mean.csv)"
expect 0 classify -m "$mini" -m "$v2" "$a" --size 64 --top 6 --csv --weights 3,1
cp "$out" three.csv
echo "$(average mini.csv) $(average v2.csv) $(average three.csv)" |
    awk '{ d = ($1 * 3 + $2) / 4 - $3; exit !(d < 1e-7 && d > -1e-7) }' ||
    fail "weighted mean: $(average three.csv)"
expect 0 classify -m "$mini" -m "$v2" "$a" --size 64 --average logits --save logits -o logits
if cmp -s logits/a_logits.npy saved/a_logits.npy; then fail "the second model was not asked"; fi
expect 0 classify -m "$mini" -m "$hf" "$a" --size 64 --weights f16,1,1 --kernels ref
says "weights f16"
expect 2 classify -m "$mini" -m "$v2" "$a" --save logits -o no
refused "--average" "prob"
expect 2 classify -m "$mini" -m "$v2" "$a" --weights 1,2,3
refused "--weights" "3 numbers" "2 models"
expect 2 classify -m "$mini" "$a" --weights 1,2
refused "2 numbers" "1 model"
for wrong in --weights=-1,2 --weights=x,1 --weights=1,, --weights=0,0 --top=0 --size=8 --average=max; do
    expect 2 classify -m "$mini" -m "$v2" "$a" "$wrong"
    refused "${wrong%%=*}"
done
expect 2 classify -m "$mini" "$a" --average logits
refused "several models"
expect 0 classify -m "$mini" "$a" --weights f16 --kernels ref
"$tools/../bench/make_checkpoint" --variant isotropic_small --head linear --depths 1,1,1,1 \
    --classes 7 odd.safetensors >/dev/null || fail "make_checkpoint"
expect 1 classify -m "$mini" -m odd.safetensors "$a"
refused "odd.safetensors has 7 classes" "has 6"

# ImageNet's names, for a thousand outputs; none are known for 21,841.
"$tools/../bench/make_checkpoint" --variant atto --head linear --dims 4,8,12,16 k.safetensors >/dev/null
expect 0 classify -m k.safetensors "$a" --json --top 1000
cp "$out" k.json
grep -qF '"name":"tench, Tinca tinca"' k.json || fail "no tench"
"$tools/../bench/make_checkpoint" --variant atto --head linear --dims 4,8,12,16 --classes 21841 \
    k22.safetensors >/dev/null
expect 0 classify -m k22.safetensors "$a"
says "21841 classes (generated)"
expect 0 convert k.safetensors converted.safetensors --set 'pipeline.crop=[64,64]' --dtype f32
expect 0 classify -m converted.safetensors "$a" --save logits -o converted
expect 0 classify -m k.safetensors "$a" --size 64 --save logits -o direct
identical converted/a_logits.npy direct/a_logits.npy
expect 0 info converted.safetensors
prints "short side to 73, middle 64x64"

# Failures.
expect 2 classify "$a"
refused "-m"
expect 2 classify -m "$mini"
refused "no input"
expect 2 classify -m "$mini" "$a" -o out
refused "--save"
expect 2 classify -m "$mini" "$a" --save logits
refused "-o OUT"
expect 2 classify -m "$mini" "$a" --csv --json
refused "exclude"
expect 1 classify -m "$data/models/mini_official.pth" "$a"
refused "segmentation checkpoint" "cnx segment"
expect 1 segment -m "$mini" "$a" -o out
refused "classification checkpoint" "cnx classify"
echo nothing >bad.png
expect 3 classify -m "$mini" bad.png "$a" --json --keep-going
same "lines" 2 "$(wc -l <"$out")"
expect 1 classify -m "$mini" bad.png "$a"
silent
expect 1 classify -m "$mini" "$a" --max-memory 100K
refused "--max-memory"
expect 0 classify -m "$mini" "$a" "$wide" --max-memory 8M -q
same "standard error" "" "$(cat "$err")"
run_stdin classify -m "$mini" - --csv <"$a"
same "standard input" 0 "$code"
prints "standard input,1,2"
absent out
finish
