/* Files: those that have no partner, cannot be read, or are of another size or kind than they should. */
#include "datasets/findings_parts.h"

/* Adds the finding of a group, when it has members. */
#define ADD_GROUP(d, group, kind, code, ...)                                                       \
    ((group).count ? cnx_finding_add((d), (kind), (code), __VA_ARGS__) : NULL)

static bool lacks_labels(const cnx_diagnosis *d, size_t i)
{
    return !d->dataset->items[i].labels;
}

static bool lacks_picture(const cnx_diagnosis *d, size_t i)
{
    return !d->dataset->items[i].image;
}

static bool has_bad_picture(const cnx_diagnosis *d, size_t i)
{
    return d->seen->files[i].image_problem;
}

static bool has_bad_labels(const cnx_diagnosis *d, size_t i)
{
    return d->seen->files[i].label_problem && !d->seen->files[i].in_colours;
}

static bool has_other_size(const cnx_diagnosis *d, size_t i)
{
    const cnx_inspected *f = &d->seen->files[i];
    return f->width && f->image_width &&
           (f->width != f->image_width || f->height != f->image_height);
}

static bool is_turned(const cnx_diagnosis *d, size_t i)
{
    const cnx_inspected *f = &d->seen->files[i];
    return has_other_size(d, i) && f->width == f->image_height && f->height == f->image_width;
}

static void diagnose_pairs(cnx_diagnosis *d)
{
    const cnx_finding_group bare = cnx_finding_collect(d, lacks_labels);
    const cnx_finding_group lone = cnx_finding_collect(d, lacks_picture);
    cnx_finding *f = ADD_GROUP(d, bare, CNX_FINDING_PROBLEM, "no-label-file",
                               "%zu picture%s no label file in %s", bare.count,
                               bare.count == 1 ? " has" : "s have", d->dataset->labels);
    cnx_finding_illustrate(f, &bare);
    if (d->dataset->pairs == 0)
        cnx_finding_advise(d, f,
                           "no picture and label file have the same name; where the names differ "
                           "in their ends, say what follows the shared part with --image-suffix "
                           "and --label-suffix");
    if (!d->dataset->images)
        return;
    f = ADD_GROUP(d, lone, CNX_FINDING_PROBLEM, "no-picture", "%zu label file%s no picture in %s",
                  lone.count, lone.count == 1 ? " has" : "s have", d->dataset->images);
    cnx_finding_illustrate(f, &lone);
}

static void diagnose_damage(cnx_diagnosis *d)
{
    const cnx_finding_group labels = cnx_finding_collect(d, has_bad_labels);
    const cnx_finding_group pictures = cnx_finding_collect(d, has_bad_picture);
    cnx_finding *f =
        ADD_GROUP(d, labels, CNX_FINDING_PROBLEM, "unreadable-label-file",
                  "%zu label file%s cannot be used; the first: %s", CNX_COUNTED(labels.count, ""),
                  d->seen->files[labels.examples[0]].label_problem);
    cnx_finding_illustrate(f, &labels);
    f = ADD_GROUP(d, pictures, CNX_FINDING_PROBLEM, "unreadable-picture",
                  "%zu picture%s cannot be used; the first: %s", CNX_COUNTED(pictures.count, ""),
                  d->seen->files[pictures.examples[0]].image_problem);
    cnx_finding_illustrate(f, &pictures);
}

static void diagnose_sizes(cnx_diagnosis *d)
{
    const cnx_finding_group other = cnx_finding_collect(d, has_other_size);
    const cnx_finding_group turned = cnx_finding_collect(d, is_turned);
    const cnx_inspected *first = &d->seen->files[other.examples[0]];
    cnx_finding *f =
        ADD_GROUP(d, other, CNX_FINDING_PROBLEM, "size-mismatch",
                  "%zu label file%s another size than the picture; the first: labels %d x %d, "
                  "picture %d x %d",
                  other.count, other.count == 1 ? " has" : "s have", first->width, first->height,
                  first->image_width, first->image_height);
    cnx_finding_illustrate(f, &other);
    if (turned.count && turned.count == other.count)
        cnx_finding_advise(d, f,
                           "width and height are swapped: the pictures are probably turned by "
                           "their EXIF orientation and the label files were made without it; turn "
                           "the label files, or the pictures for good");
    else
        cnx_finding_advise(d, f,
                           "the label files may be those of other pictures, or were resized: "
                           "resize them by nearest neighbour only, never with interpolation");
}

/* ---- label files in colours ---- */

static bool all_have(const cnx_diagnosis *d, unsigned what)
{
    for (size_t i = 0; i < d->seen->count; i++)
        if (d->seen->files[i].in_colours && !(d->seen->files[i].colours & what))
            return false;
    return true;
}

static bool is_in_colours(const cnx_diagnosis *d, size_t i)
{
    return d->seen->files[i].in_colours;
}

static void advise_on_colours(cnx_diagnosis *d, cnx_finding *f)
{
    const char *palette = d->classes && d->classes->palette_given ? d->classes->name : "ade20k";
    if (d->rules.coding == CNX_LABELS_RGB16)
        cnx_finding_advise(d, f,
                           "masks of ImageNet-S are 8-bit RGB with label = red + 256 green and "
                           "blue = 0; these are not");
    else if (all_have(d, CNX_COLOURS_GREY))
        cnx_finding_advise(d, f,
                           "red, green and blue are equal: these are class numbers saved three "
                           "times; convert the files to grey PNG (one channel), values unchanged");
    else if (all_have(d, CNX_COLOURS_CODED))
        cnx_finding_advise(d, f,
                           "blue is 0 everywhere, as in the masks of ImageNet-S (label = red + 256 "
                           "green): if they are, use --classes imagenet-s50, -s300 or -s919, or "
                           "\"coding\": \"rgb16\" in a class list of your own");
    else if (all_have(d, CNX_COLOURS_PALETTE))
        cnx_finding_advise(d, f,
                           "the colours are those of the palette of %s: this is a colour map for "
                           "the eye; use the label files it was drawn from, or convert each colour "
                           "back to its class number",
                           palette);
    else
        cnx_finding_advise(d, f,
                           "this is a colour map: convert each colour to its class number by the "
                           "palette it was drawn with, and save grey or palette PNG files");
}

static void diagnose_colours(cnx_diagnosis *d)
{
    const cnx_finding_group group = cnx_finding_collect(d, is_in_colours);
    const cnx_inspected *first = &d->seen->files[group.examples[0]];
    static const char *const kinds[] = {"?", "?", "grey with alpha", "RGB", "RGBA"};
    cnx_finding *f =
        ADD_GROUP(d, group, CNX_FINDING_PROBLEM, "not-a-label-map",
                  "%zu label file%s pictures in %s, not one class number a pixel", group.count,
                  group.count == 1 ? " is a picture, one of" : "s are", kinds[first->channels]);
    cnx_finding_illustrate(f, &group);
    if (f)
        advise_on_colours(d, f);
}

void cnx_diagnose_files(cnx_diagnosis *d)
{
    diagnose_pairs(d);
    diagnose_damage(d);
    diagnose_colours(d);
    diagnose_sizes(d);
}
