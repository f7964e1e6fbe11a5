# What goes wrong outside: some inputs bad, no room, no permission, no memory.  One message, the right
# exit status, no partial file, and the other inputs done where that was asked for.
. "$(dirname "$0")/lib.sh"
plain=(-m "$data/models/mini_official.pth" --scale none --mode whole)
mkdir in
cp "$data/images/wide.png" in/a.png
head -c 3000 in/a.png >in/b.png
: >in/c.png
cp "$data/images/tiny.png" in/d.png
echo '<html>' >in/e.jpg
everything=label,color,overlay,confidence,prob,logits

# Without --keep-going the first failure ends the run; what was done before stays.
expect 1 segment "${plain[@]}" in -o stop
refused b.png
folder stop a.png
# With it the others are done.
expect 3 segment "${plain[@]}" in missing.png -o go --keep-going --save $everything
for name in b.png c.png e.jpg missing.png; do says "$name"; done
folder go a.png a_color.png a_overlay.png a_confidence.png a_prob.npy a_logits.npy d.png d_color.png \
    d_overlay.png d_confidence.png d_prob.npy d_logits.npy
expect 0 segment "${plain[@]}" in/a.png in/d.png -o good --save $everything
for file in good/*; do identical "$file" "go/${file##*/}"; done
# Nothing but bad ones: not a single one is done.
run segment "${plain[@]}" in/b.png in/c.png -o none --keep-going
case $code in 1 | 3) pass ;; *) fail "exit status $code" ;; esac
folder none
expect 0 segment "${plain[@]}" in/a.png in/d.png -o all --keep-going
# A picture too small, by the one message; with a resize it is legal.
cp "$data/bad/img_small_20x20.png" small.png
run segment "${plain[@]}" small.png in/a.png -o small --keep-going
same "exit status" 3 "$code"
says small.png
says 32
folder small a.png

# A folder that cannot be made or written.
echo file >plainfile
for out_dir in plainfile plainfile/sub /proc/cnx/none; do
    expect 1 segment "${plain[@]}" in/a.png -o "$out_dir"
    refused "$(echo "$out_dir" | cut -d/ -f1-2)"
done
same "the file" file "$(cat plainfile)"
if [ "$(id -u)" != 0 ]; then
    mkdir sealed
    chmod 555 sealed
    expect 1 segment "${plain[@]}" in/a.png -o sealed
    refused sealed
fi
# A folder where a result should be.
mkdir -p taken/a.png
run segment "${plain[@]}" in/a.png -o taken --overwrite
refused taken/a.png

# No room: files may not grow past 16 kB (as on a full disk, the write fails).
no_room() {
    last="(no room) $*"
    (
        trap '' XFSZ
        ulimit -f 16
        exec timeout --foreground -s KILL "$seconds" "$cnx" "$@"
    ) >"$out" 2>"$err" </dev/null
    code=$?
    check_sound
}
for kind in prob logits; do
    no_room segment "${plain[@]}" in/a.png -o "full-$kind" --save "label,$kind"
    same "exit status without room" 1 "$code"
    refused "a_$kind.npy"
    folder "full-$kind"
done
no_room segment "${plain[@]}" in/d.png in/a.png -o full-go --save label,prob --keep-going
same "exit status without room" 1 "$((code == 3 || code == 1))"
says a_prob.npy
no_room convert "$data/models/mini_official.pth" full.safetensors
same "exit status without room" 1 "$code"
refused full.safetensors
same "files of the failed conversion" "" "$(find . -name '*full.safetensors*')"
if mkdir disk && mount -t tmpfs -o size=32k tmpfs disk 2>/dev/null; then
    expect 1 segment "${plain[@]}" in/a.png -o disk --save label,prob
    refused a_prob.npy
    folder disk
    expect 1 convert "$data/models/mini_official.pth" disk/full.safetensors
    refused full.safetensors
    folder disk
    umount disk
fi
# Standard output that cannot be written.
for command in "info" "segment ${plain[*]} in/a.png -o json --json" "--help" "segment --help"; do
    last="$command >/dev/full"
    # shellcheck disable=SC2086 # words
    "$cnx" $command >/dev/full 2>"$err" </dev/null
    same "exit status with standard output full" 1 $?
    says "standard output"
done
# A reader that goes away is no crash.
"$cnx" info --tensors 2>"$err" | head -n 1 >/dev/null
[ ! -s "$err" ] || fail "a closed pipe: $(cat "$err")"

# Less memory than it takes.
expect 1 segment "${plain[@]}" in/a.png -o tight --max-memory 100K
refused memory
absent tight/a.png
printf 'P6 6000 5000 255\n' >large.ppm
head -c 90000000 /dev/zero >>large.ppm
expect 3 segment "${plain[@]}" large.ppm in/a.png -o tight --max-memory 300M --keep-going
says large.ppm
says memory
folder tight a.png
expect 0 segment "${plain[@]}" in/a.png -o roomy --max-memory 2G
# A keep-ratio bound that nothing could hold.
run segment -m "$data/models/mini_official.pth" --scale 60000x60000 --mode whole in/a.png -o vast \
    --max-memory 1G
refused memory
folder vast
if [ -z "$sanitized" ]; then
    # The system itself has no more.
    last="(little address space) segment large.ppm"
    (
        ulimit -v 700000
        exec timeout --foreground -s KILL "$seconds" "$cnx" segment "${plain[@]}" large.ppm -o limit
    ) >"$out" 2>"$err" </dev/null
    code=$?
    check_sound
    refused memory
    folder limit
fi
finish
