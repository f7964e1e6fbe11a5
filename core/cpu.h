/* Which instructions this processor (and operating system) really offers. */
#ifndef CNX_CORE_CPU_H
#define CNX_CORE_CPU_H

enum {
    CNX_CPU_AVX2 = 1 << 0,   /* AVX2, FMA and F16C */
    CNX_CPU_AVX512 = 1 << 1, /* AVX-512 F, BW, DQ and VL */
    CNX_CPU_NEON = 1 << 2,
    CNX_CPU_SHA = 1 << 3 /* SHA-256 */
};

/* The flags above. */
unsigned cnx_cpu_detected(void);
/* Those that our kernels may use: none in a build without SIMD (CNX_NO_SIMD). */
unsigned cnx_cpu_flags(void);

#endif
