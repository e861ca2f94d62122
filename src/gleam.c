/*
 * Training of unrolled networks: options to one configuration, no work.
 *
 * Ozturkler B, Sahiner A, Ergen T, Desai AD, Sandino CM, Vasanawala S, Pauly JM,
 * Mardani M, Pilanci M. GLEAM: Greedy Learning for Large-Scale Accelerated MRI
 * Reconstruction. arXiv:2207.08393.
 */

#include "num/init.h"

#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/opts.h"

#include "gleam/conf.h"
#include "gleam/streams.h"
#include "gleam/train.h"


static const char help_str[] = "Trains an unrolled network for multi-coil reconstruction, greedily: module by module,\n"
				"each with its own loss, at a fraction of the memory of end-to-end training (which is\n"
				"there for comparison, as are other trainers). Data are cartesian, or on a trajectory.\n"
				"<weights> is written; 'bart gleam-infer' reconstructs with it. Samples are enumerated\n"
				"by dimensions 13, 14 and 15. Progress goes to stderr, the final validation to stdout.";


int main_gleam(int argc, char* argv[argc])
{
	gleam_streams_open();

	struct gleam_train_s conf = gleam_train_defaults;
	struct gleam_net_s net = gleam_net_defaults;

	const char* trainer = "greedy";
	int type = -1;		// not chosen: so that BART notices two choices

	struct opt_s valid_opts[] = {

		OPTL_INFILE('k', "kspace", &conf.valid.kspace, "<file>", "validation data k-space"),
		OPTL_INFILE('c', "coil", &conf.valid.maps, "<file>", "validation data sensitivity maps"),
		OPTL_INFILE('r', "ref", &conf.valid.reference, "<file>", "validation data reference"),
		OPTL_INFILE('p', "pattern", &conf.valid.pattern, "<file>", "validation data sampling pattern"),
		OPTL_INFILE('t', "trajectory", &conf.valid.trajectory, "<file>", "validation data trajectory"),
	};

	struct opt_s adam_opts[] = {

		OPTL_FLOAT(0, "beta1", &conf.adam.beta1, "f", "decay of the first moment (0.9)"),
		OPTL_FLOAT(0, "beta2", &conf.adam.beta2, "f", "decay of the second moment (0.999)"),
		OPTL_FLOAT(0, "epsilon", &conf.adam.eps, "f", "added to the root of the second moment (1e-8)"),
	};

	const struct opt_s opts[] = {

		OPTL_SELECT_DEF(0, "pgd", int, &type, GLEAM_PGD, -1, "proximal gradient descent (default)"),
		OPTL_SELECT_DEF(0, "modl", int, &type, GLEAM_MODL, -1, "MoDL: conjugate gradients for data consistency"),
		OPTL_LONG('I', "iterations", &net.iterations, "N", "unrolled iterations (8)"),
		OPTL_LONG('M', "modules", &net.modules, "M", "modules, a divisor of N (N; 1 with another trainer than greedy)"),
		OPTL_LONG(0, "features", &net.prox.features, "n", "channels of the hidden layers (PGD 100, MoDL 70; 3D: 60, 50)"),
		OPTL_LONG(0, "blocks", &net.prox.blocks, "n", "residual blocks of the PGD network (2)"),
		OPTL_LONG(0, "layers", &net.prox.layers, "n", "convolutions of the MoDL network (5)"),
		OPTL_FLOAT(0, "step-size", &net.step_size, "t", "PGD: step size t (0.5: measured data are put back)"),
		OPTL_FLOAT(0, "mu", &net.mu, "mu", "MoDL: weight of the network's image (0.05)"),
		OPTL_LONG(0, "cg-iter", &net.cg_iter, "n", "MoDL: conjugate gradient iterations (10)"),
		OPTL_SET(0, "learn-dc", &net.learn_dc, "train step size or mu of every iteration"),

		OPTL_STRING(0, "trainer", &trainer, "name", "greedy: a loss for each module; or one for all iterations, by backpropagation through stored activations (end-to-end), recomputed (checkpoint) or inverted ones (mel, for MoDL) (greedy)"),
		OPTL_LONG(0, "checkpoints", &conf.trainer.checkpoints, "N_cp", "mel: images that are kept, the output among them (7, or one less than iterations of a module)"),
		OPTL_LONG(0, "fixed-point", &conf.trainer.fixed_point, "T", "mel: iterations that invert a network (5)"),
		OPTL_DOUBLE(0, "max-inversion-error", &conf.trainer.max_error, "f", "mel: relative error of inversion at which training stops (0.1)"),

		OPTL_INFILE(0, "pattern", &conf.train.pattern, "<file>", "sampling pattern (estimated from the zeros of k-space)"),
		OPTL_INFILE(0, "trajectory", &conf.train.trajectory, "<file>", "k-space trajectory; --pattern are weights of its samples then"),
		OPTL_SET(0, "ref-kspace", &conf.train.ref_kspace, "references are fully sampled k-space"),
		OPTL_SUBOPT(0, "valid-data", "...", "validation data k=,c=,r=,p=,t=: the weights with the lowest nRMSE are kept", ARRAY_SIZE(valid_opts), valid_opts),
		OPTL_LONG(0, "valid-every", &conf.valid_every, "n", "iterations between validations (an epoch)"),

		OPTL_LONG(0, "save-every", &conf.save_every, "n", "iterations between saves of the state (it is saved with the weights)"),
		OPTL_SET(0, "resume", &conf.resume, "go on from <weights>.state as if there had been no interruption"),

		OPTL_LONG('b', "batch-size", &conf.batch_size, "n", "samples in a mini-batch (4)"),
		OPTL_LONG(0, "micro-batch", &conf.micro_batch, "n", "samples computed at once, a divisor of the batch size (1)"),
		OPTL_LONG(0, "replicas", &conf.replicas, "R", "mpirun: pipelines of ranks that share each mini-batch (1)"),
		OPTL_LONG('n', "max-iter", &conf.max_iter, "n", "stop after n iterations (mini-batches)"),
		OPTL_LONG('e', "epochs", &conf.epochs, "n", "stop after n epochs (10, if no other limit is given)"),
		OPTL_DOUBLE(0, "max-time", &conf.max_time, "s", "stop after s seconds (of this run)"),
		OPTL_LONG(0, "patience", &conf.patience, "n", "stop after n validations without a lower nRMSE"),

		OPTL_FLOAT(0, "lr", &conf.adam.lr, "f", "learning rate (1e-4)"),
		OPTL_FLOAT(0, "lr-end", &conf.lr_end, "f", "learning rate of the last iteration, a cosine leads there (that of all)"),
		OPTL_FLOAT(0, "weight-decay", &conf.adam.weight_decay, "f", "l2 regularisation of the weights (1e-4)"),
		OPTL_FLOAT(0, "clip-norm", &conf.adam.clip, "f", "scale a module's gradient down to this norm (none)"),
		OPTL_LONG(0, "skip-nonfinite", &conf.skip_nonfinite, "k", "leave out the updates of up to k iterations in which something is not finite (0)"),
		OPTL_SUBOPT(0, "adam", "...", "configure Adam", ARRAY_SIZE(adam_opts), adam_opts),
		OPTL_ULLONG('s', "seed", &conf.seed, "n", "seed of initial weights and order (0)"),
		OPTL_CLEAR(0, "no-shuffle", &conf.shuffle, "samples in the order of the file"),
		OPTL_STRING('l', "load", &conf.load, "<weights>", "start from these weights"),

		OPTL_STRING(0, "backend", &conf.compute.backend, "name", "what computes the networks: auto, winograd, dnnl, ref, cudnn (auto)"),
		OPTL_SET('g', "gpu", &conf.compute.gpu, "compute on the GPU, with cuDNN"),
		OPTL_STRING(0, "precision", &conf.compute.precision, "name", "GPU: fp32, tf32 or bf16 (fp32)"),
		OPTL_SET(0, "autotune", &conf.compute.autotune, "GPU: time what cuDNN offers and take the fastest; a run may differ from the last one in its last digits"),
		OPTL_SET(0, "fast-math", &conf.compute.fast_math, "GPU: sums in any order, too: no two runs give the same digits"),
		OPTL_STRING(0, "log", &conf.log, "file.csv", "write a line per iteration"),
		OPTL_SET(0, "timing", &conf.timing, "GPU: log the time of forward and backward passes, too (slower); on the CPU it is always logged"),
		OPTL_SET(0, "memory", &conf.memory, "print the memory plan and exit"),
	};

	struct arg_s args[] = {

		ARG_STRING(true, &conf.weights, "weights"),
		ARG_INFILE(true, &conf.train.kspace, "kspace"),
		ARG_INFILE(true, &conf.train.maps, "sensitivities"),
		ARG_INFILE(true, &conf.train.reference, "reference"),
	};

	cmdline(&argc, argv, ARRAY_SIZE(args), args, help_str, ARRAY_SIZE(opts), opts);

	if (-1 != type)
		net.type = (enum gleam_type)type;

	conf.trainer.type = gleam_trainer_type(trainer);
	conf.valid.ref_kspace = conf.train.ref_kspace;

	if (cfl_loop_desc_active())
		error("gleam cannot be looped (bart -l): it trains on all samples, which dimensions 13, 14 and 15 enumerate\n");

	num_init();

	return gleam_train(&conf, net);
}
