# `cnx flops` and `cnx list`: figures as stored and as published, every form of the report, refusals.
. "$(dirname "$0")/lib.sh"
model=$data/models/mini_official.pth

# With CNX_UPDATE_EXPECTED=1 the stored copies are replaced by what the program says now.
stored() { # NAME: what stands on standard output is tests/cli/expected/NAME.txt
    [ -z "${CNX_UPDATE_EXPECTED:-}" ] || cp "$out" "$here/expected/$1.txt"
    if diff -u "$here/expected/$1.txt" "$out" >diff.txt; then pass; else
        fail "'$1' has changed: $(head -n 20 diff.txt)"
    fi
}

field() { # WANTED KEY...
    local wanted=$1
    shift
    tool check_json file flops.json "$@"
    same "$*" "$wanted" "$told"
}

# Scratch depends on kernels and threads.
plain="--kernels ref --threads 1"

# ---- figures ----

expect 0 flops upernet_convnext_tiny --size 512x512 $plain
stored flops-tiny
expect 0 flops upernet_convnext_tiny --size 512x512 --convention exact --csv $plain
stored flops-tiny-exact-csv
expect 0 flops --paper
stored flops-paper
expect 0 flops "$model" --size 64x97 --per-layer --set 'name="x"' $plain
sed -i "1s|^$data/||" "$out"
stored flops-mini-layers

expect 0 flops upernet_convnext_tiny --size 512x512 --json
cp "$out" flops.json
same "lines" 1 "$(wc -l <flops.json)"
field 60242636 parameters
field 59318838 parameters_needed
field 234636115968 macs
field 234745211904 flops
field mmcv convention
field 939G published flops
for key in activations_bytes arena_bytes weights_bytes peak_bytes; do
    tool check_json file flops.json $key
    if [ "$told" -gt 1000000 ]; then pass; else fail "$key is $told"; fi
done
expect 0 flops upernet_convnext_tiny --size 512x512 --json --convention macs
cp "$out" flops.json
field 234636115968 flops
expect 0 flops upernet_convnext_tiny --size 512x512 --json --convention exact
cp "$out" flops.json
tool check_json file flops.json flops
if [ "$told" -gt $((2 * 234636115968)) ]; then pass; else fail "exact: $told"; fi

# The layers add up to the whole, in all columns.
expect 0 flops upernet_convnext_small --size 97x131 --per-layer --csv
cp "$out" layers.csv
expect 0 flops upernet_convnext_small --size 97x131 --json
cp "$out" flops.json
column=8
for key in parameters macs flops macs_left activations_bytes weights_bytes; do
    tool check_json file flops.json $key
    same "sum of $key" "$told" \
        "$(awk -F, -v c=$column 'NR > 1 { s += $c } END { printf "%.0f", s }' layers.csv)"
    column=$((column + 1))
done

# A checkpoint costs what the run says, and needs the memory that it foretells.
expect 0 flops nuclei_upernet_convnext_atto --size 640x640 --json $plain
cp "$out" flops.json
field 4158958 parameters
tool check_json file flops.json macs
macs=$told
expect 0 segment --dry-run --json --scale none --mode whole $plain --jobs 1 "$nuclei/76c44d1addac.png"
cp "$out" dry.json
tool check_json lines dry.json width
width=$told
tool check_json lines dry.json height
height=$told
expect 0 flops nuclei_upernet_convnext_atto --size "${height}x$width" --json $plain
cp "$out" flops.json
tool check_json lines dry.json multiply_adds
field "$told" macs
tool check_json lines dry.json memory network
run_arena=$told
tool check_json file flops.json arena_bytes
if [ "$told" -le "$run_arena" ]; then pass; else fail "arena $told, the run says $run_arena"; fi

# ---- names ----

for name in upernet_convnext_tiny upernet_convnext_tiny_512.json \
    upernet_convnext_tiny_1k_512x512.pth; do
    expect 0 flops $name --json
    cp "$out" flops.json
    field upernet_convnext_tiny_512 model
    field "[512,512]" size
done
expect 0 flops upernet_convnext_base_22k_640x640 --json
cp "$out" flops.json
field upernet_convnext_base_640 model
cat >mine.json <<'X'
 {"base": "upernet_convnext_tiny_512.json", "name": "mine", "head": {"classes": 3},
  "classes": ["a", "b", "c"], "palette": [[0, 0, 0], [0, 0, 1], [0, 0, 2]]}
X
expect 0 flops mine.json --size 32x32 --set head.auxiliary=0 --json
cp "$out" flops.json
field $((59318838 - 147 * 513)) parameters
sed -i 's/, "c"]/]/' mine.json
expect 1 flops mine.json
refused mine.json classes
# Classifiers count as they are published.
expect 0 flops convnext_tiny --json
cp "$out" flops.json
field 4455531264 flops
field macs convention
field "[224,224]" size
expect 0 flops convnext_tiny --convention fvcore --size 384x384 --json
cp "$out" flops.json
field 13136004864 flops
expect 0 flops convnext_isotropic_small --kernels ref --threads 1
stored flops-isotropic
# Detectors count regions.
expect 0 flops cascade_mask_rcnn_convnext_tiny --size 1280x800 $plain
stored flops-cascade
expect 0 flops mask_rcnn_convnext_tiny --size 1280x800 --set rpn.max_per_img=500 --json
cp "$out" flops.json
field $((261903600640 - 14304256000 / 2)) macs
field 48095376 parameters
expect 0 flops nuclei_cascade_mask_rcnn_convnext_atto --json
cp "$out" flops.json
field 5742860 parameters
field "[640,1344]" size

# ---- the picture ----

expect 0 flops upernet_convnext_tiny --size 512x512 --chart tiny.svg $plain
[ -z "${CNX_UPDATE_EXPECTED:-}" ] || cp tiny.svg "$source/docs/flops.svg"
identical tiny.svg "$source/docs/flops.svg"
same "ends of the picture" "1 1" "$(grep -c '^<svg ' tiny.svg) $(grep -c '^</svg>' tiny.svg)"
for word in fusion "stage 3" "60 242 636" "left to do"; do
    if grep -qF "$word" tiny.svg; then pass; else fail "the picture does not say '$word'"; fi
done
expect 1 flops upernet_convnext_tiny --chart tiny.svg
refused tiny.svg --overwrite
expect 0 flops upernet_convnext_tiny --chart tiny.svg --overwrite
cp "$model" 'a<b>&"c.pth'
expect 0 flops 'a<b>&"c.pth' --size 64x64 --chart odd.svg
if grep -qF 'a&lt;b&gt;&amp;"c.pth' odd.svg; then pass; else fail "a name is not escaped"; fi
expect 1 flops upernet_convnext_tiny --chart no/such/folder/x.svg
refused no/such/folder/x.svg

# ---- refusals ----

for size in 0 7x7 31x512 1000000x1000000 512x; do
    expect 2 flops upernet_convnext_tiny --size=$size
    refused --size HxW
    silent
done
expect 0 flops upernet_convnext_tiny --size 65535x65535
expect 2 flops upernet_convnext_tiny --convention mmvc
refused --convention mmcv
expect 2 flops upernet_convnext_tinny
refused upernet_convnext_tinny "upernet_convnext_tiny" "cnx list"
expect 2 flops zzz
refused zzz "cnx list"
expect 2 flops
refused "which model"
expect 2 flops upernet_convnext_tiny upernet_convnext_small
refused "one model"
expect 2 flops upernet_convnext_tiny --csv --json
refused --csv --json
expect 2 flops upernet_convnext_tiny --paper
refused --paper
expect 2 flops upernet_convnext_tiny --config upernet_convnext_small_512
refused --config
expect 2 flops ade20k
refused backbone.depths
echo '{"backbone": {"depths": [3, 3, 9, 0]}}' >bad.json
expect 2 flops bad.json
refused bad.json backbone.depths
echo '{"backbone": ' >bad.json
expect 1 flops bad.json
refused bad.json
expect 1 flops .
refused .

# ---- the list ----

expect 0 list
stored list-models
expect 0 list --json
cp "$out" flops.json
same "lines" 1 "$(wc -l <flops.json)"
field nuclei_upernet_convnext_atto models 0 name
field upernet_convnext_tiny_512 models 2 name
field 939G models 2 published flops
expect 2 list tiny
refused tiny

# ---- its own start ----

# Neither pictures nor OpenBLAS are loaded for a count (tools/bench start: how long that takes).
if [ -z "$sanitized" ] && [ -r /proc/self/maps ]; then
    LD_DEBUG=files "$cnx" flops upernet_convnext_tiny --size 512x512 >/dev/null 2>libraries.txt
    if grep -q libcjson libraries.txt && ! grep -qi 'opencv\|openblas' libraries.txt; then
        pass
    else
        fail "loads more than it needs: $(grep -i -m 3 'opencv\|openblas' libraries.txt)"
    fi
fi
finish
