# Every malformed or hostile file gets the verdict that the manifest states: a message that names it,
# a non-zero exit status, nothing written, soon, and without much memory.
. "$(dirname "$0")/lib.sh"
seconds=10
good_model=$data/models/mini_official.pth good_picture=$data/images/wide.png
# Address space that a sound refusal never needs.
[ -n "$sanitized" ] || ulimit -v 3000000

mkdir cwd
cd cwd || exit 1

bad_model() { # FILE VERDICT
    local name
    name=$(basename "$1")
    case $2 in
    reject)
        expect 1 segment -m "$1" --scale none --mode whole "$good_picture" -o ../made
        refused "$name"
        if [ -z "$sanitized" ]; then # they read it alike
            expect 1 info "$1"
            refused "$name"
            expect 1 convert "$1" ../made.safetensors
            refused "$name"
        fi
        absent ../made ../made.safetensors
        ;;
    *) # either way is right, but a model that is accepted must be the one it was made from
        run segment -m "$1" --scale none --mode whole "$good_picture" -o ../either --overwrite
        if [ "$code" = 0 ]; then
            identical ../either/wide.png ../reference/wide.png
            rm ../either/wide.png
        else
            refused "$name"
        fi
        ;;
    esac
    same "files beside the program" "" "$(ls -A)"
}

bad_picture() { # FILE VERDICT
    local name
    name=$(basename "$1")
    run segment -m "$good_model" --scale none --mode whole "$1" -o ../made
    case $2 in
    reject-or-clamp) # too small without a resize, whatever its palette
        refused "$name"
        run segment -m "$good_model" --scale 256x64 --mode whole "$1" -o ../clamped --overwrite
        [ "$code" = 0 ] || refused "$name"
        ;;
    accept-with-resize)
        refused "$name" 32
        expect 0 segment -m "$good_model" --scale 256x64 --mode whole "$1" -o ../resized
        tool check_png facts "../resized/${name%.*}.png"
        same "$name" "1 1 8 3 5" "$told"
        ;;
    *)
        refused "$name"
        same "exit status" 1 "$code"
        run segment -m "$good_model" --scale 256x64 --mode whole "$1" -o ../made --dry-run
        ;;
    esac
    folder ../made
    run_stdin segment -m "$good_model" --scale none --mode whole - -o ../made <"$1"
    refused "standard input"
    folder ../made
}

tree=$data
if [ -n "$shared" ]; then
    tree=$shared/fixtures/seg
    # What is sound in the odd files of that set.
    expect 0 segment -m "$tree/models/crumb_official.pth" --scale none --mode whole "$good_picture" \
        -o ../reference
fi
seen=0
for file in "$tree"/bad/*; do
    verdict=$("$tools/check_json" file "$tree/manifest.json" "bad/$(basename "$file")" expect) ||
        fail "no verdict for $file"
    case $file in
    */img_*) bad_picture "$file" "$verdict" ;;
    *) bad_model "$file" "$verdict" ;;
    esac
    seen=$((seen + 1))
done
[ "$seen" -ge 50 ] || fail "only $seen bad files"
cd ..
absent cwd/PWNED
finish
