#include <fcntl.h>
#include <unistd.h>

#include "gleam/streams.h"

static bool lost = false;

void gleam_streams_open(void)
{
	int fd;

	lost = (-1 == fcntl(STDOUT_FILENO, F_GETFD));

	do
		fd = open("/dev/null", O_RDWR);
	while ((-1 != fd) && (STDERR_FILENO >= fd));

	if (-1 != fd)
		close(fd);
}

bool gleam_streams_lost(void)
{
	return lost;
}
