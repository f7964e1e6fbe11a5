# `cnx bench`: what it tells is there and fits together; refusals.
. "$(dirname "$0")/lib.sh"
model=$data/models/mini_official.pth

field() { # KEY...: what stands there, in $told
    tool check_json file bench.json "$@"
}

# holds EXPRESSION: of awk, over numbers
holds() {
    if awk "BEGIN { exit !($1) }"; then pass; else fail "not so: $1"; fi
}

number() { # KEY...: prints it
    field "$@"
    echo "$told"
}

expect 0 bench "$model" --size 64x97 --repeats 3 --threads 1,2 --per-layer --json
cp "$out" bench.json
same "lines" 1 "$(wc -l <bench.json)"
median=$(number network_median_s) least=$(number network_min_s) most=$(number network_max_s)
total=$(number total_median_s) load=$(number load_s)
holds "0 < $least && $least <= $median && $median <= $most && $median < $total && 0 < $load"
macs=$(number macs) gflops=$(number gflops) done=$(number gflops_done) peak=$(number peak_gflops)
holds "$gflops > 0.999 * 2e-9 * $macs / $median && $gflops < 1.001 * 2e-9 * $macs / $median"
holds "0 < $done && $done <= $gflops && $peak > 0.01"
holds "$(number peak_rss_bytes) > 1000000"
same "thread counts" "1 2" "$(number sweep 0 threads) $(number sweep 1 threads)"
same "random weights" false "$(number random_weights)"
same size "[64,97]" "$(number size)"
field kernels
field threads
# The fastest of the sweep is what the object tells.
holds "$median <= $(number sweep 0 network_median_s) && $median <= $(number sweep 1 network_median_s)"
# Layers take together what the network takes.
layers=$(number layers '#')
sum=0
for i in $(seq 0 $((layers - 1))); do
    sum="$sum + $(number layers "$i" seconds)"
done
holds "$layers > 30 && $sum > 0 && $sum <= 1.001 * $most"
expect 0 flops "$model" --size 64x97 --json
cp "$out" bench.json
same "multiply-adds" "$macs" "$(number macs)"

# Without a checkpoint; every kind of model; other kernels and weights.
expect 0 bench nuclei_upernet_convnext_atto --size 64x64 --repeats 1 --warmup 0 --threads 1
prints "pictures a second"
prints "of the peak"
prints "peak memory"
small='--set backbone.depths=[1,1,1,1] --set backbone.dims=[8,16,24,32]'
expect 0 bench upernet_convnext_tiny $small --set head.channels=16 --size 64x64 --repeats 1 \
    --kernels ref --threads 1 --per-layer
prints "random weights"
prints "kernels ref"
prints decode_head.fpn_bottleneck
expect 0 bench convnext_tiny $small --size 64x64 --repeats 2 --kernels ref --weights bf16 --json
cp "$out" bench.json
same "random weights" true "$(number random_weights)"
same task classification "$(number task)"
same weights bf16 "$(number weights)"

expect 0 bench nuclei_cascade_mask_rcnn_convnext_atto --size 64x96 --repeats 1 --set rpn.max_per_img=50 \
    --json --per-layer
cp "$out" bench.json
same task detection "$(number task)"
holds "$(number proposals) <= 50 && $(number proposals) > 0"
holds "$(number network_median_s) > $(number phases_median_s boxes) + $(number phases_median_s backbone)"

for wrong in --threads=0 --threads=1.5 --repeats=0 --size=7x7 --size=1000000x1000000 --kernels=abacus; do
    expect 2 bench "$model" "$wrong"
    refused "${wrong%%=*}"
    silent
done
expect 1 bench upernet_convnext_tiny --size 65535x65535
refused 65535x65535 "this machine has"
expect 2 bench upernet_convnext_tinny
refused upernet_convnext_tinny "upernet_convnext_tiny"
expect 2 bench
refused "which model"
expect 2 bench "$model" "$model"
refused "one model"
finish
