#include <stdarg.h>
#include <stdbool.h>

#include "num/mpi_ops.h"

#include "misc/debug.h"
#include "misc/mmio.h"

#include "gleam/warn.h"


bool gleam_speaks(void)
{
	return mpi_is_main_proc() || cfl_loop_desc_active();
}

void gleam_warn(const char* fmt, ...)
{
	if (!gleam_speaks())
		return;

	va_list ap;
	va_start(ap, fmt);

	debug_vprintf(DP_WARN, fmt, ap);

	va_end(ap);
}
