# `cnx eval imagenet`: layouts, relatives, journal and resume, reports, and what is refused.
. "$(dirname "$0")/lib.sh"
make_checkpoint=$tools/../bench/make_checkpoint
"$make_checkpoint" --variant atto --head linear --dims 8,12,16,20 --depths 1,1,1,1 k.pth.safetensors >/dev/null
mv k.pth.safetensors k.safetensors
"$make_checkpoint" --variant atto --head linear --dims 4,8,12,16 --depths 1,1,1,1 --seed 7 l.safetensors >/dev/null
"$make_checkpoint" --variant atto --head linear --dims 4,8,12,16 --depths 1,1,1,1 --classes 21841 \
    k22.safetensors >/dev/null
eval=(eval imagenet --size 64)

# What a model takes each of some pictures for becomes their truth: all are right then.
pictures=("$data"/images/*.png "$nuclei"/*.png)
mkdir flat
i=0
for picture in "${pictures[@]}"; do
    cp "$picture" "flat/p$i.png"
    i=$((i + 1))
done
count=$i
expect 0 classify -m k.safetensors flat --size 64 --top 6 --csv -q
cp "$out" told.csv
awk -F, '$2 == 1 { sub(".*/", "", $1); print $1, $3 }' told.csv >right.txt
# The second guess of the first picture, the sixth of the second.
awk -F, '{ sub(".*/", "", $1) }
    $1 == "p0.png" && $2 == 2 || $1 == "p1.png" && $2 == 6 ||
    $1 != "p0.png" && $1 != "p1.png" && $2 == 1 { print $1, $3 }' told.csv >wrong.txt

expect 0 "${eval[@]}" -m k.safetensors --data flat --labels right.txt
prints "top-1  100.000 %  ($count)"
prints "top-5  100.000 %  ($count)"
says "one folder and a list of labels"
absent cnx-eval-k.journal
expect 0 "${eval[@]}" -m k.safetensors --data flat --labels wrong.txt --json --csv c.csv \
    --per-image p.csv --report r.html
cp "$out" wrong.json
tool check_json file wrong.json images
same "images" "$count" "$told"
tool check_json file wrong.json correct1
same "top-1" "$((count - 2))" "$told"
tool check_json file wrong.json correct5
same "top-5" "$((count - 1))" "$told"
tool check_json file wrong.json top1
echo "$told $count" | awk '{ d = $1 - 100 * ($2 - 2) / $2; exit !(d < 1e-9 && d > -1e-9) }' ||
    fail "top1 is $told"
same "lines by class" 1001 "$(wc -l <c.csv)"
same "lines by picture" $((count + 1)) "$(wc -l <p.csv)"
same "rank of the sixth" 6 "$(grep '^p1.png' p.csv | sed 's/.*,//')"
grep -q 'worst mistakes' r.html || fail "no mistakes in the report"
grep -qE 'src="http|href="http' r.html && fail "the report needs a network"
# Any threads and jobs: the same bytes.
for flags in "--threads 1" "--threads 3 --jobs 3" "--jobs 1"; do
    # shellcheck disable=SC2086
    expect 0 "${eval[@]}" -m k.safetensors --data flat --labels wrong.txt --json -q $flags
    identical "$out" wrong.json
done
expect 1 "${eval[@]}" -m k.safetensors --data flat --labels wrong.txt --csv c.csv
refused "c.csv" "--overwrite"

# Cut off and gone on with: the same bytes; nothing else may go on with it.
expect 0 "${eval[@]}" -m k.safetensors --data flat --labels wrong.txt --limit 2 -q --json
echo nothing >flat/p3.png
expect 1 "${eval[@]}" -m k.safetensors --data flat --labels wrong.txt -q
refused "p3.png"
cp "${pictures[3]}" flat/p3.png
expect 1 "${eval[@]}" -m k.safetensors --data flat --labels wrong.txt -q
refused "cnx-eval-k.journal" "--resume"
expect 2 "${eval[@]}" -m k.safetensors --data flat --labels right.txt --resume
refused "cnx-eval-k.journal"
expect 2 eval imagenet -m k.safetensors --data flat --labels wrong.txt --resume --size 96
refused "another run"
expect 0 "${eval[@]}" -m k.safetensors --data flat --labels wrong.txt --resume --json
identical "$out" wrong.json
says "are done already"
absent cnx-eval-k.journal

# Unreadable pictures: one message, or left out and named.
echo nothing >flat/p3.png
expect 3 "${eval[@]}" -m k.safetensors --data flat --labels right.txt --keep-going --json
cp "$out" some.json
tool check_json file some.json skipped '#'
same "skipped" 1 "$told"
says "1 of $count pictures were skipped"
rm -f cnx-eval-k.journal
cp "${pictures[3]}" flat/p3.png

# Folders by WordNet id, and ensembles: weights 1, 0 are the first model alone.
first=$(awk '$1 == "p0.png" { print $2 }' right.txt)
wnid=$(sed -n "$((first + 2))p" c.csv | cut -d, -f2)
mkdir -p set/val/"$wnid" set/val/n01440764
cp flat/p0.png set/val/"$wnid"/
expect 0 "${eval[@]}" -m k.safetensors --data set
prints "top-1  100.000 %  (1)"
says "folders by WordNet id"
cp flat/p0.png set/val/n01440764/
expect 0 "${eval[@]}" -m k.safetensors -m l.safetensors --data set --weights 1,0 --json -q
cp "$out" both.json
expect 0 "${eval[@]}" -m k.safetensors --data set --json -q
tool check_json file both.json top1
both=$told
cp "$out" alone.json
tool check_json file alone.json top1
same "top-1 of the ensemble" "$told" "$both"
expect 0 "${eval[@]}" -m k.safetensors -m l.safetensors --data set --average logits
says "weight 0.5"
mkdir -p set/val/misc
cp flat/p0.png set/val/misc/
expect 1 "${eval[@]}" -m k.safetensors --data set
refused "set/val/misc" "is no class"
rm -r set/val/misc
mkdir -p set/val/n00000001
cp flat/p0.png set/val/n00000001/
expect 1 "${eval[@]}" -m k.safetensors --data set
refused "n00000001" "none of the 1000 classes"
rm -r set/val/n00000001

# Relatives.  n01498041 is the first class of ImageNet-A; the tench is none of its 200.
mkdir -p a/n01498041 c
cp flat/p0.png a/n01498041/
expect 0 "${eval[@]}" -m k.safetensors --data a --variant a --json
cp "$out" a.json
tool check_json file a.json outputs_that_count
same "outputs" 200 "$told"
tool check_json file a.json classes '#'
same "classes" 200 "$told"
expect 1 "${eval[@]}" -m k.safetensors --data set --variant r
refused "n01440764" "200 of ImageNet-R"
expect 0 "${eval[@]}" -m k.safetensors --data a --variant sketch
prints "ImageNet-Sketch: 1 pictures"
for corruption in gaussian_noise shot_noise impulse_noise defocus_blur glass_blur motion_blur \
    zoom_blur snow frost fog brightness contrast elastic_transform pixelate jpeg_compression; do
    for severity in 1 2 3 4 5; do
        mkdir -p "c/$corruption/$severity/$wnid"
        cp flat/p0.png "c/$corruption/$severity/$wnid/"
    done
done
expect 0 "${eval[@]}" -m k.safetensors --data c --variant c --json
cp "$out" c.json
tool check_json file c.json mCE
same "mCE of no error" 0 "$told"
tool check_json file c.json corruptions '#'
same "corruptions" 15 "$told"
# One severity of one corruption wrong: an error of 0.2 there.
mkdir c/fog/3/n01440764 && mv c/fog/3/"$wnid"/p0.png c/fog/3/n01440764/
expect 0 "${eval[@]}" -m k.safetensors --data c --variant c --json --clean-error 0.1
cp "$out" c.json
tool check_json file c.json mCE
echo "$told" | awk '{ d = $1 - 100 * 0.2 / 0.819324 / 15; exit !(d < 1e-9 && d > -1e-9) }' ||
    fail "mCE is $told"
tool check_json file c.json relative_mCE
expect 0 "${eval[@]}" -m k.safetensors --data c --variant c
prints "fog                   0.00    0.00  100.00    0.00    0.00    20.00   24.41"
# Its pictures are taken as they are.
expect 0 eval imagenet -m k.safetensors --data c --variant c --limit 1
says "as it is"
expect 1 eval imagenet -m k.safetensors --data c --variant c --max-memory 200K
refused "limit of"
rm -r c/fog/2 && rm -f cnx-eval-k.journal
expect 0 "${eval[@]}" -m k.safetensors --data c --variant c
prints "mCE    none"

# Other sets.
echo '["cat", "dog", "fish", "bird", "bee", "ant"]' >six.json
mkdir -p six/dog && cp flat/p0.png six/dog/
expect 0 "${eval[@]}" -m "$data/models/mini_cls_official.pth" --data six --classes six.json
prints "6 classes"

# Refusals.
expect 1 "${eval[@]}" -m k22.safetensors --data set
refused "21841 classes" "1000" "22k_1k"
expect 1 "${eval[@]}" -m "$data/models/mini_cls_official.pth" --data set
refused "6 classes" "1000"
expect 1 "${eval[@]}" -m "$data/models/mini_official.pth" --data set
refused "segmentation checkpoint"
expect 1 "${eval[@]}" -m k.safetensors --data nowhere
refused "nowhere"
expect 2 "${eval[@]}" -m k.safetensors
refused "--data"
expect 2 "${eval[@]}" --data set
refused "-m"
expect 2 "${eval[@]}" -m k.safetensors --data set --clean-error 0.1
refused "--variant c"
expect 2 "${eval[@]}" -m k.safetensors --data set extra
refused "extra"
expect 1 "${eval[@]}" -m k.safetensors --data flat
refused "without a class" "--labels"
absent cnx-eval-k.journal
finish
