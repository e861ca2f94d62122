#include <stdbool.h>

#include "gleam/keep.h"


long gleam_keep_slots(const struct gleam_keep_s* keep, long length)
{
	return (GLEAM_KEEP_ALL == keep->what) ? length : 1;
}

bool gleam_keep_image(const struct gleam_keep_s* keep, long length, long i)
{
	if (GLEAM_KEEP_FEW != keep->what)
		return true;

	// those at which another N_cp-th of the way is completed
	return (i * keep->checkpoints) / length != ((i - 1) * keep->checkpoints) / length;
}

static bool stays(const struct gleam_keep_s* keep, long length, long i)
{
	return (0 == i) || (length == i) || gleam_keep_image(keep, length, i);
}

bool gleam_keep_restart(const struct gleam_keep_s* keep, long length, long i)
{
	return stays(keep, length, i) && !stays(keep, length, i + 1);
}

long gleam_keep_restarts(const struct gleam_keep_s* keep, long length)
{
	long restarts = 0;

	for (long i = 0; i < length; i++)
		restarts += gleam_keep_restart(keep, length, i) ? 1 : 0;

	return restarts;
}

long gleam_keep_images(const struct gleam_keep_s* keep, long length)
{
	// one that was inverted, and the one before it
	long images = (0 < gleam_keep_restarts(keep, length)) ? 2 : 0;

	for (long i = 1; i < length; i++)
		images += gleam_keep_image(keep, length, i) ? 1 : 0;

	return images;
}
