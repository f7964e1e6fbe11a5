# OpenCV is a module that the first picture loads: what is said when it cannot be, and what works
# without it.
. "$(dirname "$0")/lib.sh"
module=$(find "$(dirname "$cnx")/.." -maxdepth 2 -path '*/cnx-modules-*/cnx-opencv.so')
[ -n "$module" ] || exit 77 # linked in
plain=(-m "$data/models/mini_official.pth" --scale none --mode whole "$data/images/tiny.png")

expect 0 segment "${plain[@]}" -o plain
export CNX_IMAGE_MODULE=$module
expect 0 segment "${plain[@]}" -o chosen
identical plain/tiny.png chosen/tiny.png

# One that is not there, one that is no library, a library that is no module.
export CNX_IMAGE_MODULE=$work/absent.so
expect 1 segment "${plain[@]}" -o none
refused tiny.png
says "absent.so does not exist"
says CNX_IMAGE_MODULE
echo text >text.so
for file in "$work/text.so" libz.so.1; do
    if [ "$file" = libz.so.1 ]; then
        file=$(ldd "$cnx" | awk '$1 == "libz.so.1" { print $3 }')
    fi
    export CNX_IMAGE_MODULE=$file
    expect 1 segment "${plain[@]}" -o none
    refused tiny.png
    says "$file"
done

# Nothing that decodes no picture asks for it.
export CNX_IMAGE_MODULE=$work/absent.so
expect 0 --help
expect 0 info "$data/models/mini_official.pth"
expect 0 segment "${plain[@]}" -o none --dry-run
finish
