# The same bytes for any number of threads, in every file that is written.
. "$(dirname "$0")/lib.sh"
everything=label,color,overlay,confidence,prob,logits

compare() { # NAME FLAGS...
    local name=$1 threads file
    shift
    for threads in 1 2 5; do
        expect 0 segment "$@" -o "$name-$threads" --threads $threads
    done
    for file in "$name-1"/*; do
        for threads in 2 5; do identical "$file" "$name-$threads/${file##*/}"; done
    done
}

mini=(-m "$data/models/mini_official.pth")
compare whole "${mini[@]}" "$data/images" --scale none --mode whole --save $everything
compare slide "${mini[@]}" "$data/images/a.png" --scale 300x150 --crop 96x64 --stride 50x40 \
    --save $everything
compare tta "${mini[@]}" "$data/images/a.png" --scale 256x64 --scales 0.5,1,1.75 --flip \
    --mode whole --save label,color,overlay,confidence,prob
compare tta1 "${mini[@]}" "$data/images/a.png" --scale none --scales 0.75,1.25 --tta-rule mmseg1 \
    --mode whole --save prob
[ -n "$sanitized" ] || compare demo "$nuclei/76c44d1addac.png" --save label,prob
finish
