#include <fcntl.h>
#include <unistd.h>

#include "gleam/streams.h"

void gleam_streams_open(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while ((-1 != fd) && (STDERR_FILENO >= fd));

	if (-1 != fd)
		close(fd);
}
