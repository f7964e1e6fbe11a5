# Ways to name pictures: files, folders, patterns, lists, standard input; EXIF orientation; stems that
# collide.
. "$(dirname "$0")/lib.sh"
plain=(-m "$data/models/mini_official.pth" --scale none --mode whole)
mkdir -p in/sub
cp "$data/images/wide.png" in/b.png
cp "$data/images/a.png" in/a.png
cp "$data/images/tiny.png" in/.hidden.png
cp "$data/images/tiny.png" in/sub/c.png
echo "no picture" >in/notes.txt

# A folder: its pictures, not its subfolders, hidden files or other files.
expect 0 segment "${plain[@]}" in -o folder
folder folder a.png b.png
# A pattern the shell did not expand; a file whose name looks like one wins over it.
expect 0 segment "${plain[@]}" 'in/[ab].png' -o pattern
folder pattern a.png b.png
cp in/a.png 'in/[x].png'
expect 0 segment "${plain[@]}" 'in/[x].png' -o literal
folder literal '[x].png'
rm 'in/[x].png'
expect 0 segment "${plain[@]}" 'in/sub/*.png' in/b.png -o several
folder several b.png c.png
# A list, with blank lines and remarks, and without a line end at its end.
printf 'in/a.png\n\n# remark\nin/sub\nin/b.png' >list.txt
expect 0 segment "${plain[@]}" @list.txt -o list
folder list a.png b.png c.png
printf 'in/a.png\r\nin/b.png\r\n' >dos.txt
expect 0 segment "${plain[@]}" @dos.txt -o dos
folder dos a.png b.png
# Standard input.
run_stdin segment "${plain[@]}" - -o stdin <in/a.png
same "exit status" 0 "$code"
folder stdin stdin.png
identical stdin/stdin.png folder/a.png
run_stdin segment "${plain[@]}" - -o empty </dev/null
refused "standard input"
folder empty
run_stdin segment "${plain[@]}" - - -o twice <in/a.png
refused
# A name that begins with a dash.
cp in/b.png ./-b.png
expect 0 segment "${plain[@]}" -o dash -- -b.png
folder dash -b.png
# One picture by two names is still two inputs of one stem.
for pair in "in/a.png in/a.png" "in/a.png other/a.jpg" "in in/b.png"; do
    mkdir -p other
    cp in/a.png other/a.jpg
    # shellcheck disable=SC2086 # two operands
    expect 2 segment "${plain[@]}" $pair -o collide
    refused "in/"
    absent collide
done
# a with its _color and a picture named a_color collide as well.
cp in/a.png in/a_color.png
expect 2 segment "${plain[@]}" in/a.png in/a_color.png -o suffix --save label,color
refused "a_color"
absent suffix
expect 0 segment "${plain[@]}" in/a.png in/a_color.png -o suffix --save label
rm in/a_color.png

# What is not there.
expect 1 segment "${plain[@]}" missing.png -o none
refused missing.png
expect 1 segment "${plain[@]}" 'in/*.tiff' -o none
refused 'in/*.tiff'
expect 1 segment "${plain[@]}" @missing.txt -o none
refused missing.txt
mkdir hollow
expect 1 segment "${plain[@]}" hollow -o none
refused hollow
folder none

# EXIF orientation 6 turns 131 x 97 into 97 x 131; the flag leaves it.
cp "$data/decode/exif6.jpg" turned.jpg
expect 0 segment "${plain[@]}" turned.jpg -o turned
tool check_png facts turned/turned.png
same "EXIF applied" "97 131" "${told:0:6}"
expect 0 segment "${plain[@]}" turned.jpg -o ignored --exif ignore
tool check_png facts ignored/turned.png
same "EXIF ignored" "131 97" "${told:0:6}"
finish
