# Ctrl-C and termination during a long run: exit status 130, the results that were finished, nothing
# half-done, nothing temporary.
. "$(dirname "$0")/lib.sh"
cp "$data/images/tiny.png" a.png
printf 'P6 1200 1000 255\n' >b.ppm
head -c 3600000 /dev/zero >>b.ppm
endless=(-m "$data/models/mini_official.pth" --scale none --crop 64x64 --stride 1x1)
everything=label,color,overlay,confidence,prob,logits

# interrupt SIGNAL FOLDER COUNT ARGUMENTS...: sends the signal once FOLDER holds COUNT files, temporary
# ones included, and waits for the end.
interrupt() {
    local signal=$1 dir=$2 count=$3 pid guard tries=0
    shift 3
    last="(SIG$signal) $*"
    set -m # or the shell would start it with SIGINT ignored
    "$cnx" "$@" >"$out" 2>"$err" </dev/null &
    pid=$!
    (
        sleep $((3 * seconds))
        kill -KILL $pid
    ) >/dev/null 2>&1 &
    guard=$!
    set +m
    while [ "$(ls -A "$dir" 2>/dev/null | wc -l)" -lt "$count" ] && [ $tries -lt 1200 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    [ $tries -lt 1200 ] || fail "the run did not get as far as $count files"
    sleep 0.3
    kill -"$signal" $pid
    wait $pid 2>/dev/null
    code=$?
    kill -- -$guard # with its sleep
    wait $guard 2>/dev/null
    check_sound
    same "exit status" 130 "$code"
}

# The first picture is done when all six of its files and those of the second, unfinished, are there.
for signal in INT TERM; do
    interrupt $signal "long-$signal" 12 segment "${endless[@]}" a.png b.ppm -o "long-$signal" \
        --save $everything
    folder "long-$signal" a.png a_color.png a_overlay.png a_confidence.png a_prob.npy a_logits.npy
done
# Several at once: neither leaves anything, the one that was done stays.
cp b.ppm c.ppm
interrupt INT several 18 segment "${endless[@]}" a.png b.ppm c.ppm -o several --save $everything \
    --jobs 3 --threads 3
folder several a.png a_color.png a_overlay.png a_confidence.png a_prob.npy a_logits.npy
says "interrupted after 1 of 3"
# --keep-going does not go on after that, and an old result stays.
mkdir old
echo old >old/b.png
interrupt INT old 2 segment "${endless[@]}" b.ppm a.png -o old --overwrite --keep-going
folder old b.png
same "the old result" old "$(cat old/b.png)"
# While it waits for standard input.
last="segment - (waiting)"
mkfifo pipe
sleep 30 >pipe &
feeder=$!
timeout --foreground --preserve-status -s INT -k "$seconds" 2 "$cnx" segment "${endless[@]}" - \
    -o waiting <pipe >"$out" 2>"$err"
same "exit status" 130 $?
kill "$feeder" 2>/dev/null
folder waiting
finish
