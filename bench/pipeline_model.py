#!/usr/bin/env python3
"""A model of training on several ranks (P-GLEAM): what each rank does when, from the
times of single modules and messages.

Every rank goes through its tasks as src/gleam/schedule.c orders them and does what
src/gleam/pipeline.c does: every mini-batch is loaded by every rank; the receive of an image
is posted when the mini-batch is loaded, or when the rank is done with its module before;
an image leaves after the forward pass, from a buffer that has to be free; rank 0 says, a
group ahead, how many mini-batches there are, and the others wait for that. What it leaves
out stands in README.md.

	pipeline_model.py --selftest	the simulation against closed forms
"""
import argparse
import heapq
import math
import random
import sys
from dataclasses import dataclass, replace

@dataclass(frozen=True)
class Pipeline:
    """Times are in seconds. A link is that from a rank to the next, the last one's leads to the first."""
    stages: int                 # D
    batches: int                # mini-batches between two validations
    forward: tuple              # of each module, for a part of a mini-batch
    backward: tuple
    update: float = 0.          # of a module's weights, for each mini-batch
    select: float = 0.          # of a part's operators
    load: float = 0.            # of a mini-batch
    parts: int = 1
    latency: tuple = ()         # of each link; () is 0
    transfer: tuple = ()        # ... of a part's image: bytes / bandwidth
    progress: bool = True       # do messages set out while their receiver computes, or only between its passes, where it looks?
    orders: bool = True         # do ranks wait for what rank 0 says?
    whole: bool = False         # is the next mini-batch begun when the whole network is done with this one?
    places: int = 2             # buffers that images leave from, for mini-batches and for parts of each (pipeline_link.c)
    scatter: float = 0.         # standard deviation of a task's time, relative
    seed: int = 0               # ... of it

    def modules(self):
        return len(self.forward)

    def own(self, stage):
        return (self.modules() - stage + self.stages - 1) // self.stages

    def group(self):
        if 1 == self.stages or self.whole:
            return 1

        return max(2, 2 if 1 == self.own(0) else self.stages)

    def groups(self):
        return -(-self.batches // self.group())

    def in_group(self, group):
        return min(self.group(), self.batches - group * self.group())

    def task(self, module):
        return self.parts * (self.forward[module] + self.backward[module] + self.select) + self.update

    def stage(self, stage):
        """seconds of work for a mini-batch"""
        return self.load + sum(self.task(m) for m in range(stage, self.modules(), self.stages))

    def hop(self, stage, what):
        return what[stage] if what else 0.


class Clock:
    """what happens next"""
    def __init__(self):
        self.now = 0.
        self.count = 0
        self.queue = []

    def at(self, time, action):
        self.count += 1
        heapq.heappush(self.queue, (time, self.count, action))

    def run(self):
        while self.queue:
            self.now, _, action = heapq.heappop(self.queue)
            action()


class Event:
    """something that one rank does and others wait for"""
    def __init__(self):
        self.happened = False
        self.waiting = []

    def happen(self):
        self.happened = True
        waiting, self.waiting = self.waiting, []

        for resume in waiting:
            resume()


class Link:
    """messages from a rank to the next, one after another as they are both sent and expected"""
    def __init__(self, clock, latency, transfer, progress):
        self.clock, self.latency, self.transfer, self.progress = clock, latency, transfer, progress
        self.sent = {}              # what nobody has posted a receive for yet: one after another of each name
        self.posted = {}            # ... and the other way round
        self.ready = []
        self.free = 0.
        self.attended = False       # is its receiver in MPI?

    def meet(self, name, mine, others):
        """the first of the others, or a new event that waits for one"""
        if others.get(name):
            event = others[name].pop(0)
            self.ready.append(event)
        else:
            event = Event()
            mine.setdefault(name, []).append(event)

        self.move()
        return event

    def move(self):
        while self.ready and (self.progress or self.attended):
            self.free = max(self.clock.now, self.free) + self.transfer
            self.clock.at(self.free + self.latency, self.ready.pop(0).happen)

    def send(self, name):
        return self.meet(name, self.sent, self.posted)

    def post(self, name):
        return self.meet(name, self.posted, self.sent)

    def attend(self, here):
        self.attended = here
        self.move()


@dataclass(frozen=True)
class Task:
    group: int
    batch: int      # in its group
    round: int


class Rank:
    """a generator that yields seconds of work, or events to wait for, driven by the clock"""
    def __init__(self, stage, sim):
        self.stage, self.sim, self.p = stage, sim, sim.p
        self.into, self.out = sim.links[stage - 1], sim.links[stage]
        self.waited = 0.
        self.first = None                       # when it began to compute
        self.last = None                        # when it had computed everything
        self.end = None
        self.places = min(self.p.places, self.p.group()), min(self.p.places, self.p.parts)
        self.leaving = [None] * (self.places[0] * self.places[1])
        self.arriving = {}                      # of a mini-batch: its parts
        self.chance = random.Random(f"{self.p.seed} {stage}")
        self.program = self.run()
        sim.clock.at(0., self.go)

    def go(self):
        for what in self.program:
            if isinstance(what, float):
                self.sim.clock.at(self.sim.clock.now + what, self.go)
                return

            if what is not None and not what.happened:
                self.rest(what)
                return

        self.end = self.sim.clock.now

    def rest(self, event):
        begin = self.sim.clock.now

        def resume():
            self.waited += self.sim.clock.now - begin
            self.into.attend(False)
            self.go()

        event.waiting.append(resume)
        self.into.attend(True)

    def look(self):
        self.into.attend(True)
        self.into.attend(False)

    def tasks(self):
        for group in range(self.p.groups()):
            batches = self.p.in_group(group)

            for n in range(batches * self.p.own(self.stage)):
                yield Task(group, n % batches, n // batches)

    def module(self, task):
        return task.round * self.p.stages + self.stage

    def begin_group(self, group):
        """rank 0 says what comes after that, too; the others wait for what was said"""
        if 0 == self.stage:
            for order in self.sim.orders[group:group + 2]:
                order.happen()
        elif self.p.orders:
            yield self.sim.orders[group]

    def prepare(self, task):
        if 0 == task.round:
            yield self.p.load

            if 0 < self.module(task):
                self.expect(task.batch, task.round)

    def expect(self, batch, round):
        if 1 < self.p.stages:
            self.arriving[batch] = [self.into.post((batch, round, part)) for part in range(self.p.parts)]

    def compute(self, task):
        p, module = self.p, self.module(task)
        slow = max(0.1, self.chance.gauss(1., p.scatter)) if 0. < p.scatter else 1.

        for part in range(p.parts):
            if 0 < module and 1 < p.stages:
                yield self.arriving[task.batch][part]

            out = task.batch % self.places[0] * self.places[1] + part % self.places[1]
            yield self.leaving[out]

            self.first = self.sim.clock.now if self.first is None else self.first
            yield slow * (p.select + p.forward[module])
            self.look()

            if module < p.modules() - 1 and 1 < p.stages:
                after = task.round + (self.stage == p.stages - 1)
                self.leaving[out] = self.out.send((task.batch, after, part))

            yield slow * p.backward[module]
            self.look()

        yield p.update

        if task.round < p.own(self.stage) - 1:
            self.expect(task.batch, task.round + 1)

        self.sim.finish(self, task)

    def pipelined(self):
        tasks = list(self.tasks())
        yield from self.begin_group(0)
        yield from self.prepare(tasks[0])

        for now, after in zip(tasks, tasks[1:] + [None]):
            if after is not None and after.group != now.group:
                yield from self.begin_group(after.group)

            meanwhile = after is not None and after.batch != now.batch

            if meanwhile:
                yield from self.prepare(after)

            yield from self.compute(now)

            if after is not None and not meanwhile:
                yield from self.prepare(after)

    def one_by_one(self):
        for task in self.tasks():
            if 0 == task.round and 0 < task.group:
                yield from self.sim.done[task.group - 1]

            yield from self.prepare(task)
            yield from self.compute(task)

    def run(self):
        yield from self.one_by_one() if self.p.whole else self.pipelined()
        self.last = self.sim.clock.now
        yield from self.leaving

        # rank 0 reports the last group when it has all results
        if 0 == self.stage:
            yield from self.sim.done[-1]


class Simulation:
    def __init__(self, p):
        self.p = p
        self.clock = Clock()
        self.links = [Link(self.clock, p.hop(s, p.latency), p.hop(s, p.transfer), p.progress) for s in range(p.stages)]
        self.orders = [Event() for _ in range(p.groups())]
        self.done = [[Event() for _ in range(p.stages)] for _ in range(p.groups())]
        self.ranks = [Rank(s, self) for s in range(p.stages)]
        self.clock.run()

        if any(rank.end is None for rank in self.ranks):
            raise RuntimeError("ranks wait for each other")

    def finish(self, rank, task):
        if task.batch == self.p.in_group(task.group) - 1 and task.round == self.p.own(rank.stage) - 1:
            self.done[task.group][rank.stage].happen()


@dataclass(frozen=True)
class Outcome:
    seconds: float          # from the first load to the last result
    iteration: float        # ... of a mini-batch
    fill: float             # until the last rank has begun to compute
    drain: float            # after the first rank has ended
    slowest: float          # work of the rank that has most, for a mini-batch
    speed_up: float         # over one rank
    efficiency: float
    waiting: tuple          # of each rank, as a share of all its time

    def mean_waiting(self):
        return sum(self.waiting) / len(self.waiting)


def one_rank(p):
    """seconds of the same training by one rank, which keeps the operators of a mini-batch of one part"""
    select = p.select if 1 < p.parts else 0.
    return p.batches * replace(p, stages=1, select=select).stage(0)


def simulate(p):
    sim = Simulation(p)
    seconds = max(rank.end for rank in sim.ranks)
    speed_up = one_rank(p) / seconds

    return Outcome(seconds=seconds, iteration=seconds / p.batches, fill=sim.ranks[-1].first, drain=seconds - sim.ranks[0].last,
                   slowest=max(p.stage(s) for s in range(p.stages)), speed_up=speed_up, efficiency=speed_up / p.stages,
                   waiting=tuple((rank.waited + seconds - rank.end) / seconds for rank in sim.ranks))


def closed_form(p):
    """seconds where no rank waits but for what is not there yet: fill + K times the slowest stage + drain, for modules that are
    alike, and messages no longer than a backward pass"""
    last = (p.modules() - 1) % p.stages
    hop = p.select + p.forward[0] + p.hop(0, p.latency) + p.hop(0, p.transfer)
    return p.batches * p.stage(0) + last * hop


def block_by_block(p):
    """seconds as Algorithm 2 of the paper is written: all forward passes of a block of D modules one after another, then
    all backward passes at once, then the next block"""
    total = p.load

    for first in range(0, p.modules(), p.stages):
        block = range(first, min(first + p.stages, p.modules()))
        hops = sum(p.parts * p.hop(m % p.stages, p.transfer) + p.hop(m % p.stages, p.latency) for m in block)
        total += sum(p.parts * p.forward[m] for m in block) + max(p.parts * p.backward[m] for m in block) + p.update + hops

    return p.batches * total


def alike(modules, forward, backward, **more):
    """a pipeline of modules that take the same time"""
    return Pipeline(forward=(forward,) * modules, backward=(backward,) * modules, **more)


def links(stages, latency, bytes_per_second, size):
    """the same one between all ranks: what Pipeline wants"""
    return {"latency": (latency,) * stages, "transfer": (size / bytes_per_second,) * stages}


def expect(what, value, expected, tolerance=1e-9):
    ok = abs(value - expected) <= tolerance * max(1., abs(expected))
    print(f"{'ok  ' if ok else 'FAIL'} {what}: {value:.9g}, expected {expected:.9g}")
    return ok


def check_closed_form():
    """fill + K times the slowest stage + drain"""
    fine = True
    more = {"update": 0.05, "load": 0.2, "select": 0.01}

    for modules, stages, batches, parts in ((8, 1, 5, 4), (8, 2, 12, 1), (8, 8, 7, 1), (8, 8, 7, 4), (4, 4, 9, 4), (2, 2, 1, 4)):
        p = alike(modules, 1., 2., stages=stages, batches=batches, parts=parts, **more, **links(stages, 0.01, 1., 0.1))
        fine &= expect(f"M = {modules}, D = {stages}, K = {batches}, {parts} parts", simulate(p).seconds, closed_form(p))

    # where D does not divide M, if nobody waits for what rank 0 says
    for modules, stages, batches in ((8, 3, 12), (8, 5, 10), (8, 6, 12), (3, 2, 8), (12, 5, 10)):
        p = alike(modules, 1., 2., stages=stages, batches=batches, orders=False, **more)
        fine &= expect(f"M = {modules}, D = {stages}, K = {batches}, no orders", simulate(p).seconds, closed_form(p))

    # a mini-batch alone in the last group: its receives are posted when the task before is done, and messages are waited for
    p = alike(8, 1., 2., stages=2, batches=11, **more, **links(2, 0., 1., 0.1))
    fine &= expect("M = 8, D = 2, K = 11", simulate(p).seconds, closed_form(p) + 3 * 0.1)

    return fine


def check_nothing_extra():
    """Ranks that have several modules expect an image as soon as its place is free, and know a group ahead how many mini-batches
    there are: neither costs anything, whether D divides M or not"""
    fine = True

    for modules, stages in ((8, 4), (16, 8), (3, 2), (8, 3)):
        for groups in (1, 5):
            p = alike(modules, 1., 2., stages=stages, batches=stages * groups)
            fine &= expect(f"M = {modules}, D = {stages}, {groups} groups", simulate(p).seconds, closed_form(p))

    return fine


def check_messages():
    """a link carries one message after another; what is shorter than a task costs nothing"""
    def slope(transfer, **more):
        p = alike(4, 1., 2., stages=4, batches=20, transfer=(transfer,) * 4, **more)
        return (simulate(replace(p, batches=40)).seconds - simulate(p).seconds) / 20

    fine = expect("M = D, message as long as the backward pass", slope(2.), 3.)
    fine &= expect("M = D, message of 5 s", slope(5.), 5.)
    fine &= expect("M = D, messages set out between passes, 0.5 s", slope(0.5, progress=False), 3.)
    return fine


def check_scatter():
    """The seed decides. Two ranks that go in step would take as long as the longer one of two tasks each time, 1 / sqrt(pi)
    standard deviations more than either; buffers make them freer, and more buffers more so."""
    p = alike(8, 1., 2., stages=2, batches=400, progress=False, scatter=0.2)
    two, one = simulate(p).iteration, simulate(replace(p, places=1)).iteration

    fine = expect("scatter, the same again", simulate(p).iteration, two)
    fine &= expect("scatter, another seed differs", float(simulate(replace(p, seed=1)).iteration != two), 1.)
    fine &= expect("scatter, two buffers, one, in step", float(12. < two < one < 12. * (1. + 0.2 / math.sqrt(math.pi))), 1.)
    return fine


def check_order_of_modules():
    """unequal modules: the slowest stage sets the pace"""
    p = Pipeline(forward=(1., 1., 1., 4.), backward=(2., 2., 2., 5.), stages=2, batches=40)
    fine = expect("the slowest stage sets the pace", (simulate(replace(p, batches=80)).seconds - simulate(p).seconds) / 40, 12.)
    o = simulate(p)
    busy = [p.batches * p.stage(s) for s in range(2)]
    fine &= expect("waiting is what is not work", sum(o.waiting) * o.seconds, 2 * o.seconds - sum(busy))
    return fine


def check_paper():
    """one mini-batch after another: Algorithm 2 as written, and each rank as early as it can"""
    p = alike(8, 1., 2., stages=2, batches=3)
    q = alike(8, 1., 3., stages=2, batches=3)
    fine = expect("Algorithm 2, D = 2, backward = 2 forward", one_rank(p) / block_by_block(p), 2 * 3 / 4)
    fine &= expect("Algorithm 2, D = 2, backward = 3 forward", one_rank(q) / block_by_block(q), 2 * 4 / 5)
    fine &= expect("no mini-batch before the last one is done", simulate(replace(p, whole=True)).seconds, 3 * (4 * 3. + 1.))
    return fine


def selftest():
    checks = (check_closed_form, check_nothing_extra, check_messages, check_scatter, check_order_of_modules, check_paper)
    return all([check() for check in checks])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--selftest", action="store_true", required=True)
    parser.parse_args()
    sys.exit(0 if selftest() else 1)
