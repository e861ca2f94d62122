/*
 * What gleam_dc_average should give, on BART's transforms and products.
 */
#ifndef _DC_AVERAGE_EXPECTED_H
#define _DC_AVERAGE_EXPECTED_H

#include <complex.h>

#include "dc_dense.h"

// series: patterns by frame, shared ones, maps with frames, complex weights, many coils
#define DC_SERIES 6
extern const struct dc_case_s dc_series[DC_SERIES];

// images of one frame, sample after sample; freed by md_free
extern complex float* dc_expected_average(const struct dc_problem_s* p, const complex float* ksp);

#endif		// _DC_AVERAGE_EXPECTED_H
