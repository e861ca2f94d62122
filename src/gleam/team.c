#include <stdbool.h>

#include "misc/misc.h"

#include "gleam/exchange.h"
#include "gleam/schedule.h"
#include "gleam/warn.h"

#include "gleam/team.h"


static void tell_idle(const struct gleam_team_s* team, long ranks)
{
	long used = team->replicas * team->schedule.stages;

	if ((used == ranks) || (0 != exchange_rank(team->world)))
		return;

	const char* help = (team->schedule.stages == team->schedule.modules) ? "More --modules or --replicas" : "A multiple of --replicas";

	gleam_warn("%ld of %ld ranks have nothing to do: %ld module%s in %ld replica%s take %ld. %s would use more.\n",
		ranks - used, ranks, team->schedule.modules, (1 == team->schedule.modules) ? "" : "s",
		team->replicas, (1 == team->replicas) ? "" : "s", used, help);
}

static void split(struct gleam_team_s* team)
{
	long rank = exchange_rank(team->world);
	long stages = team->schedule.stages;

	team->idle = (rank >= team->replicas * stages);
	team->all = exchange_split(team->world, team->idle ? -1 : 0);

	if (team->idle)
		return;

	team->replica = rank / stages;
	team->stage = rank % stages;

	team->pipeline = exchange_split(team->all, team->replica);
	team->peers = exchange_split(team->all, team->stage);
}

struct gleam_team_s* gleam_team_create(long replicas, long modules)
{
	PTR_ALLOC(struct gleam_team_s, team);

	*team = (struct gleam_team_s){ .replicas = replicas, .world = exchange_world() };

	long ranks = exchange_size(team->world);

	if ((1 > replicas) || (replicas > ranks))
		error("--replicas is %ld, but must be at least 1 and at most the number of ranks, which is %ld: 'mpirun -n <ranks> bart gleam'%s\n",
			replicas, ranks, (1 == ranks) ? " starts more, of a bart that was built with MPI=1" : "");

	team->schedule = (struct gleam_schedule_s){ .modules = modules, .stages = MIN(modules, ranks / replicas) };

	tell_idle(team, ranks);
	split(team);

	return PTR_PASS(team);
}

void gleam_team_free(struct gleam_team_s* team)
{
	exchange_meet(team->world);

	exchange_free(team->peers);
	exchange_free(team->pipeline);
	exchange_free(team->all);
	exchange_free(team->world);

	xfree(team);
}

long gleam_team_size(const struct gleam_team_s* team)
{
	return team->replicas * team->schedule.stages;
}

bool gleam_team_leads(const struct gleam_team_s* team)
{
	return 0 == exchange_rank(team->world);
}
