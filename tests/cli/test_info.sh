# `cnx info`: what a model is, for people and as JSON; what is wrong with a model that cannot be used.
. "$(dirname "$0")/lib.sh"
model=$data/models/mini_official.pth

field() { # WANTED KEY...
    local wanted=$1
    shift
    tool check_json file info.json "$@"
    same "$*" "$wanted" "$told"
}

expect 0 info "$model"
for word in upernet classes parameters float32 sha256 "$(sha256sum "$model" | cut -d' ' -f1)"; do
    if grep -qiF -- "$word" "$out"; then pass; else fail "info does not say '$word'"; fi
done
expect 0 info "$model" --json
cp "$out" info.json
same "lines" 1 "$(wc -l <info.json)"
tool check_json lines info.json sha256
same sha256 "$(sha256sum "$model" | cut -d' ' -f1)" "$told"
expect 0 info --tensors "$model"
prints backbone.stages.0.0.dwconv.weight
prints decode_head.conv_seg.bias
expect 0 info "$model" --tensors --json
cp "$out" info.json
tool check_json lines info.json

# The model inside the program.
expect 0 info
prints nucleus
expect 0 info --json
cp "$out" info.json
tool check_json lines info.json
embedded=$(sha256sum "$source/models/nuclei_upernet_convnext_atto.pth" | cut -d' ' -f1)
field "$embedded" sha256

# A detector: kind, shapes and rules, for people and as JSON.
detector=nuclei_cascade_mask_rcnn_convnext_atto
expect 0 info $detector
for word in detection "Cascade Mask R-CNN, 3 stages" "pyramid of 64 channels" \
    "at most 300" "scale 1333x640" "0 missing" "0 unused"; do
    prints "$word"
done
expect 0 info $detector --json
cp "$out" info.json
field detection kind
field cascade_mask_rcnn description head type
field 64 description head channels
field 300 description rcnn max_per_img
field 5742860 parameters needed
expect 0 convert "$source/models/$detector.pth" detector.safetensors --dtype f16
expect 0 info detector.safetensors --json
cp "$out" info.json
field cascade_mask_rcnn description head type
expect 1 segment -m $detector "$data/images/wide.png" -o none
refused "detection checkpoint" "cnx detect"
absent none

# A model that lacks something, or has something of the wrong kind: named, with what was expected.
if [ -n "$shared" ]; then
    bad=$shared/fixtures/seg/bad
    expect 1 info "$bad/missing_key.pth"
    cat "$out" >>"$err"
    refused missing_key.pth backbone.stages.2.0.pwconv2.bias
    expect 1 info "$bad/wrong_shape.pth"
    cat "$out" >>"$err"
    refused backbone.downsample_layers.1.1.weight
    expect 1 info "$bad/wrong_dtype.pth"
    cat "$out" >>"$err"
    refused backbone.downsample_layers.1.1.weight int64
    expect 1 segment -m "$bad/missing_key.pth" "$data/images/wide.png" -o none
    refused missing_key.pth backbone.stages.2.0.pwconv2.bias
    expect 1 segment -m "$bad/wrong_shape.pth" "$data/images/wide.png" -o none
    refused backbone.downsample_layers.1.1.weight
    absent none
    # A classifier is no segmentor, and info still says what it is.
    run info "$shared/fixtures/seg/models/mini_cls_official.pth"
    expect 1 segment -m "$shared/fixtures/seg/models/mini_cls_official.pth" \
        "$data/images/wide.png" -o none
    refused mini_cls_official.pth
    absent none
fi
expect 1 info "$data/bad/text.pth"
refused text.pth
expect 1 info missing.pth
refused missing.pth

# Overrides that contradict the checkpoint, or are none.
expect 0 info "$model" --set 'pipeline.scale=[300,200]'
prints 300
for set in 'pipeline.scle=[3,2]' 'pipeline.scale="big"' 'backbone.depths=[9,9,9,9]' 'head.classes=6' \
    'pipeline.scale=[3,' 'no-equals-sign' '=5' 'pipeline.std=[0,0,0]' 'head.pool_scales=[1,2]'; do
    run info "$model" --set "$set"
    refused
done
echo '{"pipeline": {"mode": "whole", "scale": null}}' >config.json
expect 0 info "$model" --config config.json
echo '{"pipeline": {"mode": "hole"}}' >config.json
run info "$model" --config config.json
refused mode hole
echo '{"pipeline": ' >config.json
run info "$model" --config config.json
refused config.json
run info "$model" --config missing.json
refused missing.json
finish
