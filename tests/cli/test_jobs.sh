# Several pictures at once: the files, the reports and the failures of one after the other.
. "$(dirname "$0")/lib.sh"
everything=label,color,overlay,confidence,prob,logits
plain=(-m "$data/models/mini_official.pth" --scale none --mode whole)

# Sizes that take turns, so that pictures overtake each other.
mkdir in
for i in 1 2 3 4; do
    cp "$data/images/a.png" "in/a$i.png"
    cp "$data/images/tiny.png" "in/b$i.png"
    cp "$data/images/wide.png" "in/c$i.png"
done
names=$(cd in && echo ./*.png)

# run_jobs JOBS FLAGS...: into out-JOBS.
run_jobs() {
    local jobs=$1
    shift
    expect 0 segment "${plain[@]}" in -o "out-$jobs" --jobs "$jobs" "$@"
}

run_jobs 1 --threads 3 --save $everything --json
tool check_json lines "$out" file
order=$told
for jobs in 2 3 auto; do
    run_jobs $jobs --threads 3 --save $everything --json
    same "files of --jobs $jobs" "$(ls out-1)" "$(ls -A out-$jobs)"
    for file in out-1/*; do identical "$file" "out-$jobs/${file##*/}"; done
    tool check_json lines "$out" file
    same "order of the reports of --jobs $jobs" "$order" "$told"
done
# More of them than threads or pictures.
run_jobs 64 --threads 2 --save label
for name in $names; do identical "out-1/$name" "out-64/$name"; done
expect 0 segment "${plain[@]}" in/a1.png in/b1.png in/c1.png -o few --jobs 2 --threads 5
identical few/c1.png out-1/c1.png

# A picture that fails: those before it are done and none after it.
printf 'no picture' >in/b3.png
for jobs in 1 4; do
    expect 1 segment "${plain[@]}" in -o "stop-$jobs" --threads 4 --jobs $jobs
    refused b3.png
    folder "stop-$jobs" a1.png a2.png a3.png a4.png b1.png b2.png
done
# With --keep-going all the others; the failure stands in its place.
expect 3 segment "${plain[@]}" in -o go --threads 4 --jobs 4 --keep-going --json
refused b3.png
same "pictures done" 11 "$(find go -type f | wc -l)"
same "reports" 12 "$(wc -l <"$out")"
sed -n 7p "$out" | grep -q '"error"' || fail "the failure is not told in its turn"
tool check_json lines "$out" file
same "order of the reports" "$order" "$told"
# The first ones fail, before anything is known of the others.
printf 'no picture' >in/a1.png
printf '' >in/a2.png
expect 3 segment "${plain[@]}" in -o late --threads 3 --jobs 3 --keep-going
same "pictures done" 9 "$(find late -type f | wc -l)"
cp "$data/images/a.png" in/a1.png
cp "$data/images/a.png" in/a2.png
cp "$data/images/tiny.png" in/b3.png

# Memory: one picture at a time where there is not enough for two, and the same results.
expect 0 segment "${plain[@]}" in/a1.png in/a2.png --dry-run --json --jobs 1 --threads 4
head -n 1 "$out" >plan.json
tool check_json file plan.json memory total
one=$told
tool check_json file plan.json jobs
same "jobs" 1 "$told"
expect 0 segment "${plain[@]}" in/a1.png in/a2.png --dry-run --json --jobs 2 --threads 4
head -n 1 "$out" >plan.json
tool check_json file plan.json jobs
same "jobs" 2 "$told"
tool check_json file plan.json memory total
[ "$told" -gt "$one" ] || fail "two pictures at once need no more memory than one"
expect 0 segment "${plain[@]}" in/a1.png in/a2.png --dry-run --json --jobs 2 --threads 4 \
    --max-memory "$one"
head -n 1 "$out" >plan.json
tool check_json file plan.json jobs
same "jobs in little memory" 1 "$told"
# The first pictures leave room for several at once, a later one does not.
head -c 1200000 /dev/zero | cat <(printf 'P6 800 500 255\n') - >in/b2.ppm
rm in/b2.png
expect 0 segment "${plain[@]}" in/b2.ppm --dry-run --json --threads 4
tool check_json file "$out" memory total
expect 0 segment "${plain[@]}" in -o tight --threads 4 --jobs 4 --max-memory "$told" --no-progress
same "pictures done in little memory" 12 "$(find tight -type f | wc -l)"
for name in $names; do [ "$name" = ./b2.png ] || identical "out-1/$name" "tight/$name"; done

# Less than the fastest way takes: smaller tiles, then direct convolutions, told by the plan, and the
# same labels; then a refusal.
demo=("$data/../nuclei/76c44d1addac.png" --threads 2)
expect 0 segment "${demo[@]}" --dry-run --json
grep -q '"direct_convolutions":0,"small_tiles":false' "$out" || fail "memory is saved without need"
tool check_json file "$out" memory total
fastest=$told
expect 0 segment "${demo[@]}" -o fastest
expect 0 segment "${demo[@]}" --dry-run --json --max-memory $((fastest - 1))
tool check_json file "$out" memory total
[ "$told" -lt $fastest ] || fail "$told bytes are planned where fewer than $fastest are allowed"
grep -q '"direct_convolutions":0,"small_tiles":true' "$out" || fail "what saves memory: $(cat "$out")"
expect 0 segment "${demo[@]}" -o spared --max-memory $((fastest - 1))
identical spared/76c44d1addac.png fastest/76c44d1addac.png
expect 0 segment "${demo[@]}" --dry-run --max-memory $((fastest - 1))
grep -q 'saved by small tiles' "$out" || fail "the plan in words says nothing of what saves memory"
expect 1 segment "${demo[@]}" -o refused --max-memory $((fastest * 3 / 4))
refused "max-memory"
# Direct convolutions save weights, which are most of it with a wide head and a small picture.
"$tools/../bench/make_checkpoint" --variant atto --channels 128 --classes 5 wide.safetensors >/dev/null
wide=(-m wide.safetensors "$data/images/tiny.png" --scale none --mode whole --threads 2)
expect 0 segment "${wide[@]}" --dry-run --json
tool check_json file "$out" memory total
for spared in 1:0 5000000:3 7000000:4; do
    limit=$((told - ${spared%:*}))
    expect 0 segment "${wide[@]}" --dry-run --json --max-memory $limit
    grep -q "\"direct_convolutions\":${spared#*:}," "$out" || fail "what saves memory: $(cat "$out")"
    expect 0 segment "${wide[@]}" -o "spared-${spared%:*}" --max-memory $limit
done
expect 1 segment "${wide[@]}" -o refused --max-memory $((told - 9000000))
refused "max-memory"

# Standard input is one of the pictures.
last="segment - in --jobs 3"
"$cnx" segment "${plain[@]}" - in -o piped --threads 3 --jobs 3 <in/a1.png >"$out" 2>"$err"
same "exit status with standard input" 0 $?
identical piped/stdin.png out-1/a1.png
same "pictures done" 13 "$(find piped -type f | wc -l)"

for wrong in 0 -1 two 1.5 ''; do
    expect 2 segment "${plain[@]}" in -o o --jobs "$wrong"
    refused --jobs
done
finish
