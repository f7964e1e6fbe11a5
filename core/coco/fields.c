#include "core/coco/fields.h"

cnx_status cnx_coco_read_id(int64_t *out, bool *seen, const char *what, cnx_json_scan *scan,
                            cnx_error *err)
{
    long long value;
    CNX_TRY(cnx_json_scan_whole(&value, what, scan, err));
    *out = value;
    *seen = true;
    return CNX_OK;
}

cnx_status cnx_coco_read_box(double box[4], int *count, cnx_json_scan *scan, cnx_error *err)
{
    bool first = true, more;
    int n = 0;
    const char c = cnx_json_peek(scan);
    scan->ran_out |= scan->at >= scan->end;
    CNX_FAIL_IF(c != '[', CNX_ERR_FORMAT, "bbox is %s; [x, y, width, height] is expected",
                c == '-' || (c >= '0' && c <= '9') ? "a number" : cnx_json_kind_here(scan));
    scan->at++;
    for (;;) {
        CNX_TRY(cnx_json_next_element(&more, &first, scan, err));
        if (!more)
            break;
        double value;
        CNX_TRY(cnx_json_scan_number(&value, "a number in bbox", scan, err));
        if (n < 4)
            box[n] = value;
        n++;
    }
    CNX_FAIL_IF(n != 0 && n != 4, CNX_ERR_FORMAT,
                "bbox has %d numbers; [x, y, width, height] is expected", n);
    *count = n;
    return CNX_OK;
}

void cnx_coco_name_by_id(const char *begin, const cnx_json_scan *scan, cnx_error *err)
{
    cnx_json_scan again = {.at = begin, .end = scan->end};
    cnx_json_text key;
    bool first = true, more;
    if (!err || *begin != '{')
        return;
    again.at++;
    while (cnx_json_next_key(&more, &key, &first, &again, NULL) == CNX_OK && more) {
        long long id;
        if (!cnx_json_text_is(&key, "id")) {
            if (cnx_json_skip(&again, NULL) != CNX_OK)
                return;
        } else {
            if (cnx_json_scan_whole(&id, "id", &again, NULL) == CNX_OK)
                cnx_error_prefix(err, "id %lld", id);
            return;
        }
    }
}
