/*
 * Parts of the Winograd backend that its files share. The algorithm is
 * F(4x4, 3x3) of Lavin and Gray, Fast algorithms for convolutional neural
 * networks, CVPR 2016: a tile of 4x4 outputs needs 6x6 inputs, and the
 * convolution becomes 36 matrix products, one for each pair of points.
 */
#ifndef _WINOGRAD_H
#define _WINOGRAD_H

#include <stddef.h>
#include <stdbool.h>

#include "nn/backend.h"

#define WINO_OUT 4
#define WINO_IN 6
#define WINO_POINTS 36		// WINO_IN^2
#define WINO_MULTIPLE 8		// of channels

/* Interpolation points 0, +-A, +-B and infinity. The usual 1 and 2 have twice
 * the error, 1.7e-6 instead of 0.8e-6 at 96 channels; all constants made from
 * 5/8 and 3/2 are exact in fp32.
 */
#define WINO_A 0.625f
#define WINO_B 1.5f


/* What happens to a result on its way to memory: y = v + bias, then y += for
 * add, then 0 where mask (the input of a ReLU) is not positive. mask has the
 * place and the strides of y. Both pointers may be NULL.
 */
struct wino_finish_s {

	bool add;
	const float* mask;
	const float* bias;
};


/* The inner loops, compiled once for each instruction set.
 *
 * Matrices are row-major. A matrix on the right of a product is packed: panels
 * of wino_panel() columns one after the other, each panel row-major.
 */
struct wino_kernels_s {

	const char* name;
	bool (*supported)(void);

	long width;	// N of a product is a multiple of this ...
	long rows;	// ... and M of this

	// C[M][N] = A[M][K] B[K][N], or C += A B, with B packed
	void (*product)(long M, long N, long K, float* C, long ldc, bool add, const float* A, long lda, const float* B);

	// C[M][N] += A[K][M]^T B[K][N], nothing packed, M a multiple of 8
	void (*product_transposed)(long M, long N, long K, float* C, long ldc, const float* A, long lda, const float* B, long ldb);

	// B^T d B for a tile of 6x6 pixels; point p goes to V + p * slot
	void (*tile_input)(long channels, float* V, long slot, const float* x, long xstr, long ystr, bool relu);

	// A^T m A, 4x4 pixels
	void (*tile_output)(long channels, float* y, long xstr, long ystr, const float* M, long slot,
			const struct wino_finish_s* finish);

	// A d A^T for a tile of 4x4 pixels of the gradient
	void (*tile_gradient)(long channels, float* D, long slot, const float* dy, long xstr, long ystr);

	// the same along z, for n floats at once
	void (*line_input)(long n, float* V, long slot, const float* const x[WINO_IN]);
	void (*line_output)(long n, float* const y[WINO_OUT], const float* M, long slot);
	void (*line_gradient)(long n, float* D, long slot, const float* const dy[WINO_OUT]);

	// one pixel of a tensor with contiguous channels
	void (*pixel_finish)(long channels, float* y, const float* v, const struct wino_finish_s* finish);
	void (*pixel_relu)(long channels, float* y, const float* x);
};

// the fastest first, NULL at the end
extern const struct wino_kernels_s* const wino_kernels[];
extern const struct wino_kernels_s* wino_kernels_best(void);


// columns of the next panel of a packed matrix that has n columns left
extern long wino_panel(const struct wino_kernels_s* kernels, long n);


/* One tile along one dimension: outputs at origin + 0 .. 3, of which this
 * tile writes first .. last - 1. In a data gradient the rim that padding had
 * added is folded back: output fold_from is added to fold_to (or -1), which is
 * always in the same tile.
 */
struct wino_tile_s {

	long origin;
	long first;
	long last;
	long fold_from;
	long fold_to;
	long src[WINO_IN];	// positions of the inputs, -1 for zero
	bool inner;		// inputs side by side, all outputs written, no fold
};

struct wino_tiling_s {

	long tiles;
	struct wino_tile_s* tile;
};


/* A correlation of tensor src with a filter to tensor dst; the adjoint (data
 * gradient) is one with the flipped and transposed filter and with the
 * adjoint of padding behind it.
 */
struct wino_op_s {

	const struct wino_kernels_s* kernels;
	int threads;

	struct nn_tensor_s src;
	struct nn_tensor_s dst;

	long kernel[NN_SPATIAL];
	enum nn_padding padding;

	bool adjoint;
	bool relu;	// of the convolution's input: of src, or a mask on dst when adjoint

	struct wino_tiling_s tiling[NN_SPATIAL];	// the third for a volume only
};

struct wino_args_s {

	float* dst;
	const float* src;
	const float* mask;	// NULL or the input of the convolution
	const float* bias;
	const float* weights;
	bool add;
	void* ws;
};

/* Dimension axis, position r of dst, tap k: the positions of src that
 * contribute, at most two. Returns their number.
 */
extern int wino_sources(const struct wino_op_s* op, int axis, long r, long k, long src[2]);


extern struct wino_tiling_s wino_tiling_create(const struct wino_op_s* op, int axis);
extern void wino_tiling_free(struct wino_tiling_s* tiling);

// tiles need this many pixels in each dimension
#define WINO_MIN_SIZE 6


/* Memory from a workspace, aligned to 64 bytes; with base NULL it counts only.
 */
struct wino_arena_s {

	char* base;
	size_t used;
};

extern float* wino_take(struct wino_arena_s* arena, long floats);


extern long wino_round_up(long n, long m);
extern int wino_thread(void);
extern long wino_taps(const struct wino_op_s* op);

static inline long wino_min(long a, long b)
{
	return (a < b) ? a : b;
}

static inline long wino_max(long a, long b)
{
	return (a > b) ? a : b;
}

// channels with padding
extern long wino_padded(const struct nn_tensor_s* tensor);

// channels contiguous and padded, as in nn_tensor_feature()
extern bool wino_is_feature(const struct nn_tensor_s* tensor);

extern long wino_offset(const struct nn_tensor_s* tensor, long x, long y, long z, long b);

// weight between channels src and dst of the operation for tap (kz, ky, kx), flipped for the adjoint
extern long wino_weight(const struct wino_op_s* op, long dst, long src, long tap);

// columns of a product with n channels
extern long wino_columns(const struct wino_op_s* op, long n);


/* Tiles: 3x3 and 3x3x3 kernels between feature tensors.
 */
extern size_t wino_tiles_workspace(const struct wino_op_s* op);
extern void wino_tiles_apply(const struct wino_op_s* op, const struct wino_args_s* args);
extern size_t wino_tiles_weights_workspace(const struct wino_op_s* op);
extern void wino_tiles_weights(const struct wino_op_s* op, float* dweights, float* dbias, const float* x,
		const float* dy, void* ws);

extern long wino_tiles_in_plane(const struct wino_op_s* op);

// floats for the pixels of a tile that lies across the edge
extern long wino_patch_floats(const struct wino_op_s* op);

// tile number t of a plane of src, transformed: point p at V + p * slot
extern void wino_tile_load(const struct wino_op_s* op, float* V, long slot, const float* plane, long t, float* patch);

// ... of a plane of dst, as the weight gradient wants it
extern void wino_tile_load_gradient(const struct wino_op_s* op, float* D, long slot, const float* plane, long t, float* patch);

// transforms back, and writes tile number t of a plane of dst
extern void wino_tile_store(const struct wino_op_s* op, float* dst, const struct wino_finish_s* finish,
		const float* M, long slot, long t, float* patch);

// channels of dst with those of padding, or NULL
extern const float* wino_copy_bias(const struct wino_op_s* op, float* out, const float* bias);


/* Volumes: 3x3x3 kernels between feature tensors, with tiles of 4x4x4 pixels.
 *
 * A block of tiles of the plane goes through the volume along z, and of what it
 * needs only six planes are held, each transformed in the plane: V[slot][point][tile][channel].
 */
struct wino_planes_s {

	long tiles;		// in a full block
	long ld;		// floats from one tile to the next
	long slot;		// ... from one point to the next
	long size;		// ... from one plane to the next

	long held[WINO_IN];	// number of the plane, or -1

	float* V;
	float* zeros;
	float* patch;
};

extern bool wino_is_volume(const struct wino_op_s* op);

extern struct wino_planes_s wino_planes_take(const struct wino_op_s* op, long tiles, long ld, struct wino_arena_s* arena);
extern void wino_planes_forget(struct wino_planes_s* planes);

// transforms what the tile in z needs and is not held: n tiles from first on
extern void wino_planes_load(const struct wino_op_s* op, struct wino_planes_s* planes, const struct wino_tile_s* tile,
		const float* src, long first, long n);

// what the tile in z needs of point p
extern void wino_planes_at(const struct wino_planes_s* planes, const struct wino_tile_s* tile, long p, const float* x[WINO_IN]);

extern size_t wino_volume_workspace(const struct wino_op_s* op);
extern void wino_volume_apply(const struct wino_op_s* op, const struct wino_args_s* args);
extern size_t wino_volume_weights_workspace(const struct wino_op_s* op);
extern void wino_volume_weights(const struct wino_op_s* op, float* dweights, float* dbias, const float* x,
		const float* dy, void* ws);

// points of a tile of 6x6x6: number p * 6 + q has number p in the plane and q along z
#define WINO_VOLUME (WINO_POINTS * WINO_IN)

/* Transformed filters U[point][src][dst], packed, without channels of padding in src. Along z the
 * first and last points are the first and last slices of the kernel as they are.
 */
extern void wino_volume_filter(const struct wino_op_s* op, float* U, const float* weights);

// dweights += the adjoint of the transform, with dU[point][src][dst] not packed
extern void wino_volume_filter_gradient(const struct wino_op_s* op, float* dweights, const float* dU);


/* Transformed filters U[point][src][dst], packed, for one slice of a kernel in Z.
 */
extern void wino_filter_transform(const struct wino_op_s* op, float* U, const float* weights, long kz);

// dweights += G^T dU G, with dU[point][src][dst] not packed
extern void wino_filter_gradient(const struct wino_op_s* op, float* dweights, const float* dU, long kz);


/* Gathered pixels: a row of a matrix holds all that one pixel of dst takes
 * from src, in the order (kz, ky, kx, channel), then a 1 for the bias, then zeros:
 * these last two are written by prepare, once for all that is gathered into A[n][columns].
 */
extern long wino_gather_columns(const struct wino_op_s* op);
extern long wino_gather_scratch(const struct wino_op_s* op, long n);
extern void wino_gather_prepare(const struct wino_op_s* op, long n, float* A);
extern void wino_gather(const struct wino_op_s* op, long n, float* A, const float* src, const long pos[NN_DIMS], float* scratch);

// n pixels side by side with their channels contiguous, out[n][ldo]
extern void wino_copy_pixels(const struct wino_kernels_s* kernels, const struct nn_tensor_s* tensor,
		bool relu, long n, float* out, long ldo, const float* in);

// n pixels side by side, v[n][ldv]; a bias has the channels of padding too if dst is a feature tensor
extern void wino_store_pixels(const struct wino_op_s* op, const struct wino_finish_s* finish, float* dst,
		long n, const float* v, long ldv);


/* Direct: gather and multiply, for any convolution.
 */
extern size_t wino_direct_workspace(const struct wino_op_s* op);
extern void wino_direct_apply(const struct wino_op_s* op, const struct wino_args_s* args);

/* Spread: multiply and add up shifted, for few channels of dst.
 */
extern size_t wino_spread_workspace(const struct wino_op_s* op);
extern void wino_spread_apply(const struct wino_op_s* op, const struct wino_args_s* args);

/* Weight gradient of any convolution; forward and adjoint are the same one's.
 */
extern size_t wino_direct_weights_workspace(const struct wino_op_s* forward, const struct wino_op_s* adjoint);
extern void wino_direct_weights(const struct wino_op_s* forward, const struct wino_op_s* adjoint,
		float* dweights, float* dbias, const float* x, const float* dy, void* ws);


// a plan that uses the given kernels, for tests
extern struct nn_plan_s* wino_plan_create(const struct wino_kernels_s* kernels, const struct nn_conv_s* conf);

#endif		// _WINOGRAD_H
