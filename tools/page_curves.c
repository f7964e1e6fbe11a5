/* Curves of a report page, as a drawing inside it. */
#include <math.h>

#include "tools/page.h"

/* Room of the drawing, and of the square in it. */
enum { WIDTH = 600, HEIGHT = 340, LEFT = 48, RIGHT = 390, TOP = 12, BOTTOM = 296 };

static double at_x(double x)
{
    return LEFT + x * (RIGHT - LEFT);
}

static double at_y(double y)
{
    return BOTTOM - y * (BOTTOM - TOP);
}

static void put_axes(FILE *to, const char *x_label, const char *y_label)
{
    for (int i = 0; i <= 5; i++) {
        const double v = i / 5.0;
        fprintf(to,
                "<path d=\"M%d %.1fH%dM%.1f %dV%d\" stroke=\"#8886\" fill=\"none\"/>\n"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f</text>\n",
                LEFT, at_y(v), RIGHT, at_x(v), TOP, BOTTOM, LEFT - 6, at_y(v) + 4, v, at_x(v),
                BOTTOM + 16, v);
    }
    fprintf(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2, HEIGHT - 8);
    cnx_page_text(to, x_label);
    fprintf(to, "</text><text transform=\"translate(12 %d) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + BOTTOM) / 2);
    cnx_page_text(to, y_label);
    fputs("</text>\n", to);
}

static void put_curve(FILE *to, const cnx_page_curve *curve, int number)
{
    static const char *const colours[] = {"#2b7bba", "#e07b39", "#3a9d5d", "#b0479b", "#777"};
    const char *colour = colours[number % 5];
    bool down = false;
    fprintf(to, "<path stroke=\"%s\" stroke-width=\"2\" fill=\"none\" d=\"", colour);
    for (int i = 0; i < curve->count; i++) {
        const bool known = !isnan(curve->x[i]) && !isnan(curve->y[i]);
        if (known)
            fprintf(to, "%c%.1f %.1f", down ? 'L' : 'M', at_x(curve->x[i]), at_y(curve->y[i]));
        down = known;
    }
    fprintf(
        to,
        "\"/>\n<path d=\"M%d %dh20\" stroke=\"%s\" stroke-width=\"3\"/><text x=\"%d\" y=\"%d\">",
        RIGHT + 12, TOP + 10 + 20 * number, colour, RIGHT + 38, TOP + 14 + 20 * number);
    cnx_page_text(to, curve->name);
    fputs("</text>\n", to);
}

void cnx_page_curves(FILE *to, const char *x_label, const char *y_label,
                     const cnx_page_curve *curves, int count)
{
    fprintf(to,
            "<svg class=\"curves\" role=\"img\" aria-label=\"curves\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-size=\"12\" fill=\"currentColor\">\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_axes(to, x_label, y_label);
    for (int i = 0; i < count; i++)
        put_curve(to, &curves[i], i);
    fputs("</svg>\n", to);
}
