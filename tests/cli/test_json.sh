# `cnx segment --json`: one object a picture on standard output, talk on standard error.
. "$(dirname "$0")/lib.sh"
plain=(-m "$data/models/mini_official.pth" --scale none --mode whole)
cp "$data/images/wide.png" 'quote " and
line.png'
cp "$data/images/a.png" "$(printf 'latin\351.png')"

expect 0 segment "${plain[@]}" "$data/images/wide.png" 'quote " and
line.png' latin*.png -o json --json
cp "$out" lines.json
same "lines" 3 "$(wc -l <lines.json)"
tool check_json lines lines.json
tool check_json lines lines.json file
same "file" "$data/images/wide.png" "$(echo "$told" | head -n 1)"
tool check_json lines lines.json width
same "width" "96 96 131" "$(echo "$told" | xargs)"
tool check_json lines lines.json height
same "height" "64 64 97" "$(echo "$told" | xargs)"
tool check_json lines lines.json classes '#'
tool check_json lines lines.json milliseconds
# The shares of a picture's classes add up to one, and are those of the label map.
head -n 1 lines.json >first.json
tool check_json file first.json classes '#'
count=$told
tool check_png histogram json/wide.png
same "number of classes" "$(echo "$told" | wc -l)" "$count"
sum=0
for ((i = 0; i < count; i++)); do
    tool check_json file first.json classes $i share
    sum=$(echo "$sum $told" | awk '{ print $1 + $2 }')
done
echo "$sum" | awk '{ exit !($1 > 0.999 && $1 < 1.001) }' || fail "shares add up to $sum"

# Without --json nothing goes to standard output; with --quiet nothing to standard error.
expect 0 segment "${plain[@]}" "$data/images/wide.png" -o plain
silent
expect 0 segment "${plain[@]}" "$data/images/wide.png" -o quiet --quiet
silent
same "standard error" "" "$(cat "$err")"
# Without any pipeline flag the log line names the pipeline that was taken.
expect 0 segment -m "$data/models/mini_official.pth" "$data/images/tiny.png" -o log
says "512"
# With failures, the pictures that were done have their lines.
echo nothing >bad.png
expect 3 segment "${plain[@]}" bad.png "$data/images/tiny.png" -o some --json --keep-going
cp "$out" some.json
tool check_json lines some.json file
# A dry run tells in JSON as well.
expect 0 segment "${plain[@]}" "$data/images/wide.png" -o dry --json --dry-run
cp "$out" dry.json
tool check_json lines dry.json
absent dry
finish
