# Ctrl-C and termination during a long run: exit status 130, the results that were finished, nothing
# half-done, nothing temporary.
. "$(dirname "$0")/lib.sh"
cp "$data/images/tiny.png" a.png
printf 'P6 1200 1000 255\n' >b.ppm
head -c 3600000 /dev/zero >>b.ppm
endless=(-m "$data/models/mini_official.pth" --scale none --crop 64x64 --stride 1x1)
everything=label,color,overlay,confidence,prob,logits

# interrupt SIGNAL SECONDS ARGUMENTS...
interrupt() {
    local signal=$1 after=$2 before=$SECONDS
    shift 2
    last="(SIG$signal after $after s) $*"
    timeout --foreground --preserve-status -s "$signal" -k "$seconds" "$after" "$cnx" "$@" \
        >"$out" 2>"$err" </dev/null
    code=$?
    check_sound
    same "exit status" 130 "$code"
    [ $((SECONDS - before)) -le $((after + 20)) ] || fail "took $((SECONDS - before)) seconds"
}

for signal in INT TERM; do
    interrupt $signal 2 segment "${endless[@]}" a.png b.ppm -o "long-$signal" --save $everything
    folder "long-$signal" a.png a_color.png a_overlay.png a_confidence.png a_prob.npy a_logits.npy
done
# --keep-going does not go on after that, and an old result stays.
mkdir old
echo old >old/b.png
interrupt INT 2 segment "${endless[@]}" b.ppm a.png -o old --overwrite --keep-going
folder old b.png
same "the old result" old "$(cat old/b.png)"
# While it waits for standard input.
last="segment - (waiting)"
mkfifo pipe
sleep 30 >pipe &
feeder=$!
timeout --foreground --preserve-status -s INT -k "$seconds" 1 "$cnx" segment "${endless[@]}" - \
    -o waiting <pipe >"$out" 2>"$err"
same "exit status" 130 $?
kill "$feeder" 2>/dev/null
folder waiting
finish
