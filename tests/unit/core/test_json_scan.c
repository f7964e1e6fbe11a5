/* JSON read where it stands: what is accepted, what is refused, and what asks for more text. */
#include "core/json_scan.h"

#include <math.h>
#include <stdbool.h>

#include "tests/unit/check.h"

static cnx_json_scan scan_of(const char *text)
{
    return (cnx_json_scan){text, text + strlen(text), false};
}

static void skips(const char *text, const char *rest)
{
    cnx_json_scan scan = scan_of(text);
    cnx_error err = {0};
    CHECK(cnx_json_skip(&scan, &err) == CNX_OK && strcmp(scan.at, rest) == 0, "%s: %s (at %s)",
          text, err.message, scan.at);
}

static void refuses(const char *text, const char *say)
{
    cnx_json_scan scan = scan_of(text);
    cnx_error err = {0};
    CHECK(cnx_json_skip(&scan, &err) != CNX_OK && strstr(err.message, say) && !scan.ran_out,
          "%s: \"%s\"%s", text, err.message, scan.ran_out ? ", ran out" : "");
}

/* Every beginning of the text wants more. */
static void wants_more(const char *text)
{
    char part[256];
    for (size_t n = 0; n < strlen(text); n++) {
        memcpy(part, text, n);
        part[n] = '\0';
        cnx_json_scan scan = scan_of(part);
        CHECK(cnx_json_skip(&scan, NULL) != CNX_OK && scan.ran_out, "\"%s\" was enough", part);
    }
}

static void unescapes(const char *text, const char *want)
{
    cnx_json_scan scan = scan_of(text);
    cnx_json_text found;
    char out[64];
    CHECK(cnx_json_scan_string(&found, "text", &scan, NULL) == CNX_OK, "%s", text);
    const size_t n = cnx_json_unescape(out, &found);
    CHECK(n == strlen(want) && memcmp(out, want, n) == 0, "%s: %.*s", text, (int)n, out);
    CHECK(n <= found.length && cnx_json_text_is(&found, want) &&
          !cnx_json_text_is(&found, "other"));
}

static void numbers(void)
{
    double value;
    long long whole;
    cnx_error err = {0};
    cnx_json_scan scan = scan_of(" NaN,Infinity,-Infinity,1.5e1,");
    CHECK(cnx_json_scan_number(&value, "x", &scan, &err) == CNX_OK && isnan(value));
    scan.at++;
    CHECK(cnx_json_scan_number(&value, "x", &scan, &err) == CNX_OK && isinf(value) && value > 0);
    scan.at++;
    CHECK(cnx_json_scan_number(&value, "x", &scan, &err) == CNX_OK && isinf(value) && value < 0);
    scan.at++;
    CHECK(cnx_json_scan_whole(&whole, "x", &scan, &err) == CNX_OK && whole == 15);
    static const struct {
        const char *text, *say;
    } wrong[] = {{"1.5,", "whole"},       {"9007199254740994,", "whole"},
                 {"NaN,", "whole"},       {"\"5\",", "string"},
                 {"[5],", "list"},        {"null,", "null"},
                 {"01,", "not a number"}, {"true ", "true or false"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        scan = scan_of(wrong[i].text);
        CHECK(cnx_json_scan_whole(&whole, "x", &scan, &err) != CNX_OK &&
                  strstr(err.message, wrong[i].say) && !scan.ran_out,
              "%s: %s", wrong[i].text, err.message);
    }
    /* What ends with the text may go on. */
    scan = scan_of("12");
    CHECK(cnx_json_scan_number(&value, "x", &scan, &err) != CNX_OK && scan.ran_out);
}

static void objects(void)
{
    cnx_json_scan scan = scan_of("{ \"a\" : 1 , \"\\u0062\":[2, {}, []] }x");
    cnx_json_text key;
    bool first = true, more;
    scan.at++;
    CHECK(cnx_json_next_key(&more, &key, &first, &scan, NULL) == CNX_OK && more &&
          cnx_json_text_is(&key, "a") && *scan.at == '1');
    CHECK(cnx_json_skip(&scan, NULL) == CNX_OK);
    CHECK(cnx_json_next_key(&more, &key, &first, &scan, NULL) == CNX_OK && more &&
          cnx_json_text_is(&key, "b") && *scan.at == '[');
    CHECK(cnx_json_skip(&scan, NULL) == CNX_OK);
    CHECK(cnx_json_next_key(&more, &key, &first, &scan, NULL) == CNX_OK && !more &&
          *scan.at == 'x');
}

int main(void)
{
    skips("{\"a\":[1,2,{\"b\":\"}]\"}],\"c\":null} ,", " ,");
    skips("[]5", "5");
    skips("{}]", "]");
    skips("[[[]],{\"x\":{}},true,false,null,-1.5e3,\"\\\"\\\\\\u00e9\"]!", "!");
    skips("\"a,b\"x", "x");
    char deep[160];
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    strcpy(deep + 128, "!");
    skips(deep, "!");
    memset(deep, '[', 65);
    deep[65] = '\0';
    refuses(deep, "nested");
    refuses("[1,]", "value");
    refuses("[1 2]", "','");
    refuses("{\"a\" 1}", "':'");
    refuses("{a:1}", "quotes");
    refuses("{\"a\":1,}", "quotes");
    refuses("[tru]", "value");
    refuses("[\"a\nb\"]", "control");
    refuses("[\"\\x\"        ]", "backslash");
    refuses("[\"\\u12g4\"    ]", "backslash");
    refuses("[1}", "','");
    refuses("]", "value");
    wants_more("{\"key\":[1,2.5e1,\"a\\u00e9\\n\",true,null,{\"b\":-Infinity}]}");
    unescapes("\"plain\"", "plain");
    unescapes("\"\\\\\\/\\\"\\b\\f\\n\\r\\t\"", "\\/\"\b\f\n\r\t");
    unescapes("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    unescapes("\"\\ud83dx\\ude00\"", "\xef\xbf\xbdx\xef\xbf\xbd");
    numbers();
    objects();
    return CHECK_RESULT;
}
