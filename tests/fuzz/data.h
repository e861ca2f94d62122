/*
 * A small, valid data set for harnesses that read several files: "ksp", "map", "ref",
 * "pat" (cartesian), "nksp", "trj", "nref" (radial), weights "w" (PGD) and "m" (MoDL).
 */
#ifndef _FUZZ_DATA_H
#define _FUZZ_DATA_H

extern void data_make(void);

#endif		// _FUZZ_DATA_H
