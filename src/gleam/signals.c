#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/warn.h"

#include "gleam/signals.h"

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
enum { STOPS = 3 };	// the first ones

static struct sigaction before[ARRAY_SIZE(numbers)];
static bool caught = false;
static bool speaks = false;

static volatile sig_atomic_t stop;
static volatile sig_atomic_t save;


static void say(const char* text)
{
	if (speaks && (0 > write(STDERR_FILENO, text, strlen(text))))
		return;		// there is nobody to tell
}

static void ask_to_stop(int number)
{
	if ((SIGINT == number) && (0 != stop)) {

		signal(SIGINT, SIG_DFL);
		raise(SIGINT);
		return;
	}

	if (0 == stop)
		say("\nThis iteration is finished and the state saved; Ctrl-C ends at once.\n");

	stop = number;
}

static void handler(int number)
{
	int err = errno;

	if (SIGUSR1 == number)
		save = 1;
	else
		ask_to_stop(number);

	errno = err;
}

static void take(int from, int to)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);

	for (int i = from; caught && (i < to); i++) {

		sigaction(numbers[i], NULL, &before[i]);

		// 'nohup' and '&' in a script have some ignored
		if (SIG_IGN != before[i].sa_handler)
			sigaction(numbers[i], &action, NULL);
	}
}

void gleam_signals_open(void)
{
	stop = 0;
	save = 0;
	caught = !error_jumper.initialized;
	speaks = gleam_speaks();

	take(STOPS, ARRAY_SIZE(numbers));

	if (caught)
		signal(SIGPIPE, SIG_IGN);
}

void gleam_signals_begin(void)
{
	take(0, STOPS);
}

void gleam_signals_end(void)
{
	for (int i = 0; caught && (i < STOPS); i++)
		sigaction(numbers[i], &before[i], NULL);

	stop = 0;
}

int gleam_signals_stop(void)
{
	return stop;
}

bool gleam_signals_save(void)
{
	return 0 != save;
}

// cleared only where it was set: one that comes in between is answered by what is done after this
bool gleam_signals_take_save(void)
{
	if (0 == save)
		return false;

	save = 0;

	return true;
}
