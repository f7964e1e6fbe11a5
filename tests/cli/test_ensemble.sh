# Several -m in cnx segment: the answers of models of the same classes are averaged.
. "$(dirname "$0")/lib.sh"
mini=$data/models/mini_official.pth
hf=$data/models/mini_hf.safetensors
a=$data/images/a.png
plain=("$a" --scale none --mode whole)

expect 0 segment -m "$mini" "${plain[@]}" -o one --save label,prob
# The same weights twice are that model; so is a model beside one of no weight.
expect 0 segment -m "$mini" -m "$hf" "${plain[@]}" -o twice --save label,prob,confidence
identical one/a.png twice/a.png
tool check_npy near one/a_prob.npy twice/a_prob.npy 1e-6 0
says "weight 0.5"
"$tools/../bench/make_checkpoint" --variant atto --dims 8,12,16,20 --depths 1,1,1,1 --channels 8 \
    --classes 5 --seed 9 other.safetensors >/dev/null || fail "make_checkpoint"
expect 0 segment -m "$mini" -m other.safetensors "${plain[@]}" -o none --save label,prob --weights 1,0
identical one/a.png none/a.png
tool check_npy near one/a_prob.npy none/a_prob.npy 1e-7 0
# Otherwise something else comes out, the same for any threads and windows by jobs.
expect 0 segment -m "$mini" -m other.safetensors "${plain[@]}" -o mean --save label,prob --weights f32,1,1
if cmp -s one/a_prob.npy mean/a_prob.npy; then fail "the second model was not asked"; else pass; fi
expect 0 segment -m "$mini" -m other.safetensors "${plain[@]}" -o again --save label,prob --threads 1
identical mean/a_prob.npy again/a_prob.npy
identical mean/a.png again/a.png
expect 0 segment -m "$mini" -m other.safetensors "${plain[@]}" -o logits --save label,logits --average logits
tool check_npy shape logits/a_logits.npy
same "shape" "float32 5 97 131" "$told"
# Windows and augmentation, each model by its own pipeline.
expect 0 segment -m "$mini" -m other.safetensors "$a" --scale none --crop 64x64 --stride 40x40 \
    --scales 1,1.5 --flip -o tta
expect 0 segment -m "$mini" -m other.safetensors "${plain[@]}" --dry-run
prints "2 passes, 2 windows"

expect 2 segment -m "$mini" -m other.safetensors "${plain[@]}" -o no --save logits
refused "--average" "prob"
expect 1 segment -m "$mini" -m "$data/models/micro_official.pth" "${plain[@]}" -o no
refused "micro_official.pth has 7 classes" "has 5"
expect 2 segment -m "$mini" "${plain[@]}" -o no --weights 1,2
refused "2 numbers" "1 model"
expect 2 segment -m "$mini" "${plain[@]}" -o no --average logits
refused "several models"
expect 2 segment -m "$mini" -m other.safetensors "${plain[@]}" --flip -o no --average logits
refused "one scale and no flip"
absent no
finish
