/*
 * Reconstruction with weights from 'bart gleam': options to one configuration.
 */

#include "num/init.h"

#include "misc/misc.h"
#include "misc/opts.h"

#include "gleam/infer.h"
#include "gleam/streams.h"


static const char help_str[] = "Reconstructs undersampled multi-coil k-space, cartesian or on a trajectory, with a\n"
				"network trained by 'bart gleam'. The output has the units of the input. With a\n"
				"reference, PSNR, SSIM and nRMSE of every stage are printed to stdout.";


int main_gleam_infer(int argc, char* argv[argc])
{
	gleam_streams_open();

	struct gleam_infer_s conf = gleam_infer_defaults;

	const struct opt_s opts[] = {

		OPTL_LONG('I', "iterations", &conf.iterations, "N_inf", "run the first N_inf unrolled iterations (all)"),
		OPTL_SET(0, "stages", &conf.stages, "output every stage, along dimension 8"),
		OPTL_FLOAT(0, "tol", &conf.tol, "eps", "stop when the relative change between stages falls below eps"),
		OPTL_INFILE(0, "pattern", &conf.files.pattern, "<file>", "sampling pattern (estimated from the zeros of k-space)"),
		OPTL_INFILE(0, "trajectory", &conf.files.trajectory, "<file>", "k-space trajectory; --pattern are weights of its samples then"),
		OPTL_INFILE('r', "reference", &conf.files.reference, "<file>", "reference: print metrics of every stage"),
		OPTL_SET(0, "ref-kspace", &conf.files.ref_kspace, "the reference is fully sampled k-space"),
		OPTL_STRING(0, "backend", &conf.compute.backend, "name", "what computes the networks: auto, winograd, dnnl, ref, cudnn (auto)"),
		OPTL_SET('g', "gpu", &conf.compute.gpu, "compute on the GPU, with cuDNN"),
		OPTL_STRING(0, "precision", &conf.compute.precision, "name", "GPU: fp32, tf32 or bf16 (fp32)"),
		OPTL_SET(0, "autotune", &conf.compute.autotune, "GPU: time what cuDNN offers and take the fastest; a run may differ from the last one in its last digits"),
		OPTL_SET(0, "fast-math", &conf.compute.fast_math, "GPU: sums in any order, too: no two runs give the same digits"),
		OPTL_SET(0, "memory", &conf.memory, "print the memory plan and exit"),
	};

	struct arg_s args[] = {

		ARG_STRING(true, &conf.weights, "weights"),
		ARG_INFILE(true, &conf.files.kspace, "kspace"),
		ARG_INFILE(true, &conf.files.maps, "sensitivities"),
		ARG_OUTFILE(true, &conf.output, "output"),
	};

	cmdline(&argc, argv, ARRAY_SIZE(args), args, help_str, ARRAY_SIZE(opts), opts);

	num_init();

	gleam_infer(&conf);

	return 0;
}
